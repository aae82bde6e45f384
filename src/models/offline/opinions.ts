import type { Document, Sentence } from "./document.js";
import { aspectNouns, impliedAspects } from "./lexicon/nouns.js";
import { findNounPhrases, type NounPhrase } from "./noun-phrases.js";
import { type ClauseOpinion, judgeSentence, leaning, type SentenceOpinion } from "./polarity.js";

/** A sentence with what it says and about what. */
export interface JudgedSentence {
  readonly sentence: Sentence;
  readonly opinion: SentenceOpinion;
  /** What the sentence praises or blames, most certain first; empty where it does neither. */
  readonly targets: readonly Target[];
}

/** Something that is praised or blamed. */
export interface Target {
  /** Lower case, head noun in the singular. */
  readonly name: string;
  readonly head: string;
  /** Score of its clause. */
  readonly score: number;
  /** Position of its clause in the sentence. */
  readonly clause: number;
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
    return { sentence, opinion, targets: findTargets(sentence, opinion, phrases[i] ?? [], known, subject) };
  });
  return { sentences, subject };
}

function subjectOf(counts: ReadonlyMap<string, number>, sentences: number): string | null {
  let best: [string, number] | null = null;
  for (const [head, count] of counts) if (best === null || count > best[1]) best = [head, count];
  return best !== null && best[1] >= Math.max(2, sentences * 0.08) ? best[0] : null;
}

function findTargets(
  sentence: Sentence,
  opinion: SentenceOpinion,
  phrases: readonly NounPhrase[],
  known: (head: string) => boolean,
  subject: string | null,
): Target[] {
  if (
    Math.abs(opinion.score) < leaning &&
    !opinion.clauses.some((clause) => Math.abs(clause.score) >= leaning)
  )
    return [];
  const targets = new Map<string, Target>();
  opinion.clauses.forEach((clause, index) => {
    if (Math.abs(clause.score) < leaning) return;
    const add = (name: string, head: string) => {
      if (!targets.has(head)) targets.set(head, { name, head, score: clause.score, clause: index });
    };
    const own = phrases.filter(
      (phrase) => phrase.from >= clause.from && phrase.from < clause.to && known(phrase.head),
    );
    const near = own.filter((phrase) =>
      clause.hits.some(
        (hit) => Math.min(Math.abs(hit.from - phrase.to), Math.abs(phrase.from - hit.to)) <= 6,
      ),
    );
    const features = near.filter((phrase) => phrase.head !== subject);
    for (const phrase of features.length > 0 ? features : near) add(phrase.name, phrase.head);
    for (const implied of impliedOf(sentence, clause))
      if (features.length === 0 || implied === "use") add(implied, implied);
    if (targets.size === 0 && subject !== null && speaksOfSubject(sentence, clause)) add(subject, subject);
  });
  return [...targets.values()];
}

function impliedOf(sentence: Sentence, clause: ClauseOpinion): string[] {
  return clause.hits.flatMap((hit) => {
    const words = sentence.tokens.slice(hit.from, hit.to).map((token) => token.lower);
    if (words.includes("use") || words.includes("operate")) return ["use"];
    const implied = words
      .map((word) => (Object.hasOwn(impliedAspects, word) ? impliedAspects[word] : undefined))
      .find((aspect) => aspect !== undefined);
    return implied === undefined ? [] : [implied];
  });
}

function speaksOfSubject(sentence: Sentence, clause: ClauseOpinion): boolean {
  return sentence.tokens
    .slice(clause.from, clause.to)
    .some((token) =>
      ["it", "this", "they", "one", "recommend", "love", "purchase", "product", "i"].includes(token.lower),
    );
}
