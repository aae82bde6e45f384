import { displayWidth } from "./plain-text.js";
import { type Style, stateMark } from "./state-mark.js";
import type { Cell } from "./styled-line.js";
import { cellsOf, type TimeAxis } from "./time-axis.js";
import type { Bar } from "./timeline-rows.js";

/** Left part of a cell by eighths, from one eighth to a whole. */
const eighths = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/**
 * A row's bars as cells: waiting in a light shade, work solid, work that did not complete in a dark shade; a
 * stroke where it reported with `progress`.
 */
export function barCells(axis: TimeAxis, bars: readonly Bar[], ascii: boolean): Cell[] {
  const cells: Cell[] = Array.from({ length: axis.cells }, () => ({ text: " ", style: "plain" }));
  const put = (index: number, text: string, style: Style) => {
    cells[Math.min(axis.cells - 1, Math.max(0, index))] = { text, style };
  };
  for (const bar of bars) {
    const { from, to } = cellsOf(axis, bar.readyAtMs, bar.startedAtMs);
    for (let index = Math.round(from); index < Math.round(to); index += 1)
      put(index, ascii ? "." : "░", "dim");
  }
  for (const bar of bars) {
    const { from, to } = cellsOf(axis, bar.startedAtMs, bar.endedAtMs);
    const style = bar.state === "completed" ? "good" : stateMark(bar.state).style;
    if (ascii || bar.state !== "completed") {
      const fill = bar.state === "completed" ? "#" : ascii ? "x" : "▓";
      const last = Math.max(Math.ceil(to) - 1, Math.floor(from));
      for (let index = Math.floor(from); index <= last; index += 1) put(index, fill, style);
    } else {
      for (const [index, text] of solidBar(from, to)) put(index, text, style);
    }
  }
  for (const { fromMs, toMs } of bars.flatMap((bar) => bar.waits)) {
    const { from, to } = cellsOf(axis, fromMs, toMs);
    for (let index = Math.round(from); index < Math.round(to); index += 1)
      put(index, ascii ? "." : "░", "dim");
  }
  for (const atMs of bars.flatMap((bar) => bar.reports))
    put(Math.floor(cellsOf(axis, atMs, atMs).from), ascii ? "|" : "┃", "good");
  return cells;
}

/** A solid bar with its start to half a cell and its end to an eighth; the shortest is one eighth. */
function* solidBar(from: number, to: number): Generator<[number, string]> {
  const first = Math.floor(from);
  const whole = Math.floor(to);
  const rest = Math.round((to - whole) * 8);
  if (to <= first + 1) {
    const part = Math.max(1, Math.round((to - from) * 8));
    yield [first, from - first >= 0.5 ? (part <= 2 ? "▕" : "▐") : (eighths[part - 1] ?? "█")];
    return;
  }
  yield [first, from - first >= 0.5 ? "▐" : "█"];
  for (let index = first + 1; index < whole; index += 1) yield [index, "█"];
  if (rest > 0) yield [whole, eighths[rest - 1] ?? "█"];
}

/** Marks each tick on the cells that are still empty. */
export function gridCells(axis: TimeAxis, cells: readonly Cell[], ascii: boolean): Cell[] {
  const grid = [...cells];
  for (const { cell } of axis.ticks) {
    if (grid[cell]?.text === " ") grid[cell] = { text: ascii ? ":" : "┊", style: "dim" };
  }
  return grid;
}

/**
 * The cells with a note written where they are empty: after the last bar, or before the first one. `undefined`
 * when neither place has room for it.
 */
export function withNote(cells: readonly Cell[], note: string, style: Style): Cell[] | undefined {
  const width = displayWidth(note);
  const drawn = cells.flatMap((cell, index) => (cell.text === " " ? [] : [index]));
  const after = drawn.length === 0 ? 0 : (drawn.at(-1) ?? 0) + 2;
  const before = (drawn[0] ?? 0) - 1 - width;
  const at = after + width <= cells.length ? after : before >= 0 ? before : undefined;
  if (at === undefined) return undefined;
  return [...cells.slice(0, at), ...noteCells(note, style), ...cells.slice(at + width)];
}

/** A note as cells: the text in the first, nothing in those that it covers. */
function noteCells(note: string, style: Style): Cell[] {
  return Array.from({ length: displayWidth(note) }, (_, index) => ({ text: index === 0 ? note : "", style }));
}
