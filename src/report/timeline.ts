import { assertParts } from "../records/read-record.js";
import type { RunRecord } from "../records/record.js";
import { assertOptions } from "../spec/issue.js";
import { cleanLine, displayWidth, padEnd, padStart, seconds, shorten, wrapText } from "./plain-text.js";
import { dollars, renderSummary, type SummarySource } from "./run-summary.js";
import { stateMark } from "./state-mark.js";
import { type Cell, createPaint, type Paint, renderCells } from "./styled-line.js";
import { createTimeAxis, type TimeAxis } from "./time-axis.js";
import { barCells, gridCells, withNote } from "./timeline-bars.js";
import { type TimelineRow, type TimelineSource, timelineRows } from "./timeline-rows.js";

/** What a timeline reads of a record: a `RunRecord` fits. */
export type TimelineRecord = TimelineSource & SummarySource & Pick<RunRecord, "topology">;

/** How a timeline is drawn. */
export interface TimelineOptions {
  /** Columns that no line exceeds; less than 40 counts as 40. @default 80 */
  readonly width?: number;
  /** Whether to paint with ANSI colours. @default false */
  readonly color?: boolean;
  /** Whether to draw with ASCII characters alone. @default false */
  readonly ascii?: boolean;
}

/** The run as a picture: one bar a node on one time axis, with times, attempts, tokens, and what went wrong. */
export function renderTimeline(record: TimelineRecord, options: TimelineOptions = {}): string {
  assertOptions("renderTimeline", options);
  return renderTimelines([record], options);
}

/** Several runs one under another on one common time axis. */
export function renderTimelines(records: readonly TimelineRecord[], options: TimelineOptions = {}): string {
  for (const record of records)
    assertParts(record, "record of a run", { dag: "object", outcomes: "object", calls: "list" });
  const blocks = records.map((record) => ({ record, rows: timelineRows(record) }));
  const layout = createLayout(blocks, options);
  return blocks.map(({ record, rows }) => renderBlock(record, rows, layout).join("\n")).join("\n\n");
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly valueOf: (row: TimelineRow) => string;
}

interface Layout {
  readonly width: number;
  readonly ascii: boolean;
  readonly paint: Paint;
  readonly nameWidth: number;
  readonly columns: readonly Column[];
  readonly axis: TimeAxis;
}

interface Block {
  readonly record: TimelineRecord;
  readonly rows: readonly TimelineRow[];
}

function createLayout(blocks: readonly Block[], options: TimelineOptions): Layout {
  const width = Math.max(40, Math.floor(options.width ?? 80));
  const ascii = options.ascii ?? false;
  const rows = blocks.flatMap((block) => block.rows);
  const bars = rows.flatMap((row) => row.bars);
  const spanMs = Math.max(
    0,
    ...blocks.map(({ record }) => record.durationMs),
    ...bars.map((bar) => bar.endedAtMs),
  );
  const longest = Math.max(4, ...rows.map((row) => 2 * row.depth + displayWidth(row.name)));
  const nameWidth = Math.min(longest, Math.max(10, Math.floor(width / 4)));
  const none = ascii ? "-" : "–";
  const time = (ms: number | undefined) => (ms === undefined ? none : seconds(ms, spanMs));
  const all: Omit<Column, "width">[] = [
    { title: "start", valueOf: (row) => time(least(row.bars.map((bar) => bar.startedAtMs))) },
    { title: "end", valueOf: (row) => time(most(row.bars.map((bar) => bar.endedAtMs))) },
    { title: "tries", valueOf: (row) => (row.attempts === 0 ? none : `${row.attempts}`) },
    { title: "tokens", valueOf: (row) => tokensOf(row, ascii) },
    // A run that costs nothing has no column for it.
    ...(rows.some((row) => (row.costUsd ?? 0) > 0)
      ? [
          {
            title: "cost",
            valueOf: (row: TimelineRow) => (row.costUsd === null ? none : dollars(row.costUsd)),
          },
        ]
      : []),
  ];
  const columns = all.map((column) => ({
    ...column,
    width: Math.max(column.title.length, ...rows.map((row) => displayWidth(column.valueOf(row)))),
  }));
  // The bars need a third of the line: where they do not get it, the cost goes first, then tokens, then tries.
  const cellsLeft = () => width - 3 - nameWidth - columns.reduce((sum, column) => sum + column.width + 1, 0);
  while (columns.length > 2 && cellsLeft() < Math.min(24, Math.floor(width / 3))) columns.pop();
  return {
    width,
    ascii,
    paint: createPaint(options.color ?? false),
    nameWidth,
    columns,
    axis: createTimeAxis(spanMs, cellsLeft()),
  };
}

