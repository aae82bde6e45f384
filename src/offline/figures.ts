import { splitClauses } from "./clauses.js";
import type { Sentence } from "./document.js";
import { textOf } from "./document.js";
import { findNounPhrases } from "./noun-phrases.js";

/** A number of the text with its unit and what it measures. */
export interface Figure {
  /** As written: "30 hours", "$49.99", "4.5 stars". */
  readonly text: string;
  readonly value: number;
  /** Lower case: "hours", "$", "%", or "". */
  readonly unit: string;
  /** The noun phrase it stands beside, lower case, or `null`. */
  readonly about: string | null;
  readonly sentence: number;
}

const currency = /^[$€£¥]$/;
const numberWords: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  hundred: 100,
  thousand: 1000,
};
const measures =
  /^(hours?|hrs?|h|minutes?|mins?|seconds?|secs?|days?|weeks?|months?|years?|mm|cm|m|km|inch(es)?|feet|ft|miles?|kg|kilograms?|kilomet(?:re|er)s?|centimet(?:re|er)s?|millimet(?:re|er)s?|met(?:re|er)s?|g|grams?|lbs?|pounds?|oz|ounces?|gb|mb|tb|kb|mp|megapixels?|mah|w|watts?|v|volts?|hz|khz|mhz|ghz|db|fps|ms|nits?|dpi|ppi|rpm|mph|percent|dollars?|euros?|stars?|people|employees|users|customers|units|times|cores?|°c|°f|degrees?|million|billion|thousand|k|m|bn|x|points?|nights?|rooms?|pages?|cents?|litres?|liters?|ml|calories|weeks?)$/;

/** Numbers of a sentence with unit and subject, from left to right. */
export function figuresOf(sentence: Sentence): Figure[] {
  const { tokens } = sentence;
  const phrases = findNounPhrases(tokens);
  const clauses = splitClauses(tokens);
  const clauseOf = (at: number) => clauses.findIndex(({ from, to }) => at >= from && at < to);
  const figures: Figure[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined) continue;
    const spelled = Object.hasOwn(numberWords, token.lower) ? numberWords[token.lower] : undefined;
    const glued = /^(\d[\d.,]*)([a-z%°]+)$/.exec(token.lower);
    const digits = /^[+-]?\d[\d.,]*(?:-\d[\d.,]*)?$/.exec(token.lower);
    const value =
      spelled ??
      Number((glued?.[1] ?? digits?.[0] ?? "").replaceAll(",", "").split(/(?<=\d)-/)[0] || Number.NaN);
    if (!Number.isFinite(value)) continue;
    const from = currency.test(tokens[i - 1]?.text ?? "") ? i - 1 : i;
    let to = i + 1;
    let unit = glued?.[2] ?? (from < i ? (tokens[from]?.text ?? "") : "");
    const next = (tokens[to]?.lower ?? "").replace(/^-/, "");
    if (next === "%" || measures.test(next)) {
      unit = unit === "" ? next : `${unit} ${next}`;
      to++;
    } else if (spelled !== undefined) continue;
    const text = textOf(tokens.slice(from, to));
    const beside = phrases
      .filter((phrase) => phrase.from >= to || phrase.to <= from)
      .filter((phrase) => clauseOf(phrase.from) === clauseOf(from))
      .sort((a, b) => gap(a, from, to) - gap(b, from, to))[0];
    figures.push({
      text,
      value,
      unit,
      about: beside === undefined || gap(beside, from, to) > 7 ? null : beside.name,
      sentence: sentence.index,
    });
    i = to - 1;
  }
  return figures;
}

function gap(phrase: { from: number; to: number }, from: number, to: number): number {
  return phrase.from >= to ? phrase.from - to + 0.5 : from - phrase.to;
}
