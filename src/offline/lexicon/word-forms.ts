import { negativeWords } from "./negative-words.js";
import { positiveWords } from "./positive-words.js";

const strengths = { strong: 3, plain: 2, weak: 1 } as const;

let forms: ReadonlyMap<string, number> | undefined;

/** Opinion words by base form, built at the first look-up. */
function baseForms(): ReadonlyMap<string, number> {
  forms ??= new Map(
    (
      [
        [negativeWords, -1],
        [positiveWords, 1],
      ] as const
    ).flatMap(([words, sign]) =>
      (["weak", "plain", "strong"] as const).flatMap((strength) =>
        words[strength]
          .trim()
          .split(/\s+/)
          .map((word): [string, number] => [word, sign * strengths[strength]]),
      ),
    ),
  );
  return forms;
}

/** Words that look like a form of an opinion word and are none. */
const lookalikes = new Set(
  `simply infrared cleaning cleaned cleans cleaner pretties goods winners smarts sharper-image thanksgiving misses missed miss hits stings backing hardly hardware harden hardback barely lately
  interests likely unlikely early earlier fuller holder finer fining fined evenly wells lovers prized issued issuing rights shortly nearly trusts
  shower tower power powers powered wonder wondering wondered wonders works working worked workable adder copier user users seller crackers cracker dumpling dumplings
  brakes brake bugs-bunny dates burner charger cleaners cleaner player players bugle safer-not ill badge badger fishery crashed-not winter lags mess-hall richer painter paint painting painted paints
  toner gainer helper helpers tenders tender tidying presser neatness-not warmer mats cheerio cheers`.split(
    /\s+/,
  ),
);

const prefixes = ["un", "non-", "non", "dis", "in", "im", "ir", "il", "not-so-", "less-than-"];
const cache = new Map<string, number>();

/** The opinion a word carries by itself: above 0 praise, below 0 blame (1 weak, 2 plain, 3 strong), 0 none. */
export function lexicalScore(word: string): number {
  const known = cache.get(word);
  if (known !== undefined) return known;
  const score = lookUp(word);
  if (cache.size > 20_000) cache.clear();
  cache.set(word, score);
  return score;
}

function lookUp(word: string): number {
  const exact = baseForms().get(word);
  if (exact !== undefined) return exact;
  if (word.length < 4 || lookalikes.has(word)) return 0;
  if (word.startsWith("well-")) return 2;
  const form = formScore(word);
  if (form !== 0) return form;
  for (const prefix of prefixes) {
    if (!word.startsWith(prefix) || word.length < prefix.length + 4) continue;
    const rest = word.slice(prefix.length);
    const inner = baseForms().get(rest) ?? formScore(rest);
    if (inner > 0) return -2;
    if (inner < 0 && prefix === "un") return 1;
  }
  return word.length >= 8 ? misspeltScore(word) : 0;
}

function formScore(word: string): number {
  for (const base of baseFormsOf(word)) {
    const score = baseForms().get(base);
    if (score !== undefined) return score;
  }
  return 0;
}

const endings: readonly (readonly [RegExp, readonly string[]])[] = [
  [/iness$/, ["y"]],
  [/ness$/, [""]],
  [/ically$/, ["ic", "ical"]],
  [/bly$/, ["ble"]],
  [/ily$/, ["y"]],
  [/lly$/, ["l", "ll"]],
  [/ly$/, ["", "le"]],
  [/ies$/, ["y"]],
  [/ied$/, ["y"]],
  [/iest$/, ["y"]],
  [/ier$/, ["y"]],
  [/([bdglmnprt])\1(?:ed|ing|er|est)$/, ["$1"]],
  [/ing$/, ["", "e"]],
  [/ed$/, ["", "e"]],
  [/est$/, ["", "e"]],
  [/er$/, ["", "e"]],
  [/ment$/, [""]],
  [/ful$/, [""]],
  [/es$/, ["", "e"]],
  [/s$/, [""]],
];

/** Candidate dictionary forms of an inflected or derived word. */
export function baseFormsOf(word: string): string[] {
  return endings.flatMap(([ending, bases]) =>
    ending.test(word)
      ? bases.map((base) => word.replace(ending, base)).filter((form) => form.length > 2)
      : [],
  );
}

let skeletons: Map<string, [word: string, score: number][]> | undefined;

/** A long word that is no known word but has an opinion word's consonants, first letter and nearly its length. */
function misspeltScore(word: string): number {
  if (word.includes("-")) return 0;
  skeletons ??= groupBySkeleton();
  for (const candidate of [word, ...baseFormsOf(word)]) {
    for (const [base, score] of skeletons.get(skeletonOf(candidate)) ?? []) {
      if (base.length >= 8 && base.slice(0, 2) === candidate.slice(0, 2) && nearlyEqual(candidate, base))
        return score;
    }
  }
  return 0;
}

function groupBySkeleton(): Map<string, [string, number][]> {
  const groups = new Map<string, [string, number][]>();
  for (const [word, score] of baseForms()) {
    const skeleton = skeletonOf(word);
    groups.set(skeleton, [...(groups.get(skeleton) ?? []), [word, score]]);
  }
  return groups;
}

function skeletonOf(word: string): string {
  return word.replaceAll(/[aeiouy]/g, "").replaceAll(/(.)\1+/g, "$1");
}

/** Whether two words are one edit apart once doubled letters count as one. */
function nearlyEqual(a: string, b: string): boolean {
  const [left, right] = [a, b].map((word) => word.replaceAll(/(.)\1+/g, "$1")) as [string, string];
  let from = 0;
  while (from < Math.min(left.length, right.length) && left[from] === right[from]) from++;
  const rests = (skipLeft: number, skipRight: number) =>
    left.slice(from + skipLeft) === right.slice(from + skipRight);
  const swapped = left[from] === right[from + 1] && left[from + 1] === right[from] && rests(2, 2);
  return rests(0, 0) || rests(1, 1) || rests(1, 0) || rests(0, 1) || swapped;
}