const least = (values: readonly number[]) => (values.length === 0 ? undefined : Math.min(...values));
const most = (values: readonly number[]) => (values.length === 0 ? undefined : Math.max(...values));

function tokensOf(row: TimelineRow, ascii: boolean): string {
  if (row.tokens === null) return ascii ? "-" : "–";
  return `${row.estimated ? (ascii ? "~" : "≈") : ""}${row.tokens.toLocaleString("en-US")}`;
}

function renderBlock(record: TimelineRecord, rows: readonly TimelineRow[], layout: Layout): string[] {
  const { width, ascii, paint } = layout;
  const mark = stateMark(record.state);
  const title = [record.dag.name, record.topology].map(cleanLine).join(ascii ? " - " : " · ");
  const state = `${ascii ? mark.ascii : mark.symbol} ${record.state}`;
  return [
    `${paint("bold", shorten(title, width - displayWidth(state) - 2, dots(ascii)))}  ${paint(mark.style, state)}`,
    ...axisLines(layout),
    ...rows.flatMap((row) => rowLines(row, layout)),
    "",
    ...renderSummary(record, width, ascii).map((line) => paint("dim", line)),
  ];
}

const dots = (ascii: boolean) => (ascii ? "..." : "…");

function axisLines({ axis, nameWidth, columns, ascii, paint }: Layout): string[] {
  let labels = "";
  let rule = "";
  for (const { cell, label } of axis.ticks) {
    labels = padEnd(labels, cell) + label;
    rule = rule.padEnd(cell, ascii ? "-" : "─") + (ascii ? "+" : "┬");
  }
  const heads = columns.map((column) => ` ${padStart(column.title, column.width)}`).join("");
  const indent = " ".repeat(3 + nameWidth + displayWidth(heads));
  return [
    paint("dim", `  ${padEnd("node", nameWidth)}${heads} ${labels}`),
    paint("dim", indent + rule.padEnd(axis.cells, ascii ? "-" : "─")),
  ];
}

function rowLines(row: TimelineRow, layout: Layout): string[] {
  const { ascii, paint, nameWidth, width, columns, axis } = layout;
  const mark =
    row.state === "not-settled" ? { symbol: "·", ascii: ".", style: "dim" as const } : stateMark(row.state);
  const indent = "  ".repeat(Math.min(row.depth, Math.floor((nameWidth - 4) / 2)));
  const name = padEnd(shorten(indent + row.name, nameWidth, dots(ascii)), nameWidth);
  const values = columns.map((column) => ` ${padStart(column.valueOf(row), column.width)}`).join("");
  const bars = barCells(axis, row.bars, ascii);
  const noteStyle = row.state === "completed" ? "dim" : mark.style;
  const note = row.minor ? shorten(row.note, axis.cells, dots(ascii)) : row.note;
  const noted = note === "" ? bars : withNote(bars, note, noteStyle);
  const cells: Cell[] = gridCells(axis, noted ?? bars, ascii);
  const head = `${paint(mark.style, ascii ? mark.ascii : mark.symbol)} ${name}${paint("dim", values)}`;
  const lines = [`${head} ${renderCells(cells, paint)}`.trimEnd()];
  if (noted === undefined) {
    const margin = `${" ".repeat(displayWidth(indent) + 2)}${ascii ? "`-" : "└"} `;
    wrapText(note, width - displayWidth(margin), 2, dots(ascii)).forEach((text, index) => {
      const lead = index === 0 ? paint("dim", margin) : " ".repeat(displayWidth(margin));
      lines.push(lead + paint(noteStyle, text));
    });
  }
  return lines;
}
