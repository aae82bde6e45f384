import { fixed } from "../fixed-phrases.js";
import { relevantSentences } from "../relevance.js";
import { inputNames, materialOf, type Task } from "../task.js";
import { contentStems } from "../words.js";
import { summarise } from "./summary.js";

/** For any other instruction: what the agent's tools returned, else the passages of the input that share most with it, or the most telling ones. */
export function quotePassages(task: Task): string {
  if (task.results.length > 0) return task.results.join("\n");
  const { document } = materialOf(task);
  if (document.sentences.length === 0) return fixed.empty;
  const asked = contentStems(
    inputNames(task) ? `${task.instructions} ${task.input.text}` : task.instructions,
  );
  const found = relevantSentences(document, asked, 4).map(({ sentence }) => sentence);
  if (found.length === 0)
    return /\?|^\s*(who|what|when|where|which|why|how)\b/i.test(task.instructions)
      ? fixed.notFound
      : summarise(task);
  return found
    .sort((a, b) => a.index - b.index)
    .map(({ text }) => `- “${text}”`)
    .join("\n");
}
