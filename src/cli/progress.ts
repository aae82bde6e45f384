import { createLogUpdate } from "log-update";
import type { RunEvent } from "../records/events.js";
import { cleanLine, counted, displayWidth, padEnd, shorten } from "../report/plain-text.js";
import { dollars } from "../report/run-summary.js";
import { stateMark } from "../report/state-mark.js";
import { createPaint, type Paint } from "../report/styled-line.js";
import { createProgressRows, type ProgressRow, type ProgressRows, tokensSoFar } from "./progress-rows.js";

/** Where progress goes: `process.stderr` fits. */
export interface ProgressStream extends NodeJS.WritableStream {
  readonly columns?: number;
  readonly rows?: number;
}

export interface ProgressOptions {
  /** Whether the stream is a terminal whose lines can be redrawn. */
  readonly isTerminal: boolean;
  /** Whether to paint with ANSI colours. */
  readonly color: boolean;
}

/** A view of runs while they happen. */
export interface Progress {
  onEvent(event: RunEvent): void;
  /** Draws the last state, stops redrawing and gives the cursor back; what comes later is ignored. */
  end(): void;
}

/** Time between two redraws, in milliseconds: twelve a second at most. */
const frameMs = 84;
const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** Shows a run's events on a stream: a live view on a terminal, otherwise one line when a node starts and settles. */
export function createProgress(stream: ProgressStream, { isTerminal, color }: ProgressOptions): Progress {
  const paint = createPaint(color);
  return isTerminal ? createLiveProgress(stream, paint) : createPlainProgress(stream, paint);
}

function titleOf(event: Extract<RunEvent, { type: "run-started" }>): string {
  return `${cleanLine(event.dag.name)} · ${cleanLine(event.topology)}`;
}

function createPlainProgress(stream: ProgressStream, paint: Paint): Progress {
  let rows = createProgressRows();
  let isOver = false;
  const isNew = onceEach();
  return {
    onEvent(event) {
      if (isOver) return;
      if (event.type === "notice" && isNew(event.message)) stream.write(`${cleanLine(event.message)}\n`);
      if (event.type === "run-started") {
        rows = createProgressRows();
        stream.write(`${paint("bold", titleOf(event))}\n`);
      }
      const row = rows.add(event);
      if (row !== undefined) stream.write(`${plainLine(row, nameWidthOf(rows), paint)}\n`);
    },
    end() {
      isOver = true;
    },
  };
}

function plainLine(row: ProgressRow, nameWidth: number, paint: Paint): string {
  const name = padEnd(row.name, nameWidth);
  if (row.state === "running" || row.state === "waiting") return `${name}  ${paint("dim", "started")}`;
  const parts = [paint(stateMark(row.state).style, row.state), elapsed(row, 0), row.reason];
  return [name, ...parts].filter((part) => part !== "").join("  ");
}

function nameWidthOf({ rows }: ProgressRows): number {
  return Math.min(24, Math.max(0, ...rows.map((row) => displayWidth(row.name))));
}

/** Time since the row's start, or all of it, in seconds to a tenth; empty when it never started. */
function elapsed(row: ProgressRow, nowMs: number): string {
  if (row.startedAtMs === null) return "";
  return `${(Math.max(0, (row.endedAtMs ?? nowMs) - row.startedAtMs) / 1000).toFixed(1)} s`;
}

function createLiveProgress(stream: ProgressStream, paint: Paint): Progress {
  const screen = sized(stream);
  const draw = createLogUpdate(screen as NodeJS.WriteStream);
  let rows = createProgressRows();
  let title = "";
  /** What `performance.now()` was at the run's start. */
  let originMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  let notices: string[] = [];
  const isNew = onceEach();

  function render(): void {
    draw(liveLines(rows, title, performance.now() - originMs, screen, paint).join("\n"));
  }

  /** Draws the last state, leaves it on the screen and stops the clock. */
  function finish(): void {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    render();
    draw.done();
    for (const notice of notices) stream.write(`${notice}\n`);
    notices = [];
  }

  return {
    onEvent(event) {
      if (isOver) return;
      if (event.type === "run-started") {
        finish();
        rows = createProgressRows();
        title = titleOf(event);
        originMs = performance.now() - event.atMs;
        timer = setInterval(render, frameMs);
        timer.unref();
      }
      if (event.type === "notice" && isNew(event.message)) notices.push(cleanLine(event.message));
      rows.add(event);
      if (event.type === "run-ended") finish();
    },
    end() {
      isOver = true;
      finish();
    },
  };
}

