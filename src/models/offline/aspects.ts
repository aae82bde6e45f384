import { figuresOf } from "./figures.js";
import { aspectNouns, emptyNouns } from "./lexicon/nouns.js";
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
  const { subject } = source.judgement;
  for (const judged of source.judgement.sentences) {
    const { sentence } = judged;
    const figures = figuresOf(sentence);
    const targets = new Set(judged.targets.map((target) => target.head));
    for (const phrase of findNounPhrases(sentence.tokens)) {
      const figure = figures.find((candidate) => candidate.about === phrase.name);
      const known = aspectNouns.has(phrase.head) || aspectNouns.has(phrase.name) || targets.has(phrase.head);
      if (phrase.head === subject || emptyNouns.has(phrase.head) || (!known && figure === undefined))
        continue;
      const entry = found.get(phrase.head) ?? {
        name: phrase.name,
        head: phrase.head,
        sentences: new Set(),
        figures: new Set(),
        names: new Map(),
      };
      entry.sentences.add(sentence.index);
      entry.names.set(phrase.name, (entry.names.get(phrase.name) ?? 0) + 1);
      if (figure !== undefined) entry.figures.add(figure.text);
      found.set(phrase.head, entry);
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

const weight = (feature: Feature) => feature.mentions + (feature.figures.length > 0 ? 1.5 : 0);

function commonest(names: ReadonlyMap<string, number>): string {
  return [...names].sort((a, b) => b[1] - a[1] || b[0].length - a[0].length)[0]?.[0] ?? "";
}
