import type { Sentence } from "./document.js";
import type { Figure } from "./figures.js";
import { aspectNouns, emptyNouns } from "./lexicon/nouns.js";
import type { Token } from "./nlp.js";
import type { NounPhrase } from "./noun-phrases.js";
import type { JudgedSentence } from "./opinions.js";

/** A feature's name and its head noun, lower case. */
export interface Named {
  readonly name: string;
  readonly head: string;
}

/** The feature that a noun phrase names, with the figure beside it; `null` where it names none. */
export function featureNamed(
  phrase: NounPhrase,
  { sentence, targets }: JudgedSentence,
  figure: Figure | undefined,
): Named | null {
  const { tokens } = sentence;
  if (emptyNouns.has(phrase.head) || isThisThing(tokens, phrase)) return null;
  if (aspectNouns.has(phrase.head) || aspectNouns.has(phrase.name)) return phrase;
  const measured = figure === undefined ? null : measuredBy(figure, sentence);
  if (measured !== null) return { name: measured, head: measured };
  if (isProperName(tokens, phrase) || isDenied(tokens, phrase)) return null;
  const isTarget = targets.some(({ head }) => head === phrase.head);
  return figure !== undefined || isTarget || isDefiniteSubject(tokens, phrase) ? phrase : null;
}

/** What a figure measures whose noun is the thing itself: "189 euros" its price, "weighs 1.9 kilograms" its weight. */
export function measuredBy({ unit }: Figure, { tokens }: Sentence): "price" | "weight" | null {
  if (/[$€£¥]|\b(dollars?|euros?|pounds?|cents?)\b/.test(unit)) return "price";
  const weighs = tokens.some(({ lower }) => /^weigh(s|ed|ing)?$/.test(lower));
  return weighs && /\b(kg|kilograms?|g|grams?|lbs?|pounds?|oz|ounces?)\b/.test(unit) ? "weight" : null;
}

/** Whether every word of a phrase is written as a name is, inside a sentence. */
function isProperName(tokens: readonly Token[], { from, to }: NounPhrase): boolean {
  return (
    from > 0 && tokens.slice(from, to).every(({ text, pos }) => pos === "PROPN" && /^\p{Lu}/u.test(text))
  );
}

/** "this book": the thing itself; "free of charge": no thing at all. */
function isThisThing(tokens: readonly Token[], { from }: NounPhrase): boolean {
  const [second, first] = [tokens[from - 2]?.lower, tokens[from - 1]?.lower];
  return first === "this" || first === "these" || (first === "of" && second === "free");
}

/** "no sore spots": what is not there is no feature. */
function isDenied(tokens: readonly Token[], { from }: NounPhrase): boolean {
  return tokens.slice(Math.max(0, from - 3), from).some(({ lower }) => lower === "no" || lower === "without");
}

/** A part that does or is something: "the hip belt takes the weight". */
function isDefiniteSubject(tokens: readonly Token[], { from, to }: NounPhrase): boolean {
  const before = tokens.slice(Math.max(0, from - 3), from).map(({ lower }) => lower);
  const definite = before.findLastIndex((word) => word === "the" || word === "its");
  const between = tokens.slice(from - before.length + definite + 1, from);
  const after = tokens.slice(to, to + 2);
  const acts = after[0]?.pos === "VERB" || after[0]?.pos === "AUX" || after[1]?.pos === "VERB";
  const led = tokens[from - before.length + definite - 1];
  return (
    definite >= 0 &&
    acts &&
    between.every(({ pos }) => pos === "ADJ" || pos === "NUM" || pos === "NOUN") &&
    led?.pos !== "ADP"
  );
}
