/**
 * How well the offline model reads opinions, on texts that its word lists were not written for:
 *
 *   npm run eval:offline -- [FILE.jsonl …]
 *
 * 1. Labelled sentences (files given): one JSON object a line, `{ id, text, labels: [{ feature, polarity: 1 | -1 }] }`.
 *    The sign of the summed labels against that of the score; a tie is left out, a score of 0 counts as wrong.
 * 2. Whole reviews (bench/offline-reviews.ts), one person's labels: label, stars in range, recommendation, beside the
 *    constant answer "mixed, 3 stars, with reservations"; and which of the points stand on which side.
 * 3. Structured fields: right, null or refused, wrong but reported as success.
 */
import { readFileSync } from "node:fs";
import { fillFields } from "../src/offline/fields.js";
import { judgeSentence } from "../src/offline/polarity.js";
import { loadNlp } from "../src/offline/reading.js";
import { readTask } from "../src/offline/task.js";
import { verdictOf } from "../src/offline/verdict.js";
import { fieldTexts, laterReviews, reviews } from "./offline-reviews.js";

interface Row {
  readonly text: string;
  readonly labels: readonly { readonly polarity: 1 | -1 }[];
}

const read = await loadNlp();
const print = (line: string) => process.stdout.write(`${line}\n`);
const taskOn = (text: string) =>
  readTask(
    [
      { role: "system", content: "Judge the sentiment." },
      { role: "user", content: text },
    ],
    read,
  );

for (const file of process.argv.slice(2)) {
  const pairs = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as Row)
    .map(({ text, labels }) => {
      const gold = Math.sign(labels.reduce((sum, { polarity }) => sum + polarity, 0));
      return [gold, Math.sign(judgeSentence(read(text).flat()).score)] as const;
    })
    .filter(([gold]) => gold !== 0);
  const count = (gold: number, got: number) => pairs.filter(([a, b]) => a === gold && b === got).length;
  const golds = (sign: number) => pairs.filter(([gold]) => gold === sign).length;
  const f1 = (sign: number) =>
    (2 * count(sign, sign)) / (golds(sign) + count(sign, sign) + count(-sign, sign));
  print(
    `${file}: macro-F1 ${((f1(1) + f1(-1)) / 2).toFixed(3)}, recall of negatives ${(count(-1, -1) / golds(-1)).toFixed(3)} (${pairs.length} sentences)`,
  );
}

for (const set of [reviews, laterReviews]) {
  const figures = { label: 0, stars: 0, recommendation: 0, right: 0, wrong: 0, none: 0, found: 0, wanted: 0 };
  const constant = { label: 0, stars: 0, recommendation: 0 };
  for (const { text, labels, stars, recommendations, pros, cons } of set) {
    const { remarks } = taskOn(text).material;
    const verdict = verdictOf(remarks);
    const inRange = (given: number) => given >= stars[0] && given <= stars[1];
    figures.label += Number(labels.includes(verdict.label));
    figures.stars += Number(verdict.stars !== null && inRange(verdict.stars));
    figures.recommendation += Number(
      verdict.recommendation !== null && recommendations.includes(verdict.recommendation),
    );
    constant.label += Number(labels.includes("mixed"));
    constant.stars += Number(inRange(3));
    constant.recommendation += Number(recommendations.includes("reservations"));
    for (const { score, quote } of remarks) {
      const holds = (points: readonly string[]) => points.some((point) => quote.includes(point));
      const [own, other] = score > 0 ? [pros, cons] : [cons, pros];
      figures[holds(own) ? "right" : holds(other) ? "wrong" : "none"]++;
    }
    const listed = (sign: number) => (point: string) =>
      remarks.some(({ score, quote }) => score * sign > 0 && quote.includes(point));
    figures.found += pros.filter(listed(1)).length + cons.filter(listed(-1)).length;
    figures.wanted += pros.length + cons.length;
  }
  const points = figures.right + figures.wrong + figures.none;
  print(
    `${set.length} whole reviews: label ${figures.label}, stars in range ${figures.stars}, recommendation ${figures.recommendation}`,
  );
  print(
    `  constant answer: label ${constant.label}, stars in range ${constant.stars}, recommendation ${constant.recommendation}`,
  );
  print(
    `  points: right ${(figures.right / points).toFixed(2)}, wrong side ${(figures.wrong / points).toFixed(2)}, no point ${(figures.none / points).toFixed(2)} of ${points}; recall ${(figures.found / figures.wanted).toFixed(2)} of ${figures.wanted}`,
  );
}

let [right, silent, wrong] = [0, 0, 0];
for (const { text, schema, value } of fieldTexts) {
  let got: Readonly<Record<string, unknown>> | null = null;
  try {
    got = fillFields(schema, taskOn(text), "Extract the fields.") as Record<string, unknown>;
  } catch {
    // A refusal is silence.
  }
  for (const [name, wanted] of Object.entries(value)) {
    const given = got?.[name] ?? null;
    if (JSON.stringify(given) === JSON.stringify(wanted)) right++;
    else if (given === null || JSON.stringify(given) === "[]") silent++;
    else wrong++;
  }
}
print(
  `structured fields: right ${right}, null or refused although stated ${silent}, wrong but reported as success ${wrong}`,
);
