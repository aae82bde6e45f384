import { readFileSync } from "node:fs";

/** The lines of a data file by the list they stand in; comments left out. */
function listsOf(file: string): Map<string, string[]> {
  const lists = new Map<string, string[]>();
  let name = "";
  for (const line of readFileSync(new URL(`./words/${file}`, import.meta.url), "utf8").split("\n")) {
    const opened = /^\[(.+)\]$/.exec(line)?.[1];
    if (opened !== undefined) name = opened;
    else if (line !== "" && !line.startsWith("#")) lists.set(name, [...(lists.get(name) ?? []), line]);
  }
  return lists;
}

let words: Map<string, ReadonlySet<string>> | undefined;

/** A list of `words/words.txt`, read at the first look-up. */
export function wordList(name: string): ReadonlySet<string> {
  words ??= new Map(
    [...listsOf("words.txt")].map(([list, lines]) => [list, new Set(lines.join(" ").split(/\s+/))]),
  );
  const list = words.get(name);
  if (list === undefined) throw new RangeError(`words.txt has no list "${name}".`);
  return list;
}

/** A list whose entries are `from>to`. */
export function wordPairs(name: "endings" | "irregular plurals"): ReadonlyMap<string, string> {
  const pairs = [...wordList(name)].map((entry) => entry.split(">"));
  return new Map(pairs.map(([from = "", to = ""]) => [from, to]));
}

/** The phrases of `words/phrases.txt`, each with its score. */
export function phraseList(): { score: number; words: string }[] {
  return [...listsOf("phrases.txt")].flatMap(([score, lines]) =>
    lines
      .join(" ")
      .split(/; ?/)
      .flatMap((phrase) => (phrase.trim() === "" ? [] : [{ score: Number(score), words: phrase.trim() }])),
  );
}

let wordings: Map<string, string[]> | undefined;
const patterns = new Map<string, RegExp>();

/** How instructions ask for a skill, from `words/wordings.txt`. */
export function wordingOf(skill: string): RegExp {
  wordings ??= listsOf("wordings.txt");
  const lines = (list: string) => wordings?.get(list)?.join("|") ?? "";
  const pattern =
    patterns.get(skill) ?? new RegExp(`\\b(?:${lines(skill).replace("MADE", lines("made"))})\\b`, "i");
  patterns.set(skill, pattern);
  return pattern;
}

let forms: ReadonlyMap<string, number> | undefined;

/** Opinion words by base form, built at the first look-up. */
function baseForms(): ReadonlyMap<string, number> {
  forms ??= new Map(
    [-1, -2, -3, 1, 2, 3].flatMap((score) =>
      [...wordList(`opinion ${score}`)].map((word): [string, number] => [word, score]),
    ),
  );
  return forms;
}

const prefixes = ["un", "non-", "non", "dis", "in", "im", "ir", "il", "not-so-", "less-than-"];
const cache = new Map<string, number>();

/** The opinion a word carries by itself: above 0 praise, below 0 blame (1 weak, 2 plain, 3 strong), 0 none. */
export function lexicalScore(word: string): number {
  const known = cache.get(word) ?? lookUp(word);
  if (cache.size > 20_000) cache.clear();
  cache.set(word, known);
  return known;
}

function lookUp(word: string): number {
  const exact = baseForms().get(word);
  if (exact !== undefined) return exact;
  if (word.length < 4 || wordList("no opinion").has(word)) return 0;
  const form = formScore(word);
  const prefix = prefixes.find((one) => word.startsWith(one) && word.length >= one.length + 4);
  if (form !== 0 || prefix === undefined) return form;
  const inner = formScore(word.slice(prefix.length));
  return inner > 0 ? -2 : inner < 0 && prefix === "un" ? 1 : 0;
}

/** The score of a word or of its first dictionary form that has one, else 0. */
function formScore(word: string): number {
  const known = [word, ...baseFormsOf(word)].find((base) => baseForms().has(base)) ?? "";
  return baseForms().get(known) ?? 0;
}

let endings: [RegExp, string[]][] | undefined;

/** Candidate dictionary forms of an inflected or derived word. */
export function baseFormsOf(word: string): string[] {
  endings ??= [...wordPairs("endings")].map(([ending, bases]) => [
    new RegExp(`${ending}$`),
    bases.split(","),
  ]);
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

/** A name as words, lower case: "invoiceNumber" and "invoice_number" as "invoice number". */
export function wordsIn(name: string): string {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll(/[_-]+/g, " ")
    .trim()
    .toLowerCase();
}

/** "prosCons" and "pros_cons" as "Pros and cons"; other names as words with a capital. */
export function titleOf(name: string): string {
  const title = wordsIn(name)
    .replace(/^(.*\/)/, "")
    .replace(/\bpros cons\b/, "pros and cons");
  return title.charAt(0).toUpperCase() + title.slice(1);
}

/** A text as a pattern that matches it. */
export function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
