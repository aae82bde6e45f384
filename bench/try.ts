import { readFileSync } from "node:fs";
import { documentOf } from "../src/models/offline/document.js";
import { loadNlp } from "../src/models/offline/nlp.js";
import { judgeSentence } from "../src/models/offline/polarity.js";
const show = process.argv[3] === "show";
const read = await loadNlp();
const rows = readFileSync(process.argv[2]!, "utf8").trim().split("\n").map((l) => JSON.parse(l));
const doc = documentOf(rows.map((r) => r.text), read);
let tp = 0, fp = 0, fn = 0, tn = 0, zp = 0, zn = 0;
doc.sentences.forEach((s, i) => {
  const sum = rows[i].labels.reduce((a: number, l: any) => a + l.polarity, 0);
  if (sum === 0) return;
  const o = judgeSentence(s.tokens);
  const ok = o.score * sum > 0;
  if (sum > 0) { ok ? tp++ : o.score === 0 ? zp++ : fn++; } else { ok ? tn++ : o.score === 0 ? zn++ : fp++; }
  if (!ok && show) console.log(sum > 0 ? "+" : "-", o.score.toFixed(1), rows[i].id, rows[i].text.slice(0, 300), "||", o.clauses.flatMap((c) => c.hits).map((h) => s.tokens.slice(h.from, h.to).map((t) => t.lower).join(" ") + ":" + h.score.toFixed(1)).join(" | "));
});
const f1 = (t: number, f: number, m: number) => (2 * t) / (2 * t + f + m);
const P = f1(tp, fp, fn + zp), N = f1(tn, fn, fp + zn);
console.log({ tp, fn, zp, tn, fp, zn, acc: (tp + tn) / (tp + fn + zp + tn + fp + zn), macro: (P + N) / 2, negRecall: tn / (tn + fp + zn) });
