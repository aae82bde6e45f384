import { lexicalScore, wordList } from "./lexicon.js";
import type { Token } from "./reading.js";

/** A noun phrase without its determiner and its judging adjectives. */
export interface NounPhrase {
  readonly from: number;
  /** Token after the head. */
  readonly to: number;
  /** Singular head noun, lower case. */
  readonly head: string;
  /** Lower case, head in the singular: "picture quality". */
  readonly name: string;
}

const isNoun = (token: Token | undefined) =>
  token !== undefined &&
  (token.pos === "NOUN" || token.pos === "PROPN") &&
  /[a-z]/.test(token.lower) &&
  token.lower.length > 1;

/** Noun phrases of a sentence, from left to right: runs of nouns with the technical adjectives before them. */
export function findNounPhrases(tokens: readonly Token[]): NounPhrase[] {
  const phrases: NounPhrase[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (!isNoun(tokens[i])) continue;
    let to = i + 1;
    while (isNoun(tokens[to]) && (tokens[to] as Token).spaced) to++;
    let from = i;
    while (from < to - 1 && lexicalScore((tokens[from] as Token).lower) !== 0) from++;
    const possessor = /^('s|')$/.test(tokens[to]?.lower ?? "");
    const head = singular(tokens[to - 1] as Token);
    const words = tokens.slice(from, to - 1).map((token) => token.lower);
    if (
      !possessor &&
      !wordList("no topic").has(head) &&
      !wordList("no topic").has((tokens[to - 1] as Token).lower)
    ) {
      phrases.push({
        from,
        to,
        head,
        name: [...words.filter((word) => !wordList("no topic").has(word)), head].join(" "),
      });
    }
    i = to - 1;
  }
  return phrases;
}

const irregular: Readonly<Record<string, string>> = {
  men: "man",
  menus: "menu",
  pics: "picture",
  pic: "picture",
  women: "woman",
  children: "child",
  feet: "foot",
  mice: "mouse",
  teeth: "tooth",
  people: "person",
  lenses: "lens",
  batteries: "battery",
  wives: "wife",
  knives: "knife",
  shelves: "shelf",
  leaves: "leaf",
  dice: "die",
};
const unchanged =
  /(ss|us|is|ics|series|species|lens|bus|gas|glasses|headphones|earphones|earbuds|always|pros|cons)$/;

/** The singular of a noun, lower case. */
export function singular(token: Token): string {
  const word = token.lower.replace(/'s$|'$/, "");
  const known = irregular[word];
  if (known !== undefined) return known;
  if (!word.endsWith("s") || word.length < 4 || unchanged.test(word)) return word;
  if (word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (/(ches|shes|xes|sses|zes)$/.test(word)) return word.slice(0, -2);
  return word.slice(0, -1);
}
