import pc from "picocolors";
import type { Style } from "./state-mark.js";

/** Turns text of a style into what is printed. */
export type Paint = (style: Style, text: string) => string;

/** A paint with ANSI colours, or one that leaves text as it is. */
export function createPaint(color: boolean): Paint {
  const colors = pc.createColors(color);
  const styles: Record<Style, (text: string) => string> = {
    plain: (text) => text,
    dim: colors.dim,
    bold: colors.bold,
    good: colors.green,
    bad: colors.red,
    warn: colors.yellow,
  };
  return (style, text) => (text.trim() === "" ? text : styles[style](text));
}

/** One column of a line: a single-width character and its style. */
export interface Cell {
  readonly text: string;
  readonly style: Style;
}

/** Cells as text, each run of one style painted once, trailing blanks left out. */
export function renderCells(cells: readonly Cell[], paint: Paint): string {
  let end = cells.length;
  while (end > 0 && cells[end - 1]?.text === " ") end -= 1;
  let line = "";
  let run = "";
  let style: Style = "plain";
  for (const cell of cells.slice(0, end)) {
    if (cell.style !== style) {
      line += paint(style, run);
      run = "";
      style = cell.style;
    }
    run += cell.text;
  }
  return line + paint(style, run);
}
