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
    const { lower, lemma } = tokens[i] as Token;
    const [best] = [...new Set([lower, lemma])]
      .flatMap((first) => byFirstWord?.get(first) ?? [])
      .flatMap(({ score, words }) => {
        const to = matchFrom(tokens, i + 1, words, 1);
        return to === null ? [] : [{ from: i, to, score, size: words.length }];
      })
      .sort((a, b) => b.to - a.to || b.size - a.size);
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
  // "I cannot log in.": the last word may be read as an abbreviation, with its full stop.
  const lower = token.lower.replace(/(?<=\w)\.$/, "");
  if (wanted[0] !== "*" && !wanted.includes(lower) && !wanted.includes(token.lemma)) return null;
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
  const wordHits = tokens.flatMap((_, i): Hit[] => {
    const score = phraseHits.some(({ from, to }) => from <= i && i < to) ? 0 : wordScore(tokens, i);
    return score === 0 ? [] : [{ from: i, to: i + 1, score }];
  });
  return [...phraseHits.filter((hit) => hit.score !== 0), ...wordHits].sort((a, b) => a.from - b.from);
}

function wordScore(tokens: readonly Token[], i: number): number {
  const token = tokens[i] as Token;
  const before = tokens[i - 1]?.lower ?? "";
  if (/^["“]$/.test(tokens[i - 1]?.text ?? "") && /^["”]$/.test(tokens[i + 1]?.text ?? "")) return 0;
  const isVerb = token.pos === "VERB";
  switch (token.lower) {
    case "like":
    case "liked":
    case "likes":
      return isVerb && tokens[i - 2]?.lemma !== "be" && !/^(?:would|'d|feel|to)$/.test(before) ? 2 : 0;
    case "work":
    case "works":
    case "worked":
      // "It works" praises; "I work from home" does not.
      return isVerb && !/^(?:to|i|we|he|she|who)$/.test(before) ? 1.2 : 0;
    case "miss":
    case "missed":
      return isVerb && before !== "not" ? -1 : 0;
    default:
      return lexicalScore(token.lower);
  }
}
