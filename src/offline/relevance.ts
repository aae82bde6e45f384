import type { Document, Sentence } from "./document.js";
import { contentTokens, stemOf } from "./words.js";

/** Sentences with how well they stand for the whole: by the share of other sentences' words they carry, early ones first among equals. */
export function centralSentences(document: Document, most: number): Sentence[] {
  const weights = new Map<string, number>();
  const stems = document.sentences.map((sentence) => [
    ...new Set(contentTokens(sentence).map((token) => stemOf(token.lower))),
  ]);
  for (const words of stems) for (const word of words) weights.set(word, (weights.get(word) ?? 0) + 1);
  const count = document.sentences.length;
  const scored = document.sentences.map((sentence, i) => {
    const words = stems[i] ?? [];
    const sum = words.reduce((total, word) => total + (0.1 + Math.log(weights.get(word) ?? 1)), 0);
    const length = Math.max(8, words.length) ** 0.75;
    const place = i === 0 ? 1.6 : i === count - 1 ? 1.05 : 1;
    const long = sentence.tokens.length > 45 ? 0.7 : 1;
    return {
      sentence,
      score:
        (sum / length) *
        place *
        long *
        (/\b(overall|all in all|in short|in summary|bottom line|in conclusion|to sum up)\b/i.test(
          sentence.text,
        )
          ? 1.4
          : 1) *
        (sentence.tokens.at(-1)?.text === "?" ? 0.5 : 1),
    };
  });
  return scored
    .sort((a, b) => b.score - a.score || a.sentence.index - b.sentence.index)
    .slice(0, most)
    .map(({ sentence }) => sentence);
}

/** Sentences that share content words with a question, best first; rarer words weigh more. */
export function relevantSentences(
  document: Document,
  asked: ReadonlySet<string>,
  most: number,
): { sentence: Sentence; score: number }[] {
  const stems = document.sentences.map(
    (sentence) => new Set(contentTokens(sentence).map((token) => stemOf(token.lower))),
  );
  const counts = new Map<string, number>();
  for (const words of stems)
    for (const word of words) if (asked.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return document.sentences
    .map((sentence, i) => {
      const score = [...(stems[i] ?? [])]
        .filter((word) => asked.has(word))
        .reduce((sum, word) => sum + Math.log(1 + document.sentences.length / (counts.get(word) ?? 1)), 0);
      return { sentence, score: score / Math.sqrt(Math.max(6, sentence.tokens.length)) };
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.sentence.index - b.sentence.index)
    .slice(0, most);
}
