import { lexicalScore, phraseList } from "./lexicon.js";
import type { Token } from "./reading.js";

/** A stretch of tokens that carries an opinion of its own. */
export interface Hit {
  /** First token. */
  readonly from: number;
  /** Token after the last. */
  readonly to: number;
  /** Above 0 praise, below 0 blame, 0 none although its words look like it. */
  readonly score: number;
}

interface Phrase {
  readonly score: number;
  readonly words: readonly (readonly string[])[];
}

let byFirstWord: Map<string, Phrase[]> | undefined;

/** Opinion phrases in a sentence, from left to right, the longest where several begin at one token. */
export function findPhrases(tokens: readonly Token[]): Hit[] {
  byFirstWord ??= indexPhrases();
  const hits: Hit[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    const starting = [
      ...(byFirstWord.get(token.lower) ?? []),
      ...(token.lemma === token.lower ? [] : (byFirstWord.get(token.lemma) ?? [])),
    ];
    let best: Hit | undefined;
    let words = 0;
    for (const phrase of starting) {
      const to = matchFrom(tokens, i + 1, phrase.words, 1);
      if (to === null) continue;
      const longer = best === undefined || to > best.to || (to === best.to && phrase.words.length > words);
      if (!longer) continue;
      best = { from: i, to, score: phrase.score };
      words = phrase.words.length;
    }
    if (best === undefined) continue;
    hits.push(best);
    i = best.to - 1;
  }
  return hits;
}

/** The token after the match, or `null`. `~` stands for up to three words that are not punctuation. */
function matchFrom(
  tokens: readonly Token[],
  at: number,
  words: Phrase["words"],
  word: number,
): number | null {
  const wanted = words[word];
  if (wanted === undefined) return at;
  if (wanted[0] === "~") {
    for (let skipped = 0; skipped <= 3; skipped++) {
      if (skipped > 0 && tokens[at + skipped - 1]?.pos === "PUNCT") return null;
      const to = matchFrom(tokens, at + skipped, words, word + 1);
      if (to !== null) return to;
    }
    return null;
  }
  const token = tokens[at];
  if (token === undefined) return null;
  if (wanted[0] !== "*" && !wanted.includes(token.lower) && !wanted.includes(token.lemma)) return null;
  return matchFrom(tokens, at + 1, words, word + 1);
}

function indexPhrases(): Map<string, Phrase[]> {
  const index = new Map<string, Phrase[]>();
  for (const { score, words: text } of phraseList()) {
    const phrase = { score, words: text.split(/\s+/).map((word) => word.split("|")) };
    for (const first of phrase.words[0] ?? []) index.set(first, [...(index.get(first) ?? []), phrase]);
  }
  return index;
}

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
      return lexicalScore(token.lower);
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
