import { foreignWords, functionWords } from "./lexicon/function-words.js";
import { lexicalScore } from "./lexicon/word-forms.js";
import type { Token } from "./nlp.js";

/** Most words that are looked at. */
const sampleSize = 400;

/** Whether the words are English, judged by grammar words; a few words are taken as English unless another language claims them. */
export function languageOf(tokens: readonly Token[]): "english" | "other" | "none" {
  const words = tokens.filter((token) => /\p{L}/u.test(token.text)).slice(0, sampleSize);
  if (words.length === 0) return "none";
  const latin = words.filter((word) => /^[\p{Script=Latin}\d'’.-]+$/u.test(word.text)).length;
  if (latin < words.length / 2) return "other";
  const english = words.filter(
    (word) => functionWords.has(word.lower) || lexicalScore(word.lower) !== 0,
  ).length;
  const foreign = words.filter(
    (word) => foreignWords.has(word.lower) && !functionWords.has(word.lower),
  ).length;
  if (foreign > english) return "other";
  return words.length >= 12 && english < words.length * 0.12 ? "other" : "english";
}
