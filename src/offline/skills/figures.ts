import { figuresOf } from "../figures.js";
import { fixed } from "../fixed-phrases.js";
import { materialOf, type Task } from "../task.js";

/** Most figures listed. */
const most = 30;

/** The figures of the text, each with what it stands beside and its sentence. */
export function listFigures(task: Task): string {
  const { sentences } = materialOf(task).document;
  const figures = sentences.flatMap(figuresOf);
  if (figures.length === 0) return fixed.noFigures;
  return figures
    .slice(0, most)
    .map(
      (figure) =>
        `- ${figure.text}${figure.about === null ? "" : ` (${figure.about})`}: “${sentences[figure.sentence]?.text ?? ""}”`,
    )
    .join("\n");
}
