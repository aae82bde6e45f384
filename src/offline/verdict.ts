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

/** A statement that sums up counts twice. */
const summing =
  /\b(overall|on the whole|all in all|in short|in summary|bottom line|in the end|to sum up|recommend|worth|(would|will) (not )?(buy|stay|book|order|come back|return)|again|return(ed|ing) it|sent it back|refund)\b/i;

/**
 * 1. A rating of the whole that the text states in figures or words is the score.
 * 2. Else the score is praise less blame over both and one more, each statement by its strength, one that sums up twice.
 * 3. Stars: from .65 five, from .3 four, above -.3 three, above -.65 two, else one; .5 for .3 where both sides have three statements.
 * 4. Four and five are positive, three is mixed, less is negative.
 * 5. Recommended from four stars, with reservations where a statement names one; at three with reservations; else not.
 */
export function verdictOf(remarks: readonly Remark[]): Verdict {
  let [praise, blame] = [0, 0];
  for (const { score, quote } of remarks) {
    const weight = Math.min(3, Math.abs(score)) * (summing.test(quote) ? 2 : 1);
    if (score > 0) praise += weight;
    else blame += weight;
  }
  const praises = remarks.filter(({ score }) => score > 0).length;
  const blames = remarks.filter(({ score }) => score < 0).length;
  if (remarks.length === 0)
    return { label: "neutral", score: 0, stars: null, recommendation: null, praises, blames };
  const ratings = remarks.flatMap(({ rating }) => rating ?? []);
  const mean = ratings.reduce((sum, rating) => sum + rating, 0) / ratings.length;
  const score = Math.round((ratings.length > 0 ? mean : (praise - blame) / (praise + blame + 1)) * 100) / 100;
  // With three statements and more on each side a text is mixed further out; one statement alone is no extreme.
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
