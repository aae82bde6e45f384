import { featureNamed, measuredBy, type Named } from "./aspect-rules.js";
import type { Sentence } from "./document.js";
import { type Figure, figuresOf } from "./figures.js";
import { aspectNouns } from "./lexicon/nouns.js";
import { findNounPhrases } from "./noun-phrases.js";
import type { Source } from "./source.js";

/** A feature that a text names. */
export interface Feature {
  /** Lower case, head noun in the singular. */
  readonly name: string;
  readonly head: string;
  /** In how many sentences it stands. */
  readonly mentions: number;
  /** Figures that stand beside it, as written, without repeats. */
  readonly figures: readonly string[];
  /** Sentences that name it, by position. */
  readonly sentences: readonly number[];
}

/** Features of the thing a text is about, most mentioned first; those with figures are never left out. */
export function featuresOf(source: Source, most: number): Feature[] {
  const found = new Map<
    string,
    { name: string; head: string; sentences: Set<number>; figures: Set<string>; names: Map<string, number> }
  >();
  const subject = subjectOf(source);
  const note = ({ name, head }: Named, sentence: Sentence, figure: Figure | undefined) => {
    const entry = found.get(head) ?? {
      name,
      head,
      sentences: new Set(),
      figures: new Set(),
      names: new Map(),
    };
    entry.sentences.add(sentence.index);
    entry.names.set(name, (entry.names.get(name) ?? 0) + 1);
    if (figure !== undefined) entry.figures.add(figure.text);
    found.set(head, entry);
  };
  for (const judged of source.judgement.sentences) {
    const { sentence } = judged;
    const figures = figuresOf(sentence);
    for (const phrase of findNounPhrases(sentence.tokens)) {
      const figure = figures.find(({ about }) => about === phrase.name);
      const named = featureNamed(phrase, judged, figure);
      if (named !== null && named.head !== subject) note(named, sentence, figure);
    }
    for (const figure of figures.filter(({ about }) => about === null)) {
      const measured = measuredBy(figure, sentence);
      if (measured !== null) note({ name: measured, head: measured }, sentence, figure);
    }
  }
  return [...found.values()]
    .map(
      (entry): Feature => ({
        name: commonest(entry.names),
        head: entry.head,
        mentions: entry.sentences.size,
        figures: [...entry.figures],
        sentences: [...entry.sentences],
      }),
    )
    .sort((a, b) => weight(b) - weight(a) || (a.sentences[0] ?? 0) - (b.sentences[0] ?? 0))
    .slice(0, most);
}

/** The thing the text is about; a common feature that is named twice is none. */
function subjectOf({ judgement: { subject, sentences } }: Source): string | null {
  if (subject === null || !aspectNouns.has(subject)) return subject;
  const naming = sentences.filter(({ sentence }) => sentence.tokens.some(({ lemma }) => lemma === subject));
  return naming.length > 2 ? subject : null;
}

const weight = (feature: Feature) => feature.mentions + (feature.figures.length > 0 ? 1.5 : 0);

function commonest(names: ReadonlyMap<string, number>): string {
  return [...names].sort((a, b) => b[1] - a[1] || b[0].length - a[0].length)[0]?.[0] ?? "";
}
