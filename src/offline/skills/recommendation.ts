import { fixed } from "../fixed-phrases.js";
import { balanceOf, strongest } from "../remarks.js";
import { materialOf, type Task } from "../task.js";
import { renderRemark } from "./pros-and-cons.js";

const audience =
  /\b(?:recommend(?:ed)? (?:it |this |them )?(?:to|for)|(?:great|perfect|good|ideal|best|fine|excellent|suitable|right) (?:choice |option |fit |one )?for|anyone who|those who|people who|if you(?:'re| are| want| need| like| travel| have| work))\b/i;

/** Whether to recommend the thing, to whom, and why: each reason is a passage of the text. */
export function recommend(task: Task): string {
  const source = materialOf(task);
  const { remarks } = source;
  if (remarks.length === 0) return fixed.cannotSay;
  const lines = [verdictOf(balanceOf(remarks), remarks.filter(({ score }) => score < 0).length)];
  const told = source.document.sentences.filter(({ text }) => audience.test(text)).slice(0, 2);
  const others = remarks.filter(({ sentence }) => !told.some(({ index }) => index === sentence));
  for (const sentence of told) {
    const score = source.judgement.sentences[sentence.index]?.opinion.score ?? 0;
    lines.push(`${score < 0 ? fixed.notFor : fixed.forWhom}: “${sentence.text}”`);
  }
  for (const [sign, title] of [
    [1, fixed.reasonsFor],
    [-1, fixed.reasonsAgainst],
  ] as const) {
    const reasons = strongest(others.some(({ score }) => score * sign > 0) ? others : remarks, sign, 3);
    if (reasons.length > 0) lines.push("", `${title}:`, ...reasons.map(renderRemark));
  }
  return lines.join("\n");
}

/** The verdict in words for a balance from -1 to 1. */
export function verdictOf(score: number, blames: number): string {
  if (score >= 0.35) return (blames === 0 && score > 0.5) || score >= 0.63 ? fixed.yes : fixed.yesBut;
  if (score > 0.1) return fixed.yesBut;
  return score >= -0.2 ? fixed.undecided : fixed.no;
}
