import { featuresOf } from "../aspects.js";
import { fixed } from "../fixed-phrases.js";
import { materialOf, type Task } from "../task.js";

/** The features that the text names, with the figures beside them and what is said of them. */
export function listFeatures(task: Task): string {
  const source = materialOf(task);
  const features = featuresOf(source, 14);
  if (features.length === 0) return fixed.noFeatures;
  const lines = features.map((feature) => {
    const remark = source.remarks.find((candidate) => candidate.aspect?.endsWith(feature.head));
    const figures = feature.figures.length > 0 ? ` ${feature.figures.join(", ")}` : "";
    const quote =
      remark !== undefined ? remark.quote : source.document.sentences[feature.sentences[0] ?? 0]?.text;
    return `- ${feature.name}:${figures}${figures === "" ? "" : " –"} “${quote ?? ""}”`;
  });
  return lines.join("\n");
}
