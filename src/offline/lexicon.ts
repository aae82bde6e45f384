import { readFileSync } from "node:fs";

/** The lines of a data file by the list they stand in; comments left out. */
function listsOf(file: string): Map<string, string> {
  const lists = new Map<string, string>();
  let name = "";
  for (const line of readFileSync(new URL(`./words/${file}`, import.meta.url), "utf8").split("\n")) {
    const opened = /^\[(.+)\]$/.exec(line)?.[1];
    if (opened !== undefined) name = opened;
    else if (!line.startsWith("#")) lists.set(name, `${lists.get(name) ?? ""} ${line}`);
  }
  return lists;
}

let words: Map<string, ReadonlySet<string>> | undefined;

/** A list of `words/words.txt`, read at the first look-up. */
export function wordList(
  name:
    | "no opinion"
    | "function"
    | "foreign"
    | "no topic"
    | "aspect"
    | `${"positive" | "negative"} ${string}`,
): ReadonlySet<string> {
  words ??= new Map(
    [...listsOf("words.txt")].map(([list, text]) => [list, new Set(text.trim().split(/\s+/))]),
  );
  return words.get(name) ?? new Set();
}

/** The phrases of `words/phrases.txt`, each with its score. */
export function phraseList(): { score: number; words: string }[] {
  return [...listsOf("phrases.txt")].flatMap(([score, text]) =>
    text
      .split(/; ?/)
      .flatMap((phrase) => (phrase.trim() === "" ? [] : [{ score: Number(score), words: phrase.trim() }])),
  );
}

let forms: ReadonlyMap<string, number> | undefined;

/** Opinion words by base form, built at the first look-up. */
function baseForms(): ReadonlyMap<string, number> {
  forms ??= new Map(
    (["negative", "positive"] as const).flatMap((side) =>
      ["weak", "plain", "strong"].flatMap((strength, i) =>
        [...wordList(`${side} ${strength}`)].map((word): [string, number] => [
          word,
          (side === "positive" ? 1 : -1) * (i + 1),
        ]),
      ),
    ),
  );
  return forms;
}

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
  if (word.length < 4 || wordList("no opinion").has(word)) return 0;
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
  return 0;
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

/** A word's rough stem: equal for "classify", "classifies", "classifying". */
export function stemOf(word: string): string {
  const lower = word.toLowerCase();
  if (lower.length <= 3) return lower;
  const bases = baseFormsOf(lower).filter((base) => base.length >= 3);
  const shortest = bases.reduce((best, base) => (base.length < best.length ? base : best), lower);
  return shortest.replace(/(ation|ition|ement|ity|ive|al|ion|e|y|i)$/, "").slice(0, 8) || lower;
}

/** Stems of the content words of a text, without repeats. */
export function contentStems(text: string): Set<string> {
  const words =
    text
      .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
      .toLowerCase()
      .match(/[\p{L}\d][\p{L}\d'-]*/gu) ?? [];
  return new Set(words.filter((word) => !wordList("function").has(word) && word.length > 1).map(stemOf));
}

/** "prosCons" and "pros_cons" as "Pros and cons"; other names as words with a capital. */
export function titleOf(name: string): string {
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll(/[_-]+/g, " ")
    .trim()
    .toLowerCase();
  const title = words.replace(/^(.*\/)/, "").replace(/\bpros cons\b/, "pros and cons");
  return title.charAt(0).toUpperCase() + title.slice(1);
}
