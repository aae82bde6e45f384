import type { JsonSchema } from "../spec/shape.js";
import { fixed } from "./fixed-phrases.js";
import { fillSchema } from "./schema-filler.js";
import { answerTask } from "./skill-choice.js";
import { materialOf, type Task } from "./task.js";

/** The answer to a task: text, or JSON where a schema is asked for. */
export function answer(task: Task, schema: JsonSchema | null): string {
  const { language } = materialOf(task).document;
  // Fails the schema, which says more than values that nobody has read.
  if (schema !== null) return language === "other" ? fixed.otherLanguage : fillSchema(schema, task);
  if (language === "none") return task.results.length > 0 ? task.results.join("\n") : fixed.empty;
  if (language === "other") return fixed.otherLanguage;
  return answerTask(task);
}
