import type { Token } from "./nlp.js";

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
const stops = new Set([
  ".",
  ";",
  ":",
  "!",
  "?",
  "(",
  ")",
  "—",
  "–",
  "--",
  "...",
  "…",
  ",",
  "-",
  "/",
  "[",
  "]",
]);
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
