/** A rating that a text states in figures. */
export interface StatedRating {
  /** From -2 (lowest) to 2 (highest). */
  readonly score: number;
  /** What is rated, lower case; `null` for the thing as a whole. */
  readonly aspect: string | null;
}

const outOf =
  /(?<![\d.,/])(\d{1,2}(?:[.,]\d)?)\s*(?:\/|out of)\s*(5|10)\b(?!\s*[/\d])(?! (?!stars\b|points\b)\p{L}+s\b)/iu;
const stars = /(?<![\d.,/])([1-5](?:[.,]5)?)[\s-]stars?\b(?! (?:hotel|general))/i;
const whole =
  /^(?:(?:my|our|the) )?(?:overall|rating|score|total|verdict|conclusion|stars?|final|in short)\b/i;

/** The rating in "Overall 4/5", "2 out of 5 stars" or "Keyboard: 9/10"; `null` where a sentence states none. */
export function statedRating(sentence: string): StatedRating | null {
  const [, given, most] = outOf.exec(sentence) ?? [];
  const [, starred] = given === undefined ? (stars.exec(sentence) ?? []) : [];
  const value = Number((given ?? starred ?? "").replace(",", ".") || Number.NaN);
  const top = most === undefined ? 5 : Number(most);
  if (!Number.isFinite(value) || value > top) return null;
  const [, label = ""] = /^([\p{L}][\p{L} -]{1,30}?)\s*[:=–-]\s*(?=\d)/u.exec(sentence) ?? [];
  const least = top === 5 ? 1 : 0;
  const share = Math.max(0, (value - least) / (top - least));
  const aspect = label === "" || whole.test(label) ? null : label.toLowerCase();
  return { score: (share * 2 - 1) * 2, aspect };
}
