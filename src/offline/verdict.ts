import type { Remark } from "./remarks.js";

/** What a text's statements come to. Label, score, stars and recommendation follow from one count. */
export interface Verdict {
  readonly label: "positive" | "mixed" | "negative" | "neutral";
  /** From -1 to 1, two decimals; 0 where nothing was stated. */
  readonly score: number;
  /** From 1 to 5; `null` where there is not enough to judge. */
  readonly stars: 1 | 2 | 3 | 4 | 5 | null;
  readonly recommendation: "yes" | "reservations" | "no" | null;
  readonly praises: number;
  readonly blames: number;
}

/**
 * 1. A rating of the whole that the text states in figures or words is the score.
 * 2. Else the score is praise less blame over both and one more, each statement by its strength.
 * 3. Stars: from .65 five, from .3 four, above -.3 three, above -.65 two, else one; .5 for .3 where both sides have three statements; one statement alone gives two to four.
 * 4. Four and five are positive, three is mixed, less is negative.
 * 5. Recommended from four stars, with reservations where a statement names one; at three with reservations; else not.
 */
export function verdictOf(remarks: readonly Remark[]): Verdict {
  const weigh = (sign: 1 | -1) =>
    remarks.reduce((sum, { score }) => sum + Math.max(0, Math.min(4, score * sign)), 0);
  const [praise, blame] = [weigh(1), weigh(-1)];
  const praises = remarks.filter(({ score }) => score > 0).length;
  const blames = remarks.filter(({ score }) => score < 0).length;
  if (remarks.length === 0)
    return { label: "neutral", score: 0, stars: null, recommendation: null, praises, blames };
  const ratings = remarks.flatMap(({ rating }) => rating ?? []);
  const mean = ratings.reduce((sum, rating) => sum + rating, 0) / ratings.length;
  const score = Math.round((ratings.length > 0 ? mean : (praise - blame) / (praise + blame + 1)) * 100) / 100;
  const middle = praises > 2 && blames > 2 ? 0.5 : 0.3;
  const far = remarks.length === 1 ? 1.01 : 0.65;
  const counted = score >= far ? 5 : score >= middle ? 4 : score > -middle ? 3 : score > -far ? 2 : 1;
  const rated = Math.min(5, Math.max(1, Math.round(3 + 2 * score))) as 1 | 2 | 3 | 4 | 5;
  const stars = ratings.length > 0 ? rated : counted;
  const label = stars >= 4 ? "positive" : stars === 3 ? "mixed" : "negative";
  const recommendation =
    stars < 3 ? "no" : blames > 0 && (stars < 5 || blames > 1) ? "reservations" : stars === 3 ? null : "yes";
  return { label, score, stars, recommendation, praises, blames };
}
