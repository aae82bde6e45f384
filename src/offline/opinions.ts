import type { Document, Sentence } from "./document.js";
import { aspectNouns } from "./lexicon/nouns.js";
import { findNounPhrases } from "./noun-phrases.js";
import { judgeSentence, type SentenceOpinion } from "./polarity.js";
import { findTargets, type Target } from "./targets.js";

/** A sentence with what it says and about what. */
export interface JudgedSentence {
  readonly sentence: Sentence;
  readonly opinion: SentenceOpinion;
  /** What the sentence praises or blames, most certain first; empty where it does neither. */
  readonly targets: readonly Target[];
}

/** What a text says, sentence by sentence. */
export interface Judgement {
  readonly sentences: readonly JudgedSentence[];
  /** The thing the text is about, where one noun stands out; else `null`. */
  readonly subject: string | null;
}

/** Judges every sentence and finds what each opinion is about. */
export function judgeDocument(document: Document): Judgement {
  const phrases = document.sentences.map((sentence) => findNounPhrases(sentence.tokens));
  const counts = new Map<string, number>();
  for (const found of phrases)
    for (const head of new Set(found.map((phrase) => phrase.head)))
      counts.set(head, (counts.get(head) ?? 0) + 1);
  const subject = subjectOf(counts, document.sentences.length);
  const known = (head: string) =>
    aspectNouns.has(head) ||
    head === subject ||
    (counts.get(head) ?? 0) >= Math.max(2, document.sentences.length * 0.008);
  const sentences = document.sentences.map((sentence, i): JudgedSentence => {
    const opinion = judgeSentence(sentence.tokens);
    return {
      sentence,
      opinion,
      targets: findTargets(sentence.tokens, opinion, phrases[i] ?? [], { known, subject }),
    };
  });
  return { sentences, subject };
}

function subjectOf(counts: ReadonlyMap<string, number>, sentences: number): string | null {
  let best: [string, number] | null = null;
  for (const [head, count] of counts) if (best === null || count > best[1]) best = [head, count];
  return best !== null && best[1] >= Math.max(2, sentences * 0.08) ? best[0] : null;
}
