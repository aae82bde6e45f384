import { scoreOptions } from "../categories.js";
import { fixed } from "../fixed-phrases.js";
import { relevantSentences } from "../relevance.js";
import { materialOf, type Task } from "../task.js";
import { contentStems } from "../words.js";

/** The category, among those that the instructions list, that most of the text speaks for, with a sentence that does. */
export function classify(task: Task): string {
  const source = materialOf(task);
  const best = scoreOptions(optionsIn(task.instructions), source.text)[0];
  if (best === undefined || best.score === 0) return fixed.noCategory;
  const speaking = relevantSentences(source.document, contentStems(best.words), 1)[0];
  return `${fixed.category}: ${best.option}${speaking === undefined ? "" : `\n${fixed.evidence}: “${speaking.sentence.text}”`}`;
}

/** "into billing, technical or account" and "billing|technical|account" as a list. */
export function optionsIn(instructions: string): string[] {
  const [, list = ""] =
    /\b(?:into|as|among|between|one of|categories)\b:?\s+([^.;\n]+)/i.exec(instructions) ?? [];
  const bars = /[\w-]+(?:\s*\|\s*[\w-]+)+/.exec(instructions)?.[0];
  return (bars ?? list)
    .split(/\s*[|,/]\s*|\s+or\s+|\s+and\s+/)
    .map((option) => option.replace(/^(or|and|the|either|one of)\s+/i, "").trim())
    .filter((option) => option !== "" && option.split(/\s+/).length <= 3);
}
