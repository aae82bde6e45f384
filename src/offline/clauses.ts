import type { Hit } from "./opinion-words.js";
import type { Token } from "./reading.js";

/** A stretch of a sentence that says one thing. */
export interface Clause {
  /** First token. */
  readonly from: number;
  /** Token after the last, closing punctuation included. */
  readonly to: number;
  /** The conjunction it begins with, lower case, or "". */
  readonly opener: string;
  /** The punctuation before it, or "". */
  readonly after: string;
}

const openers = new Set(
  `but however although though except whereas while because unless if yet nevertheless nonetheless still-but despite which unlike otherwise when since besides until`.split(
    " ",
  ),
);
const stops = new Set(". ; : ! ? ( ) — – -- ... … , - / [ ]".split(" "));
const subjects = new Set(
  "i it we you they he she this that these those there its my the our your".split(" "),
);

/** Splits a sentence at punctuation and conjunctions that begin a new statement. */
export function splitClauses(tokens: readonly Token[]): Clause[] {
  const clauses: Clause[] = [];
  let [from, after] = [0, ""];
  const cut = (at: number, mark: string) => {
    if (at > from) clauses.push({ from, to: at, opener: openerOf(tokens, from, at), after });
    [from, after] = [at, mark];
  };
  tokens.forEach((token, i) => {
    if (i > from && beginsClause(tokens, i)) cut(i, "");
    if (stops.has(token.text) || /^[.!?]{2,}$/.test(token.text)) {
      if (token.text === "/" && !token.spaced) return;
      cut(i + 1, token.text);
    }
  });
  cut(tokens.length, "");
  return clauses;
}

function openerOf(tokens: readonly Token[], from: number, to: number): string {
  for (const token of tokens.slice(from, Math.min(to, from + 3))) {
    if (openers.has(token.lower)) return token.lower;
    if (!["and", "even", "so", "plus", "or"].includes(token.lower)) return "";
  }
  return "";
}

function beginsClause(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i] as Token;
  const next = tokens[i + 1];
  if (openers.has(token.lower)) {
    const joinsAdjectives =
      tokens[i - 1]?.pos === "ADJ" && next?.pos === "ADJ" && tokens[i + 2]?.pos === "NOUN";
    if (token.lower === "but")
      return !joinsAdjectives && !["anything", "nothing", "all"].includes(tokens[i - 1]?.lower ?? "");
    if (token.lower === "yet") return token.pos === "CCONJ";
    return token.lower !== "since" || next?.pos !== "NUM";
  }
  if (token.lower === "and" || token.lower === "or" || token.lower === "so") {
    return (
      next !== undefined &&
      subjects.has(next.lower) &&
      tokens.slice(i + 2, i + 8).some((later) => later.pos === "VERB" || later.pos === "AUX")
    );
  }
  return false;
}

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
    words
      .slice(0, 4)
      .some(
        (word, i) =>
          ["my", "our", "the"].includes(word.lower) &&
          (word.lower !== "the" || words[i + 1]?.lower === "old") &&
          olds.has(words[i + 1]?.lower ?? ""),
      ) && !words.some(({ lower }) => lower === "than")
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

const exempt = new Set(
  "know think mind need care want expect plan see say use buy own try remember realize believe have matter seem feel understand tell hear read notice find forget worry wait look bother mean compare intend own speak".split(
    " ",
  ),
);
const personWords = new Set("i we you they he she who".split(" "));

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
  if (words.some((word, i) => word.lemma === "wish" || (word.lower === "too" && words[i + 1]?.pos === "ADJ")))
    return -0.8;
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
  const personal = subject !== undefined && personWords.has(subject.lower);
  if (personal && exempt.has(verb.lemma)) return 0;
  return personal ? -0.4 : -0.8;
}
