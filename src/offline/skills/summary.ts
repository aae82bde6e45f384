import { fixed } from "../fixed-phrases.js";
import { centralSentences } from "../relevance.js";
import { materialOf, type Task } from "../task.js";

const counts: Readonly<Record<string, number>> = {
  one: 1,
  a: 1,
  single: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
};

/** How many sentences the instructions ask for. */
export function sentencesAsked(instructions: string, otherwise: number): number {
  const asked = /\b(one|a single|a|two|three|four|five|[1-9])[ -]sentences?\b/i
    .exec(instructions)?.[1]
    ?.toLowerCase()
    .replace("a single", "single");
  return asked === undefined ? otherwise : (counts[asked] ?? Number(asked));
}

/** The sentences that stand best for the whole, in text order. */
export function summarise(task: Task): string {
  const { document } = materialOf(task);
  const chosen = centralSentences(
    document,
    sentencesAsked(task.instructions, document.sentences.length > 12 ? 3 : 2),
  );
  if (chosen.length === 0) return fixed.empty;
  return chosen
    .sort((a, b) => a.index - b.index)
    .map(({ text }) => text)
    .join(" ");
}
