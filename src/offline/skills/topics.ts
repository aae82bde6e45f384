import { fixed } from "../fixed-phrases.js";
import { aspectNouns, emptyNouns } from "../lexicon/nouns.js";
import { findNounPhrases } from "../noun-phrases.js";
import type { Source } from "../source.js";
import { materialOf, type Task } from "../task.js";

/** The main topics: noun phrases by how many sentences name them; longer names win over their parts. */
export function topicsOf(source: Source, most: number): { name: string; mentions: number }[] {
  const found = new Map<string, { names: Map<string, number>; sentences: Set<number> }>();
  for (const sentence of source.document.sentences) {
    for (const phrase of findNounPhrases(sentence.tokens)) {
      if (emptyNouns.has(phrase.head) || phrase.head.length < 3) continue;
      const entry = found.get(phrase.head) ?? { names: new Map(), sentences: new Set() };
      entry.names.set(phrase.name, (entry.names.get(phrase.name) ?? 0) + 1);
      entry.sentences.add(sentence.index);
      found.set(phrase.head, entry);
    }
  }
  return [...found]
    .map(([head, { names, sentences }]) => ({
      name: [...names].sort((a, b) => b[1] - a[1] || b[0].length - a[0].length)[0]?.[0] ?? "",
      mentions: sentences.size,
      weight: sentences.size + (aspectNouns.has(head) ? 0.5 : 0),
      first: Math.min(...sentences),
    }))
    .sort((a, b) => b.weight - a.weight || a.first - b.first)
    .slice(0, most)
    .map(({ name, mentions }) => ({ name, mentions }));
}

/** The main topics as a list. */
export function listTopics(task: Task): string {
  const topics = topicsOf(materialOf(task), 6);
  if (topics.length === 0) return fixed.noTopics;
  return topics
    .map(({ name, mentions }) => `- ${name} (${mentions} ${mentions === 1 ? fixed.mention : fixed.mentions})`)
    .join("\n");
}
