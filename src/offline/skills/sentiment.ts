import { fixed } from "../fixed-phrases.js";
import { balanceOf, type Remark, strongest } from "../remarks.js";
import { materialOf, type Task } from "../task.js";

export type SentimentLabel = "positive" | "mixed" | "negative" | "neutral";

/** The overall sentiment of remarks. */
export interface Sentiment {
  readonly label: SentimentLabel;
  /** From -1 to 1, two decimals. */
  readonly score: number;
  readonly praises: number;
  readonly blames: number;
}

/** Weighs praise against blame; `neutral` where there is neither. */
export function sentimentOf(remarks: readonly Remark[]): Sentiment {
  const score = Math.round(balanceOf(remarks) * 100) / 100;
  const praises = remarks.filter((remark) => remark.score > 0).length;
  const blames = remarks.length - praises;
  const both = praises > 0 && blames > 0;
  const label =
    remarks.length === 0
      ? "neutral"
      : both && Math.abs(score) < 0.35
        ? "mixed"
        : score > 0
          ? "positive"
          : "negative";
  return { label, score, praises, blames };
}

/** The overall sentiment with its strength and the strongest passage on each side. */
export function judgeSentiment(task: Task): string {
  const { remarks } = materialOf(task);
  const sentiment = sentimentOf(remarks);
  if (remarks.length === 0) return `${fixed.sentiment}: ${fixed.neutral}. ${fixed.noOpinion}`;
  const lines = [
    `${fixed.sentiment}: ${sentiment.label} (${fixed.score} ${sentiment.score.toFixed(2)}, ${fixed.from}; ${sentiment.praises} ${fixed.favourable}, ${sentiment.blames} ${fixed.unfavourable})`,
  ];
  for (const [sign, title] of [
    [1, fixed.strongestPraise],
    [-1, fixed.strongestCriticism],
  ] as const) {
    const remark = strongest(remarks, sign, 1)[0];
    if (remark !== undefined) lines.push(`${title}: “${remark.brief}”`);
  }
  return lines.join("\n");
}
