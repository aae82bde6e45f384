import type { Sentence } from "./document.js";
import { functionWords } from "./lexicon/function-words.js";
import { baseFormsOf } from "./lexicon/word-forms.js";
import type { Token } from "./nlp.js";

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
  return new Set(words.filter((word) => !functionWords.has(word) && word.length > 1).map(stemOf));
}

/** Content words of a sentence: no function words, signs or bare numbers. */
export function contentTokens(sentence: Sentence): Token[] {
  return sentence.tokens.filter(
    (token) =>
      /\p{L}/u.test(token.text) &&
      token.lower.length > 1 &&
      !functionWords.has(token.lower) &&
      !functionWords.has(token.lemma),
  );
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
