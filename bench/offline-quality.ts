/**
 * Quality of the offline model's reading of opinions, on labelled sentences:
 *
 *   npm run eval:offline -- FILE.jsonl [FILE.jsonl …] [--errors]
 *
 * One JSON object a line: `{ id, text, labels: [{ feature, polarity: 1 | -1 }] }`. All sentences of a file are read as
 * one document by the functions that the model's skills use. Polarity: the sign of the summed labels against the sign
 * of the score; a tie is left out and a score of 0 counts as wrong. Features: pairs of sentence and head noun (lower
 * case, singular), over all sentences and over the labelled ones alone.
 */
import { readFileSync } from "node:fs";
import vader from "vader-sentiment";
import { documentOf } from "../src/offline/document.js";
import { loadNlp, type ReadTokens } from "../src/offline/nlp.js";
import { singular } from "../src/offline/noun-phrases.js";
import { type JudgedSentence, judgeDocument } from "../src/offline/opinions.js";

interface Row {
  readonly id: string;
  readonly text: string;
  readonly labels: readonly { readonly feature: string; readonly polarity: 1 | -1 }[];
}

const args = process.argv.slice(2);
const files = args.filter((arg) => !arg.startsWith("--"));
if (files.length === 0) {
  process.stderr.write("Usage: npm run eval:offline -- FILE.jsonl [FILE.jsonl …] [--errors]\n");
  process.exit(2);
}
const readTokens = await loadNlp();
for (const file of files) process.stdout.write(`${report(file, readTokens)}\n`);

function report(file: string, read: ReadTokens): string {
  const rows = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as Row);
  const { sentences } = judgeDocument(
    documentOf(
      rows.map(({ text }) => text),
      read,
    ),
  );
  const lines = [
    `${file}: ${rows.length} sentences, ${rows.filter(({ labels }) => labels.length > 0).length} labelled`,
    polarityLine("offline", rows, (_, i) => sentences[i]?.opinion.score ?? 0),
    polarityLine(
      "vader",
      rows,
      ({ text }) => vader.SentimentIntensityAnalyzer.polarity_scores(text).compound,
    ),
    polarityLine("always positive", rows, () => 1),
    featureLine("features, all sentences", rows, sentences, () => true),
    featureLine("features, labelled ones", rows, sentences, ({ labels }) => labels.length > 0),
  ];
  if (args.includes("--errors")) lines.push(...errorsOf(rows, sentences));
  return lines.join("\n");
}

function signOf({ labels }: Row): number {
  return Math.sign(labels.reduce((sum, { polarity }) => sum + polarity, 0));
}

function polarityLine(name: string, rows: readonly Row[], score: (row: Row, i: number) => number): string {
  const pairs = rows
    .map((row, i) => [signOf(row), Math.sign(score(row, i))] as const)
    .filter(([gold]) => gold !== 0);
  const count = (gold: number, got: number) => pairs.filter(([a, b]) => a === gold && b === got).length;
  const golds = (sign: number) => pairs.filter(([gold]) => gold === sign).length;
  const f1 = (sign: number) =>
    (2 * count(sign, sign)) / (golds(sign) + count(sign, sign) + count(-sign, sign));
  const right = count(1, 1) + count(-1, -1);
  return `${name.padEnd(24)} macro-F1 ${((f1(1) + f1(-1)) / 2).toFixed(3)}  recall of negatives ${(count(-1, -1) / golds(-1)).toFixed(3)}  accuracy ${(right / pairs.length).toFixed(3)}  (no opinion found: ${count(1, 0) + count(-1, 0)} of ${pairs.length})`;
}

/** Lower-case singular head noun of a label: its last word. */
function headOf(feature: string): string {
  const last = feature.trim().toLowerCase().split(/\s+/).at(-1) ?? "";
  return singular({ text: last, lower: last, lemma: last, pos: "NOUN", spaced: false });
}

function featureLine(
  name: string,
  rows: readonly Row[],
  sentences: readonly JudgedSentence[],
  counted: (row: Row) => boolean,
): string {
  let [hits, found, labelled] = [0, 0, 0];
  rows.forEach((row, i) => {
    if (!counted(row)) return;
    const gold = new Set(row.labels.map(({ feature }) => headOf(feature)));
    const got = new Set(sentences[i]?.targets.map(({ head }) => head));
    hits += [...got].filter((head) => gold.has(head)).length;
    found += got.size;
    labelled += gold.size;
  });
  const [precision, recall] = [hits / found, hits / labelled];
  return `${name.padEnd(24)} precision ${precision.toFixed(3)}  recall ${recall.toFixed(3)}  F1 ${((2 * precision * recall) / (precision + recall)).toFixed(3)}`;
}

function errorsOf(rows: readonly Row[], sentences: readonly JudgedSentence[]): string[] {
  return rows.flatMap((row, i) => {
    const judged = sentences[i];
    if (judged === undefined) return [];
    const { score, clauses } = judged.opinion;
    const hits = clauses
      .flatMap(({ hits: found }) => found)
      .map(
        (hit) =>
          `${judged.sentence.tokens
            .slice(hit.from, hit.to)
            .map(({ lower }) => lower)
            .join(" ")} ${hit.score.toFixed(1)}`,
      );
    const wrong =
      signOf(row) !== 0 && Math.sign(score) !== signOf(row)
        ? `POLARITY ${signOf(row)} got ${score.toFixed(1)} [${hits.join(" | ")}]`
        : "";
    const gold = new Set(row.labels.map(({ feature }) => headOf(feature)));
    const got = new Set(judged.targets.map(({ head }) => head));
    const missed = [...gold].filter((head) => !got.has(head));
    const extra = [...got].filter((head) => !gold.has(head));
    const features =
      missed.length + extra.length > 0
        ? `FEATURES missed ${missed.join(", ") || "-"} extra ${extra.join(", ") || "-"}`
        : "";
    return wrong === "" && features === "" ? [] : [`${row.id} ${wrong} ${features}\n    ${row.text}`];
  });
}
