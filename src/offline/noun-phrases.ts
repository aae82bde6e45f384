import { lexicalScore, wordList, wordPairs } from "./lexicon.js";
import type { Token } from "./reading.js";

/** A noun phrase without its determiner and its judging adjectives. */
export interface NounPhrase {
  /** Singular head noun, lower case. */
  readonly head: string;
  /** Lower case, head in the singular: "picture quality". */
  readonly name: string;
}

const isNoun = (token: Token | undefined) =>
  /^(?:NOUN|PROPN)$/.test(token?.pos ?? "") && /[a-z]/.test(token?.lower ?? "") && token?.lower.length !== 1;

/** Noun phrases of a sentence, from left to right: runs of nouns with the technical adjectives before them. */
export function findNounPhrases(tokens: readonly Token[]): NounPhrase[] {
  const phrases: NounPhrase[] = [];
  const isTopic = (word: string) => !wordList("no topic").has(word);
  for (let i = 0; i < tokens.length; i++) {
    if (!isNoun(tokens[i])) continue;
    let to = i + 1;
    while (isNoun(tokens[to]) && (tokens[to] as Token).spaced) to++;
    let from = i;
    while (from < to - 1 && lexicalScore((tokens[from] as Token).lower) !== 0) from++;
    const last = tokens[to - 1] as Token;
    const head = singular(last);
    const words = tokens.slice(from, to - 1).map(({ lower }) => lower);
    const possessor = /^('s|')$/.test(tokens[to]?.lower ?? "");
    if (!possessor && isTopic(head) && isTopic(last.lower))
      phrases.push({ head, name: [...words.filter(isTopic), head].join(" ") });
    i = to - 1;
  }
  return phrases;
}

let irregular: ReturnType<typeof wordPairs> | undefined;
const unchanged =
  /(ss|us|is|ics|series|species|lens|bus|gas|glasses|headphones|earphones|earbuds|always|news|means|thanks|pros|cons)$/;

/** The singular of a noun, lower case. */
export function singular(token: Token): string {
  const word = token.lower.replace(/'s$|'$/, "");
  irregular ??= wordPairs("irregular plurals");
  const known = irregular.get(word);
  if (known !== undefined) return known;
  if (!word.endsWith("s") || word.length < 4 || unchanged.test(word)) return word;
  if (word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (/(ches|shes|xes|sses|zes)$/.test(word)) return word.slice(0, -2);
  return word.slice(0, -1);
}
