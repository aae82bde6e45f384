import type { Clause } from "./clauses.js";
import { isNegator } from "./negation.js";
import type { Token } from "./nlp.js";
import type { Hit } from "./phrase-matcher.js";

const exempt = new Set(
  "know think mind need care want expect plan see say use buy own try remember realize believe have matter seem feel understand tell hear read notice find forget worry wait look bother mean compare intend own speak".split(
    " ",
  ),
);
const persons = new Set(["i", "we", "you", "they", "he", "she", "who"]);

/**
 * The clause's score from its opinion words; where it has none, a leaning from how it is built: what does not work or
 * is not there leans to blame, what it can do or comes with leans to praise.
 */
export function boundScore(
  sum: number,
  tokens: readonly Token[],
  clause: Clause,
  hits: readonly Hit[],
): number {
  if (hits.length > 0) return Math.max(-6, Math.min(6, sum));
  if (clause.opener === "if" || clause.opener === "unless") return 0;
  const words = tokens.slice(clause.from, clause.to);
  for (let i = clause.from; i < clause.to; i++) {
    if (!isNegator(tokens, i)) continue;
    return negatedLeaning(tokens, clause, i);
  }
  const keeps = words.findIndex((word) => word.lemma === "keep");
  if (keeps >= 0 && /ing$/.test(words[keeps + 1]?.lower ?? "")) return -0.8;
  const has = (pattern: RegExp) => words.some((word) => pattern.test(word.lower));
  if (has(/^(unable|inability|missing|instead)$/)) return -1;
  if (
    words.some(
      (word, i) =>
        ["had", "have", "has"].includes(word.lower) &&
        words[i + 1]?.lower === "to" &&
        !["say", "admit"].includes(words[i + 2]?.lower ?? ""),
    )
  )
    return -0.5;
  if (
    has(
      /^(can|able|allows?|lets?|includes?|included|comes|has|features?|supports?|offers?|provides?|gives?)$/,
    )
  )
    return 0.4;
  return 0;
}

function negatedLeaning(tokens: readonly Token[], clause: Clause, i: number): number {
  const token = tokens[i] as Token;
  const before = tokens[i - 1];
  const verb = tokens
    .slice(i + 1, Math.min(clause.to, i + 5))
    .find((word) => word.pos === "VERB" || word.pos === "ADJ" || word.pos === "NOUN");
  if (verb === undefined) return 0;
  if (before?.lemma === "can" || before?.lemma === "could" || token.lower === "cannot") return -0.8;
  if (token.lower === "without" || token.lower === "nor") return 0;
  const subject = tokens
    .slice(clause.from, i)
    .find((word) => word.pos === "PRON" || word.pos === "NOUN" || word.pos === "PROPN");
  const personal = subject !== undefined && persons.has(subject.lower);
  if (personal && exempt.has(verb.lemma)) return 0;
  return personal ? -0.4 : -0.8;
}