/** Tells what was not told before: runs that follow one another say the same. */
function onceEach(): (text: string) => boolean {
  const told = new Set<string>();
  return (text) => !told.has(text) && told.add(text).has(text);
}

/** The stream with a usable size: a terminal that does not know its size reports 0 columns and 0 rows. */
function sized(stream: ProgressStream): ProgressStream {
  return Object.create(stream, {
    columns: { get: () => stream.columns || 80 },
    rows: { get: () => stream.rows || 24 },
    write: { value: (text: string) => stream.write(text) },
  });
}

function liveLines(
  { rows: all, costUsd }: ProgressRows,
  title: string,
  nowMs: number,
  stream: ProgressStream,
  paint: Paint,
): string[] {
  const width = Math.max(20, stream.columns ?? 80) - 1;
  // What lies within a node stands as counts on the node's line.
  const rows = all.filter((row) => !row.isInner);
  // The title, the counts and the line that the cursor stands on.
  const room = Math.max(1, (stream.rows ?? 24) - 3);
  const isCrowded = rows.length > room;
  const running = rows.filter((row) => row.state === "running");
  const broken = rows.filter((row) => row.state === "failed" || row.state === "timed-out");
  const shown = isCrowded ? [...running, ...broken].slice(0, room) : rows;
  const nameWidth = Math.min(
    30,
    Math.floor(width / 3),
    Math.max(0, ...shown.map((row) => displayWidth(row.name))),
  );
  const lines = shown.map((row) => liveLine(row, nowMs, { nameWidth, width, paint }));
  const cost = costUsd() > 0 ? ` · ${dollars(costUsd())} so far` : "";
  const head = `${paint("bold", shorten(title, width - cost.length))}${paint("dim", cost)}`;
  return isCrowded
    ? [head, ...lines, paint("dim", shorten(countsLine(rows, running.length), width))]
    : [head, ...lines];
}

/** `120 of 300 nodes settled · 12 running · 2 failed`. */
function countsLine(rows: readonly ProgressRow[], running: number): string {
  const settled = rows.filter((row) => row.state !== "waiting" && row.state !== "running");
  const states = new Map<string, number>();
  for (const { state } of settled) if (state !== "completed") states.set(state, (states.get(state) ?? 0) + 1);
  return [
    `${settled.length} of ${counted(rows.length, "node")} settled`,
    `${running} running`,
    ...[...states].map(([state, count]) => `${count} ${state}`),
  ].join(" · ");
}

interface LineLayout {
  readonly nameWidth: number;
  readonly width: number;
  readonly paint: Paint;
}

function liveLine(row: ProgressRow, nowMs: number, { nameWidth, width, paint }: LineLayout): string {
  const isRunning = row.state === "running";
  const mark =
    row.state === "waiting" || row.state === "running"
      ? ({ symbol: isRunning ? spinnerAt(nowMs) : "·", style: "dim" } as const)
      : stateMark(row.state);
  const tokens = tokensSoFar(row);
  const facts = [
    padEnd(row.state, 11),
    elapsed(row, nowMs).padStart(7),
    tokens === 0 ? "" : `${row.open.size > 0 ? "≈" : ""}${counted(tokens, "token")}`,
    itemsOf(row, isRunning),
    row.round === null ? "" : `round ${row.round}`,
    row.items === null && isRunning && row.innerNodes > 0
      ? `${row.innerSettled.size}/${counted(row.innerNodes, "inner node")}`
      : "",
    row.progress,
    row.waitedMs < 50 ? "" : `waited ${(row.waitedMs / 1000).toFixed(1)} s for limits`,
    row.reason,
  ];
  const rest = facts.filter((fact) => fact !== "").join("  ");
  const name = padEnd(shorten(row.name, nameWidth), nameWidth);
  const style = isRunning ? "plain" : mark.style === "good" ? "dim" : mark.style;
  return `${paint(mark.style, mark.symbol)} ${name}  ${paint(style, shorten(rest, width - nameWidth - 4).trimEnd())}`;
}

/** `3/300 items` while a map runs whose length is known, `300 items` when it has ended. */
function itemsOf({ items, itemsSettled }: ProgressRow, isRunning: boolean): string {
  if (isRunning && items !== null) return `${itemsSettled}/${counted(items, "item")}`;
  return itemsSettled === 0 ? "" : `${counted(itemsSettled, "item")}${isRunning ? " settled" : ""}`;
}

function spinnerAt(nowMs: number): string {
  return spinner[Math.floor(nowMs / frameMs) % spinner.length] ?? "-";
}
