import { boundScore, type Clause, hedgeOf, negatorsBefore, splitClauses, takenAway } from "./clauses.js";
import { findHits, type Hit } from "./opinion-words.js";
import type { Token } from "./reading.js";

/** What a clause says: above 0 praise, below 0 blame. */
export interface ClauseOpinion extends Clause {
  readonly score: number;
  /** The words that carry it, with their scores after negation and the like. */
  readonly hits: readonly Hit[];
}

/** What a sentence says, clause by clause. */
export interface SentenceOpinion {
  /** Above 0 praise, below 0 blame; within ±{@link leaning} it is only a leaning. */
  readonly score: number;
  readonly clauses: readonly ClauseOpinion[];
}

/** A score nearer to 0 than this is no opinion, at most a leaning. */
export const leaning = 0.75;

const concessive = new Set(["although", "though", "despite", "while", "whereas"]);
const turning = new Set("but however yet nevertheless nonetheless except".split(" "));

/** Judges a sentence by its words, their negation, and how its clauses relate. */
export function judgeSentence(tokens: readonly Token[]): SentenceOpinion {
  const all = findHits(tokens);
  const clauses = splitClauses(tokens).map((clause) => judgeClause(tokens, clause, all));
  clauses.forEach((clause, i) => {
    const before = clauses[i - 1];
    const relative = ["who", "which", "that"].includes(tokens[clause.from]?.lower ?? "");
    if (relative && before !== undefined && Number.isFinite(hedgeOf(tokens, before).droppedFrom))
      clauses[i] = { ...clause, score: 0, hits: [] };
  });
  const turn = clauses.findIndex(
    (clause, i) => i > 0 && turning.has(clause.opener) && Math.abs(clause.score) > 0,
  );
  const last = clauses.findLastIndex((clause) => Math.abs(clause.score) > 0);
  const total = clauses.reduce((sum, clause, i) => {
    const conceded = concessive.has(clause.opener) ? 0.5 : 1;
    const turned = turn < 0 ? (i === last && i > 0 ? 1.15 : 1) : i < turn ? 0.6 : 1.3;
    return sum + clause.score * conceded * turned;
  }, 0);
  const question = tokens.at(-1)?.text === "?" ? 0.4 : 1;
  return { score: total * question, clauses };
}

function judgeClause(tokens: readonly Token[], clause: Clause, all: readonly Hit[]): ClauseOpinion {
  const own = all.filter((hit) => hit.from >= clause.from && hit.from < clause.to);
  const hedge = hedgeOf(tokens, clause);
  const hits = own
    .map((hit) => ({ ...hit, score: weighHit(tokens, clause, hit, hedge, own) }))
    .filter((hit) => hit.score !== 0)
    .sort((a, b) => a.from - b.from);
  const sum = hits.reduce((total, hit) => total + hit.score, 0);
  return { ...clause, hits, score: boundScore(sum, tokens, clause, hits) };
}

const boosters = new Set(
  "very really extremely so incredibly absolutely totally completely highly super truly amazingly insanely exceptionally remarkably particularly especially utterly wildly terribly awfully quite too most much far even way".split(
    " ",
  ),
);
const dampers = new Set(
  "slightly somewhat fairly rather bit little tad kinda sorta relatively partly reasonably moderately almost mildly".split(
    " ",
  ),
);

function weighHit(
  tokens: readonly Token[],
  clause: Clause,
  hit: Hit,
  hedge: ReturnType<typeof hedgeOf>,
  others: readonly Hit[],
): number {
  let { score } = hit;
  for (let k = hit.from - 1; k >= Math.max(clause.from, hit.from - 2); k--) {
    const word = (tokens[k] as Token).lower;
    if (boosters.has(word)) score *= 1.3;
    else if (dampers.has(word)) score *= 0.7;
  }
  if (hedge.droppedFrom <= hit.from && hit.from < hedge.droppedTo) return 0;
  if (manners.has((tokens[hit.from] as Token).lower) && besideBlame(hit, others)) return 0;
  if (score > 0 && soThatNot(tokens, clause, hit)) return -1.5;
  if (hedge.wishFrom <= hit.from && score > 0) return 0;
  if (hedge.conditional) score *= score > 0 ? 0 : 0.3;
  if (score > 0 && takenAway(tokens, clause, hit.from)) return 0;
  const inPhrase = (k: number) =>
    others.some((other) => other.score > 0 && other.to - other.from > 1 && k >= other.from && k < other.to);
  const negators = negatorsBefore(tokens, clause, hit.from).filter((k) => !inPhrase(k));
  if (negators.length % 2 === 1) score = negated(score, tokens, hit, negators[0] ?? hit.from);
  return score;
}

const comparatives = new Set(
  "better best worse happier easier faster nicer finer more greater clearer quieter smoother".split(" "),
);

/** "not good" blames, "not bad" praises a little, "could not be better" praises. */
function negated(score: number, tokens: readonly Token[], hit: Hit, negator: number): number {
  const word = (tokens[hit.from] as Token).lower;
  const before = (tokens[negator - 1]?.lemma ?? "") as string;
  const compares =
    comparatives.has(word) || /[^aeiou]i?er$/.test(word) || tokens[hit.from - 1]?.lower === "more";
  const superlative =
    compares &&
    (["can", "could", "have", "has"].includes(before) ||
      ["no", "never", "nothing"].includes((tokens[negator] as Token).lower));
  if (superlative && tokens[hit.from + 1]?.lower !== "than") return score;
  if (score > 0) return -Math.max(1, score * 0.8);
  const between = tokens.slice(negator + 1, hit.from);
  const absent =
    tokens[hit.from]?.pos === "NOUN" && between.every(({ pos }) => pos !== "VERB" && pos !== "AUX");
  return absent ? 1.5 : Math.min(1, -score * 0.5);
}

const manners = new Set("easily quickly fast instantly immediately rapidly readily".split(" "));

/** "scratches easily": the ease is of something bad. */
function besideBlame(hit: Hit, others: readonly Hit[]): boolean {
  return others.some((other) => other.score < 0 && Math.abs(other.from - hit.from) <= 2);
}

/** "so bright that I can't sleep". */
function soThatNot(tokens: readonly Token[], clause: Clause, hit: Hit): boolean {
  if (!["so", "such"].includes(tokens[hit.from - 1]?.lower ?? "")) return false;
  return tokens
    .slice(hit.to, Math.max(clause.to, hit.to + 6))
    .some(
      (token, i, rest) => (token.lemma === "can" || token.lemma === "could") && rest[i + 1]?.lemma === "not",
    );
}
