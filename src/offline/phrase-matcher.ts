import { phrases } from "./lexicon/phrases.js";
import type { Token } from "./nlp.js";

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
  for (const line of phrases.trim().split("\n")) {
    const [, score, list = ""] = /^(\S+) (.*)$/.exec(line) ?? [];
    for (const text of list.split(";")) {
      const phrase = {
        score: Number(score),
        words: text
          .trim()
          .split(/\s+/)
          .map((word) => word.split("|")),
      };
      for (const first of phrase.words[0] ?? []) index.set(first, [...(index.get(first) ?? []), phrase]);
    }
  }
  return index;
}
