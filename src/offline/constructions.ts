import type { Clause } from "./clauses.js";
import { isNegator } from "./negation.js";
import type { Token } from "./nlp.js";
import type { Hit } from "./phrase-matcher.js";

/**
 * Opinions that stand in how a clause is built, not in its words: "too small", "not sharp enough", "needs a light",
 * "I wish it had", "fixed the noise", "a bit long". Each hit replaces the word hits it spans.
 */
export function constructionHits(tokens: readonly Token[], clause: Clause, words: readonly Hit[]): Hit[] {
  const scoreAt = (i: number) => words.find((hit) => i >= hit.from && i < hit.to)?.score ?? 0;
  const hits: Hit[] = [];
  for (let i = clause.from; i < clause.to; i++) {
    const hit =
      tooMuch(tokens, clause, i, scoreAt) ??
      enough(tokens, clause, i, scoreAt) ??
      aBit(tokens, clause, i, scoreAt) ??
      wished(tokens, clause, i) ??
      relieved(tokens, clause, i, scoreAt) ??
      lessOf(tokens, clause, i, scoreAt) ??
      comparedWithThis(tokens, clause, i, words);
    if (hit !== null) hits.push(hit);
  }
  return hits;
}

type ScoreAt = (i: number) => number;

const isNegated = (tokens: readonly Token[], clause: Clause, i: number) => {
  for (let k = i - 1; k >= Math.max(clause.from, i - 3); k--) if (isNegator(tokens, k)) return true;
  return false;
};

function tooMuch(tokens: readonly Token[], clause: Clause, i: number, scoreAt: ScoreAt): Hit | null {
  const [token, next] = [tokens[i] as Token, tokens[i + 1]];
  if (token.lower !== "too" || next === undefined || i + 1 >= clause.to) return null;
  const last = i + 2 >= clause.to || tokens[i + 2]?.pos === "PUNCT";
  if (
    !["ADJ", "ADV"].includes(next.pos) &&
    !["much", "many", "few", "little"].includes(next.lower) &&
    !(next.pos === "NOUN" && last)
  )
    return null;
  const to = i + 2;
  if (isNegated(tokens, clause, i)) return { from: i, to, score: scoreAt(i + 1) > 1 ? -1.5 : 0.6 };
  if (next.lower === "good" && tokens[i + 2]?.lower === "to") return { from: i, to, score: 1 };
  return { from: i, to, score: -2 };
}

function enough(tokens: readonly Token[], clause: Clause, i: number, scoreAt: ScoreAt): Hit | null {
  const [token, before] = [tokens[i] as Token, tokens[i - 1]];
  if (token.lower !== "enough") return null;
  const from = before?.pos === "ADJ" || before?.pos === "ADV" ? i - 1 : i;
  if (isNegated(tokens, clause, from)) return { from, to: i + 1, score: 1.8 * -1 };
  return scoreAt(i - 1) < 0 && (before?.lower ?? "") !== "small" ? null : { from, to: i + 1, score: 1 };
}

const bits = new Set(["bit", "tad", "little", "slightly", "somewhat", "touch", "overly", "kinda"]);

/** "a bit long": a damped adjective that is not praise blames. */
function aBit(tokens: readonly Token[], clause: Clause, i: number, scoreAt: ScoreAt): Hit | null {
  const [token, next] = [tokens[i] as Token, tokens[i + 1]];
  if (!bits.has(token.lower) || next === undefined || i + 1 >= clause.to || next.pos !== "ADJ") return null;
  if (["little", "bit", "tad", "touch"].includes(token.lower) && tokens[i - 1]?.lower !== "a") return null;
  if (tokens[i + 2]?.pos === "NOUN" && token.lower === "little") return null;
  if (isNegated(tokens, clause, i)) return { from: i, to: i + 2, score: 0.4 };
  const comparative = /er$/.test(next.lower) || next.lower === "more";
  return scoreAt(i + 1) <= 1 && !comparative ? { from: i, to: i + 2, score: -1.2 } : null;
}

/** "I wish it had", "it should have", "it needs a", "could use a". */
function wished(tokens: readonly Token[], clause: Clause, i: number): Hit | null {
  const [before, token, next] = [tokens[i - 1], tokens[i] as Token, tokens[i + 1]];
  if (i + 1 >= clause.to || next === undefined) return null;
  if (token.lemma === "wish" && token.pos === "VERB" && next.lower !== "you")
    return { from: i, to: i + 1, score: -1.5 };
  const modal = ["would", "could", "should", "'d"].includes(token.lower);
  if (
    modal &&
    next.lower === "have" &&
    (tokens[i + 2]?.lower ?? "to") !== "to" &&
    !isNegated(tokens, clause, i)
  )
    return { from: i, to: i + 2, score: -1.2 };
  if (
    token.lower === "should" &&
    ["be", "include", "come", "offer", "provide", "work", "fix", "improve"].includes(next.lower)
  )
    return { from: i, to: i + 1, score: -0.9 };
  if (
    ["would", "'d"].includes(token.lower) &&
    ["prefer", "like", "love", "appreciate"].includes(next.lower) &&
    tokens[i + 2]?.lower !== "recommend"
  )
    return { from: i, to: i + 2, score: -0.9 };
  if (token.lower === "could" && next.lower === "use") return { from: i, to: i + 2, score: -1.2 };
  if (
    token.lower === "needs" && before?.pos !== "PRON"
      ? before !== undefined
      : token.lower === "needs" && before?.lower === "it"
  )
    return next.lower === "to" || next.pos !== "PUNCT" ? { from: i, to: i + 1, score: -0.9 } : null;
  return null;
}

const relief = new Set(
  "fix solve eliminate prevent resolve cure reduce remove minimize block correct without free overcome avoid protect guard few fewer eliminating reducing".split(
    " ",
  ),
);

/** "eliminated my doubts", "reduces noise". */
function relieved(tokens: readonly Token[], clause: Clause, i: number, scoreAt: ScoreAt): Hit | null {
  const token = tokens[i] as Token;
  if (!relief.has(token.lemma) || isNegated(tokens, clause, i)) return null;
  if (token.lower === "few" && tokens[i - 1]?.lower === "a") return null;
  for (let k = i + 1; k < Math.min(clause.to, i + 4); k++)
    if (scoreAt(k) < 0) return { from: i, to: k + 1, score: 1.2 };
  return null;
}

/** "less useful" blames, "less noise" praises. */
function lessOf(tokens: readonly Token[], clause: Clause, i: number, scoreAt: ScoreAt): Hit | null {
  const token = tokens[i] as Token;
  if (token.lower !== "less" || i + 1 >= clause.to) return null;
  const score = scoreAt(i + 1);
  return score === 0 ? null : { from: i, to: i + 2, score: score > 0 ? -1.5 : 1.2 };
}

/** "the old one is better than this": praise of another. */
function comparedWithThis(
  tokens: readonly Token[],
  clause: Clause,
  i: number,
  words: readonly Hit[],
): Hit | null {
  const token = tokens[i] as Token;
  if (token.lower !== "than" || !["this", "these"].includes(tokens[i + 1]?.lower ?? "")) return null;
  const praise = words.find((hit) => hit.from < i && hit.from >= clause.from && hit.score > 0);
  return praise === undefined ? null : { from: praise.from, to: i + 2, score: -1.5 };
}
