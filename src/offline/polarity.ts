import { type Clause, isOfRival, isUnreal, leaningOf, negatorsBefore, splitClauses } from "./clauses.js";
import { wordList } from "./lexicon.js";
import { findHits, type Hit } from "./opinion-words.js";
import type { Token } from "./reading.js";

/** What a clause says: above 0 praise, below 0 blame. */
export interface ClauseOpinion extends Clause {
  readonly score: number;
}

/** What a sentence says, clause by clause. */
export interface SentenceOpinion {
  /** Above 0 praise, below 0 blame; within ±1 it is only a leaning. */
  readonly score: number;
  readonly clauses: readonly ClauseOpinion[];
}

const concessive = new Set(["although", "though", "despite", "while", "whereas"]);
const conditional = new Set(["if", "unless"]);

/** Judges a sentence by its words, their negation, and how its clauses relate. */
export function judgeSentence(tokens: readonly Token[]): SentenceOpinion {
  const all = findHits(tokens);
  const clauses: ClauseOpinion[] = [];
  for (const clause of splitClauses(tokens)) {
    const before = clauses.at(-1);
    // "the other one, which is quieter" goes on about the other one.
    const aside =
      before !== undefined &&
      /^(?:who|which|that)$/.test(tokens[clause.from]?.lower ?? "") &&
      isOfRival(tokens, before, before.to);
    clauses.push({ ...clause, score: aside ? 0 : scoreOf(tokens, clause, all) });
  }
  const score = clauses.reduce(
    (sum, { opener, score }) => sum + score * (concessive.has(opener) ? 0.5 : 1),
    0,
  );
  return { score, clauses };
}

/** A clause's opinion words together, within ±6; what it leans to where it has none. */
function scoreOf(tokens: readonly Token[], clause: Clause, all: readonly Hit[]): number {
  const own = all.filter(({ from }) => from >= clause.from && from < clause.to);
  const scores = own.map((hit) => weighHit(tokens, clause, hit, own)).filter((score) => score !== 0);
  const sum = scores.reduce((total, score) => total + score, 0);
  return scores.length > 0 ? Math.max(-6, Math.min(6, sum)) : leaningOf(tokens, clause);
}

/**
 * 1. What is said of something else, or as an ease of something bad ("scratches easily"), has no weight.
 * 2. Praise that is wished for, lost, or a condition, has none.
 * 3. A damper takes a third off.
 * 4. An odd number of negators turns the sign; one that is the object counts too ("I like neither of them").
 */
function weighHit(tokens: readonly Token[], clause: Clause, hit: Hit, others: readonly Hit[]): number {
  const at = hit.from;
  if (isOfRival(tokens, clause, at)) return 0;
  const beside = others.some(({ from, score }) => score < 0 && Math.abs(from - at) <= 2);
  if (beside && wordList("manner").has(tokens[at]?.lower ?? "")) return 0;
  if (hit.score > 0 && (conditional.has(clause.opener) || isUnreal(tokens, clause, at))) return 0;
  const damped = tokens
    .slice(Math.max(clause.from, at - 2), at)
    .filter(({ lower }) => wordList("damper").has(lower));
  const score = hit.score * 0.7 ** damped.length;
  // "can't go wrong": the negator belongs to the phrase.
  const negators = negatorsBefore(tokens, clause, at).filter(
    (k) => !others.some(({ from, to, score }) => score > 0 && to - from > 1 && k >= from && k < to),
  );
  // "less popular" denies the one word after it.
  if (/^(?:less|least)$/.test(tokens[at - 1]?.lower ?? "")) return -score * 0.7;
  const denials = negators.length + (deniedObject(tokens, hit) ? 1 : 0);
  return denials % 2 === 1 ? negated(score, tokens, hit, negators[0] ?? at) : score;
}

/** Whether a verb's object denies it: "like none of it", not "like nothing more than". */
function deniedObject(tokens: readonly Token[], hit: Hit): boolean {
  const [verb, object, next] = [tokens[hit.to - 1], tokens[hit.to], tokens[hit.to + 1]];
  return (
    verb?.pos === "VERB" &&
    /^(?:neither|none|nothing|nobody)$/.test(object?.lower ?? "") &&
    !/^(?:more|better|but|less|short|except)$/.test(next?.lower ?? "")
  );
}

/** "not good" blames, "not bad" praises a little, "could not be better" praises. */
function negated(score: number, tokens: readonly Token[], hit: Hit, negator: number): number {
  const word = tokens[hit.from]?.lower ?? "";
  const compares =
    wordList("comparative").has(word) || /[^aeiou]i?er$/.test(word) || tokens[hit.from - 1]?.lower === "more";
  const topped =
    /^(?:can|could|have|has)$/.test(tokens[negator - 1]?.lemma ?? "") ||
    /^(?:no|never|nothing)$/.test(tokens[negator]?.lower ?? "");
  if (compares && topped && tokens[hit.from + 1]?.lower !== "than") return score;
  return score > 0 ? -Math.max(1, score * 0.8) : Math.min(1.2, -score * 0.6);
}
