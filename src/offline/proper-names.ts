import { textOf } from "./document.js";
import { emptyNouns } from "./lexicon/nouns.js";
import { materialOf, type Task } from "./task.js";

/** Runs of capitalised words inside sentences, most frequent first. */
export function properNames(task: Task): string[] {
  const counts = new Map<string, number>();
  for (const { tokens } of materialOf(task).document.sentences) {
    for (let i = 0; i < tokens.length; i++) {
      const proper = (k: number) =>
        /^[A-Z][\p{L}\d&.'-]*$/u.test(tokens[k]?.text ?? "") && tokens[k]?.pos === "PROPN";
      if (!proper(i)) continue;
      let to = i + 1;
      while (proper(to)) to++;
      const name = textOf(tokens.slice(i, to));
      const placed = ["in", "near", "at", "from"].includes(tokens[i - 1]?.lower ?? "");
      if (placed || (i === 0 && to === 1) || emptyNouns.has(name.toLowerCase())) continue;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      i = to - 1;
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}
