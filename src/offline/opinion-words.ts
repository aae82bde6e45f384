import { contextWords } from "./lexicon/context-words.js";
import { lexicalScore } from "./lexicon/word-forms.js";
import type { Token } from "./nlp.js";
import { findPhrases, type Hit } from "./phrase-matcher.js";

interface ContextWord {
  readonly usual: number;
  readonly good: ReadonlySet<string>;
  readonly bad: ReadonlySet<string>;
}

let contexts: Map<string, ContextWord> | undefined;

/** Every word and phrase of a sentence that carries an opinion, before negation and the like, from left to right. */
export function findHits(tokens: readonly Token[]): Hit[] {
  const phraseHits = findPhrases(tokens);
  const covered = new Set(phraseHits.flatMap((hit) => range(hit.from, hit.to)));
  const wordHits = tokens.flatMap((_, i): Hit[] => {
    const score = covered.has(i) ? 0 : wordScore(tokens, i);
    return score === 0 ? [] : [{ from: i, to: i + 1, score }];
  });
  return [...phraseHits.filter((hit) => hit.score !== 0), ...wordHits].sort((a, b) => a.from - b.from);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

const copulas = new Set([
  "be",
  "is",
  "are",
  "was",
  "were",
  "feel",
  "look",
  "sound",
  "seem",
  "taste",
  "get",
  "become",
  "remain",
  "stay",
  "run",
  "'s",
  "come",
  "turn",
]);

const adjectivesOnly = new Set(
  "clean clear smooth cool warm free open slim fine light complete correct secure present proper firm dry cold slow".split(
    " ",
  ),
);

function wordScore(tokens: readonly Token[], i: number): number {
  const token = tokens[i] as Token;
  if (token.pos === "PUNCT" || token.pos === "NUM") return 0;
  const quoted = /^["“'‘]$/.test(tokens[i - 1]?.text ?? "") && /^["”'’]$/.test(tokens[i + 1]?.text ?? "");
  if (quoted && lexicalScore(token.lower) > 0) return tokens.length < 4 ? 1 : 0;
  if (token.pos === "VERB" && adjectivesOnly.has(token.lower)) return 0;
  const [before, after] = [tokens[i - 1], tokens[i + 1]];
  switch (token.lower) {
    case "like":
    case "liked":
    case "likes":
      return likesSomething(token, before, after, tokens[i - 2]) ? 2 : 0;
    case "well":
      return after === undefined || after.lower !== "," || (before !== undefined && before.pos !== "PUNCT")
        ? 1.5
        : 0;
    case "pretty":
      return token.pos === "ADV" || after?.pos === "ADJ" || after?.pos === "ADV" ? 0 : 1.5;
    case "super":
      return after?.pos === "ADJ" || after?.pos === "ADV" ? 0 : 2;
    case "kind":
      return token.pos === "ADJ" && before?.lower !== "this" && before?.lower !== "any" ? 2 : 0;
    case "mean":
    case "ignore":
    case "means":
    case "found":
    case "less":
    case "wait":
      return 0;
    case "worth":
      return 2;
    case "enough":
    case "sure":
      return 0;
    case "work":
    case "works":
    case "worked":
      return token.pos === "VERB" && before?.lower !== "to" && before?.pos !== "PRON"
        ? 1
        : token.lower === "works"
          ? 1
          : before?.lower === "it"
            ? 1
            : 0;
    case "help":
    case "helped":
    case "helps":
      return token.pos === "VERB" && before?.lower !== "to" ? 1 : 0;
    case "miss":
    case "missed":
      return token.pos === "VERB" && before?.lower !== "not" ? -1 : 0;
    case "cut":
    case "pile":
    case "bar":
      return 0;
    case ":)":
    case ":-)":
    case ";)":
    case ":d":
      return 1.5;
    case ":(":
    case ":-(":
      return -1.5;
    default:
      return contextScore(tokens, i) ?? lexicalScore(token.lower);
  }
}

function likesSomething(
  token: Token,
  before: Token | undefined,
  after: Token | undefined,
  earlier: Token | undefined,
): boolean {
  if (before?.lemma === "not" && earlier?.lemma !== "do" && earlier?.lemma !== "would") return false;
  if (after?.lower === "to" && before?.lower === "would") return false;
  if (before === undefined) return token.pos === "VERB" && token.lower !== "like";
  const liker = [
    "i",
    "we",
    "you",
    "they",
    "also",
    "really",
    "do",
    "not",
    "to",
    "who",
    "particularly",
    "especially",
    "would",
    "always",
    "still",
    "did",
    "she",
    "he",
    "'d",
  ];
  if (before.lower === "'d" || before.lower === "would" || before.lower === "feel") return false;
  return (
    token.lower !== "like" ||
    (liker.includes(before.lemma) && token.pos !== "ADP") ||
    before.lower === "i" ||
    before.lower === "we"
  );
}

/** The score of an adjective that depends on its noun, or `undefined` where the word is none. */
function contextScore(tokens: readonly Token[], i: number): number | undefined {
  contexts ??= readContexts();
  const word = contexts.get((tokens[i] as Token).lower);
  if (word === undefined) return undefined;
  for (const noun of describedNouns(tokens, i)) {
    if (word.good.has(noun.lower) || word.good.has(noun.lemma)) return Math.max(1.5, word.usual);
    if (word.bad.has(noun.lower) || word.bad.has(noun.lemma)) return Math.min(-1.5, word.usual);
  }
  return word.usual;
}

/** Nouns that an adjective may describe: those right of it in its phrase, then the subject left of a copula. */
function describedNouns(tokens: readonly Token[], i: number): Token[] {
  const nouns: Token[] = [];
  for (let k = i + 1; k < Math.min(i + 4, tokens.length); k++) {
    const token = tokens[k] as Token;
    if (token.pos === "NOUN" || token.pos === "PROPN") nouns.push(token);
    else if (token.pos !== "ADJ" && token.lower !== "-") break;
  }
  if (nouns.length > 0) return nouns.reverse();
  let copula = false;
  const subjects: Token[] = [];
  for (let k = i - 1; k >= Math.max(0, i - 9); k--) {
    const token = tokens[k] as Token;
    if (token.pos === "PUNCT" && token.lower !== ",") break;
    if (copulas.has(token.lemma) || token.pos === "VERB") copula = true;
    else if (copula && (token.pos === "NOUN" || token.pos === "PROPN")) subjects.push(token);
    else if (subjects.length > 0 && token.pos === "ADP") subjects.pop();
  }
  return subjects;
}

function readContexts(): Map<string, ContextWord> {
  const map = new Map<string, ContextWord>();
  for (const line of contextWords.trim().split("\n")) {
    const [head = "", rest = ""] = line.split(":");
    const [usual = "0", ...groups] = rest.trim().split(/\s+/);
    const [good, bad] = [new Set<string>(), new Set<string>()];
    let current = good;
    for (const word of groups) {
      if (word === "+" || word === "-") current = word === "+" ? good : bad;
      else current.add(word);
    }
    for (const word of head.trim().split(/\s+/)) map.set(word, { usual: Number(usual), good, bad });
  }
  return map;
}
