import { type Field, notStated, wordsOf } from "./field.js";
import { figuresOf } from "./figures.js";
import { materialOf, type Task } from "./task.js";
import { contentStems } from "./words.js";

const units: readonly (readonly [RegExp, RegExp])[] = [
  [/price|cost|revenue|fee|amount|budget|salary|usd|eur|dollar/i, /[$€£¥]|dollar|euro|usd/],
  [/percent|share|rate|growth|pct/i, /%|percent/],
  [/hour/i, /^h(ou)?rs?|^hours?$/],
  [/minute/i, /min/],
  [/weight|kg|gram/i, /kg|^g$|gram|lb|oz/],
  [/year|founded/i, /^$/],
];

const scales: readonly (readonly [RegExp, number])[] = [
  [/thousand|\bk\b/, 1e3],
  [/million|\bm\b/, 1e6],
  [/billion|bn/, 1e9],
];

/** The figure whose words share most with the field's; a fitting unit alone counts only where one figure has it. */
export function figureFor(field: Field, task: Task, within: (value: number) => unknown): unknown {
  const asked = contentStems(wordsOf(field));
  const { sentences } = materialOf(task).document;
  const found = sentences.flatMap((sentence) => {
    const stems = contentStems(sentence.text);
    const shared = [...asked].filter((stem) => stems.has(stem)).length;
    return figuresOf(sentence).map((figure) => {
      const beside =
        figure.about === null ? [] : [...contentStems(figure.about)].filter((stem) => asked.has(stem));
      const named = [...contentStems(figure.unit)].some((stem) => asked.has(stem));
      const year = figure.unit === "" && figure.value > 1500 && figure.value < 2200;
      const fits = units.some(
        ([name, sign]) => name.test(field.name) && sign.test(figure.unit) && (figure.unit !== "" || year),
      );
      const scale =
        scales.find(([sign]) => sign.test(figure.unit) && !sign.test(wordsOf(field).toLowerCase()))?.[1] ?? 1;
      const words = shared + beside.length * 2 + (named ? 1 : 0);
      return { value: figure.value * scale, words, fits: fits && (!year || words > 0) };
    });
  });
  const usable = found.filter(({ value }) => within(value) !== notStated);
  const alone = usable.filter(({ fits }) => fits).length === 1;
  const best = usable
    .map((candidate, i) => ({ ...candidate, i, score: candidate.words + (candidate.fits ? 2 : 0) }))
    .filter(({ words, fits }) => words > 0 || (fits && alone))
    .sort((x, y) => y.score - x.score || x.i - y.i)[0];
  return best === undefined ? notStated : best.value;
}
