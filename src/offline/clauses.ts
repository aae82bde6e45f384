import { wordList } from "./lexicon.js";
import type { Token } from "./reading.js";

/** A stretch of a sentence that says one thing. */
export interface Clause {
  /** First token. */
  readonly from: number;
  /** Token after the last, closing punctuation included. */
  readonly to: number;
  /** The conjunction it begins with, lower case, or "". */
  readonly opener: string;
}

const stops = new Set(". ; : ! ? ( ) — – -- ... … , - / [ ]".split(" "));

/** Splits a sentence at punctuation and conjunctions that begin a new statement. */
export function splitClauses(tokens: readonly Token[]): Clause[] {
  const clauses: Clause[] = [];
  let from = 0;
  const cut = (to: number) => {
    const first = tokens[from]?.lower ?? "";
    if (to > from) clauses.push({ from, to, opener: wordList("opener").has(first) ? first : "" });
    from = to;
  };
  tokens.forEach((token, i) => {
    if (i > from && beginsClause(tokens, i)) cut(i);
    if (token.text === "/" && !token.spaced) return;
    if (stops.has(token.text) || /^[.!?]{2,}$/.test(token.text)) cut(i + 1);
  });
  cut(tokens.length);
  return clauses;
}

function beginsClause(tokens: readonly Token[], i: number): boolean {
  const { lower } = tokens[i] as Token;
  if (wordList("opener").has(lower)) return true;
  return (
    ["and", "or", "so"].includes(lower) &&
    wordList("subject").has(tokens[i + 1]?.lower ?? "") &&
    tokens.slice(i + 2, i + 8).some(({ pos }) => pos === "VERB" || pos === "AUX")
  );
}

/** How many tokens a negator reaches. */
const reach = 7;

/** Whether the token at `i` negates what follows. */
export function isNegator(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i] as Token;
  return (
    (wordList("negator").has(token.lower) || token.lemma === "not") &&
    !wordList("no denial before").has(tokens[i + 1]?.lower ?? "")
  );
}

/**
 * Positions of the negators of its clause that reach the token at `at`, the nearest first. A "nor" goes on with the denial
 * before it ("neither the screen nor the battery", "not fast nor quiet"), and is none of its own beside it.
 */
export function negatorsBefore(tokens: readonly Token[], clause: Clause, at: number): number[] {
  const found: number[] = [];
  for (let k = at - 1; k >= Math.max(clause.from, at - reach); k--) if (isNegator(tokens, k)) found.push(k);
  return found.filter((k, i) => tokens[k]?.lower !== "nor" || i === found.length - 1);
}

/** Words after which praise is wished for, expected or lost, not given. */
const unreal =
  /\b(?:wish|wished|(?:would|could|should|might|'d) (?:n't |not )?have(?! to)|(?:would|'d) (?:like|love|prefer)|supposed?|(?:assum|expect|hop|promis|advertis)(?:e[sd]?|ed)|(?:lack|miss|lose|ruin|spoil|prevent|destroy)(?:s|ed|ing|es)?|lost)\b/;
/** Words after which a clause speaks of something else: a rival, an old thing. */
const rival =
  /\b(?:unlike|versus|vs|compared|than)\b|^(?:\S+ )?(?:my|our|the) (?:old|previous|last|former|other)\b/;

/** The words of a clause before the token at `at`, lower case. */
function wordsBefore(tokens: readonly Token[], clause: Clause, at: number): string {
  return tokens
    .slice(clause.from, at)
    .map(({ lower }) => lower)
    .join(" ");
}

/** Whether praise at `at` is only wished for or expected, or is what is lacking, lost or spoilt. */
export function isUnreal(tokens: readonly Token[], clause: Clause, at: number): boolean {
  return unreal.test(wordsBefore(tokens, clause, at));
}

/** Whether the clause speaks of something else from before the token at `at`. */
export function isOfRival(tokens: readonly Token[], clause: Clause, at: number): boolean {
  return rival.test(wordsBefore(tokens, clause, at));
}

/**
 * What a clause without opinion words leans to, from how it is built: what does not work or is too much leans to blame,
 * what it can do or comes with leans to praise.
 */
export function leaningOf(tokens: readonly Token[], clause: Clause): number {
  const words = tokens.slice(clause.from, clause.to);
  const at = words.findIndex((_, i) => isNegator(tokens, clause.from + i));
  if (at >= 0) {
    const denied = words.slice(at + 1, at + 5).some(({ pos }) => ["VERB", "ADJ", "NOUN"].includes(pos));
    return denied && !["without", "nor"].includes(words[at]?.lower ?? "") ? -0.8 : 0;
  }
  if (words.some(({ lower }, i) => lower === "too" && words[i + 1]?.pos === "ADJ")) return -0.8;
  return words.some(({ lower }) => wordList("offer").has(lower)) ? 0.4 : 0;
}
