import type { Clause } from "./clauses.js";
import type { Token } from "./nlp.js";

const negators = new Set(
  "not no never none nobody nothing neither nor without hardly barely scarcely rarely seldom nowhere cannot dont doesnt didnt cant wont isnt wasnt couldnt wouldnt havent hasnt arent aint zero minus".split(
    " ",
  ),
);
/** How many tokens a negator reaches. */
const reach = 7;

/** Whether the token at `i` negates what follows. */
export function isNegator(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i] as Token;
  if (!negators.has(token.lower) && token.lemma !== "not" && token.lower !== "'t") return false;
  const next = tokens[i + 1]?.lower ?? "";
  if (
    [
      "only",
      "just",
      "merely",
      "simply",
      "necessarily",
      "sure",
      "to",
      "doubt",
      "wonder",
      "question",
      "matter",
      "because",
      "since",
    ].includes(next)
  )
    return false;
  return !(token.lower === "no" && (next === "," || next === "." || /^\d/.test(next)));
}

/** Positions of the negators of its clause that reach the token at `at`. */
export function negatorsBefore(tokens: readonly Token[], clause: Clause, at: number): number[] {
  const found: number[] = [];
  for (let k = at - 1; k >= Math.max(clause.from, at - reach); k--) {
    if (isNegator(tokens, k)) found.push(k);
    if ((tokens[k] as Token).lower === "nor") break;
    else if (/^(and|because|so|that's)$/.test((tokens[k] as Token).lower) && at - k > 3) break;
  }
  return found;
}

const losses = new Set("lack miss lose ruin spoil prevent fail destroy sacrifice".split(" "));

/** Whether the praise at `at` is what is lacking, lost or spoilt. */
export function takenAway(tokens: readonly Token[], clause: Clause, at: number): boolean {
  return tokens.slice(Math.max(clause.from, at - 4), at).some((token) => losses.has(token.lemma));
}

/** Where a clause speaks of what is not so. */
export interface Hedge {
  /** From this token on, praise is wished for, not given; `Infinity` where nothing is. */
  readonly wishFrom: number;
  /** Tokens from here to `droppedTo` speak of something else (a rival, an expectation). */
  readonly droppedFrom: number;
  readonly droppedTo: number;
  /** Whether the clause states a condition. */
  readonly conditional: boolean;
}

const rivals = ["unlike", "versus", "vs", "compared"];
const olds = new Set(["old", "previous", "last", "former", "other"]);
const kept = new Set(
  "expect expected thought hoped any anything most other others ever before previous old last competition advertised average anyone".split(
    " ",
  ),
);

/** Reads wishes, conditions and comparisons of a clause. */
export function hedgeOf(tokens: readonly Token[], clause: Clause): Hedge {
  const words = tokens.slice(clause.from, clause.to);
  const at = (test: (word: Token, i: number) => boolean) => {
    const i = words.findIndex(test);
    return i < 0 ? Number.POSITIVE_INFINITY : clause.from + i;
  };
  const wishFrom = at(
    (word, i) =>
      (word.lemma === "wish" && word.pos === "VERB") ||
      (["would", "could", "should", "'d", "might"].includes(word.lower) &&
        words[i + 1]?.lower === "have" &&
        words[i + 2]?.lower !== "to") ||
      (["would", "'d"].includes(word.lower) &&
        ["like", "love", "prefer", "appreciate"].includes(words[i + 1]?.lower ?? "")) ||
      (["would", "could", "might"].includes(word.lower) &&
        words[i + 1]?.lower === "be" &&
        tokens.slice(clause.from + i).some((later) => later.lower === "if" || later.lower === "to")) ||
      (["suppose", "supposed"].includes(word.lower) && words[i + 1]?.lower === "to"),
  );
  const than = at(
    (word, i) => word.lower === "than" && !words.slice(i + 1, i + 5).some((later) => kept.has(later.lower)),
  );
  const rival = at((word) => rivals.includes(word.lower));
  const former =
    words.slice(0, 4).some((word, i) => word.lower === "my" && olds.has(words[i + 1]?.lower ?? "")) &&
    !words.some(({ lower }) => lower === "than")
      ? clause.from
      : Number.POSITIVE_INFINITY;
  const droppedFrom = Math.min(than, rival, former);
  return {
    wishFrom,
    droppedFrom,
    droppedTo: Number.isFinite(droppedFrom) ? clause.to : droppedFrom,
    conditional: clause.opener === "if" || clause.opener === "unless",
  };
}
