import { documentOf } from "/tmp/wt/offline/src/models/offline/document.ts";
import { loadNlp } from "/tmp/wt/offline/src/models/offline/nlp.ts";
import { judgeDocument } from "/tmp/wt/offline/src/models/offline/opinions.ts";
import { findNounPhrases } from "/tmp/wt/offline/src/models/offline/noun-phrases.ts";
const read = await loadNlp();
for (const l of process.argv.slice(2)) {
  const d = documentOf([l], read); const j = judgeDocument(d).sentences[0]!;
  console.log(d.sentences[0]!.tokens.map((t) => t.text + "/" + t.pos).join(" "));
  for (const c of j.opinion.clauses) console.log("   ", c.score.toFixed(1), "|", d.sentences[0]!.tokens.slice(c.from, c.to).map((t) => t.text).join(" "), "|", c.hits.map((h) => d.sentences[0]!.tokens.slice(h.from, h.to).map((t) => t.text).join(" ") + " " + h.score.toFixed(1)).join("; "));
  console.log("   T", j.targets.map((t) => t.name).join(", "), " NP", findNounPhrases(d.sentences[0]!.tokens).map((p) => p.name).join(", "));
}
