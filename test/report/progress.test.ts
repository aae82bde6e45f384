import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import stringWidth from "string-width";
import { createProgress, type ProgressStream } from "../../src/cli/progress.js";
import type { DagProjection, RunEvent } from "../../src/records/events.js";
import type { Outcome } from "../../src/records/outcome.js";
import { call, completed, failed, node, projection, skipped } from "./record-builder.js";

/** An escape sequence, or text up to the next one. */
const esc = "\u001b";
const escapes = new RegExp(`${esc}\\[(\\d*[A-Z])|([^${esc}]+)`, "g");

class Screen extends Writable {
  readonly columns: number = 60;
  readonly rows: number = 12;
  readonly writes: string[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk.toString());
    done();
  }

  /** What a terminal would show after all writes, scrolled-out lines included. */
  lines(): string[] {
    const lines = [""];
    let row = 0;
    for (const [, code, text] of this.writes.join("").matchAll(escapes)) {
      if (code === "2K") lines[row] = "";
      else if (code === "1A") row -= 1;
      else if (text !== undefined) {
        text.split("\n").forEach((part, index) => {
          if (index > 0) row += 1;
          lines[row] = (lines[row] ?? "") + part;
        });
      }
    }
    return lines.slice(0, row + 1);
  }
}

const started = (dag: DagProjection): RunEvent => ({
  type: "run-started",
  atMs: 0,
  id: "r1",
  thread: null,
  dag,
  topology: "dataflow",
  input: "text",
  startedAt: "2030-01-01T00:00:00.000Z",
  simulated: null,
});
const ended: RunEvent = {
  type: "run-ended",
  atMs: 900,
  state: "partial",
  output: null,
  error: null,
  interrupts: [],
};
const begin = (name: string, atMs: number, item: number | null = null): RunEvent => ({
  type: "node-started",
  atMs,
  node: name,
  item,
  invocation: null,
});
const settle = (name: string, outcome: Outcome, item: number | null = null): RunEvent => ({
  type: "node-settled",
  atMs: outcome.endedAtMs ?? 0,
  node: name,
  item,
  invocation: null,
  outcome,
});
const callStarted = (name: string, id: string): RunEvent => ({
  type: "call-started",
  atMs: 0,
  node: name,
  item: null,
  invocation: null,
  call: id,
  attempt: 1,
  model: "offline",
});
const delta = (name: string, id: string, text: string): RunEvent => ({
  type: "call-delta",
  atMs: 1,
  node: name,
  item: null,
  invocation: null,
  call: id,
  text,
});

const dag = projection({ features: node(), each: node({ mapped: true }), old: node(), meta: node() });
const events: RunEvent[] = [
  started(dag),
  callStarted("$planner", "$planner-0"),
  { type: "call-ended", atMs: 100, call: call("$planner", 0, 100) },
  begin("features", 100),
  begin("each", 100),
  begin("each", 100, 0),
  settle("each", completed(100, 200), 0),
  begin("old", 100),
  callStarted("features", "features-100"),
  delta("features", "features-100", "Good camera."),
  { type: "call-ended", atMs: 450, call: call("features", 100, 350) },
  settle("features", completed(100, 500)),
  settle("each", completed(100, 600)),
  settle("old", failed(100, 700, "no\u001b[31m answer", "MODEL_TIMEOUT")),
  settle("meta", skipped("join", '"old" failed')),
  ended,
];

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function show(screen: Screen, isTerminal: boolean, list: readonly RunEvent[], stepMs = 0) {
  const progress = createProgress(screen as ProgressStream, { isTerminal, color: false });
  for (const event of list) {
    progress.onEvent(event);
    jest.advanceTimersByTime(stepMs);
  }
  return progress;
}

describe("createProgress without a terminal", () => {
  it("prints one plain line when a node starts and one when it settles", () => {
    const screen = new Screen();
    show(screen, false, events).end();
    expect(`\n${screen.writes.join("")}`).toMatchInlineSnapshot(`
"
sample · dataflow
$planner  started
$planner  completed  0.1 s
features  started
each      started
old       started
features  completed  0.4 s
each      completed  0.5 s
old       failed  0.6 s  MODEL_TIMEOUT: no answer
meta      skipped  join: "old" failed
"
`);
  });
});

describe("createProgress on a terminal", () => {
  it("leaves every node on the screen once, with its state, when the run has ended", () => {
    const screen = new Screen();
    show(screen, true, events, 100).end();
    expect(`\n${screen.lines().join("\n")}`).toMatchInlineSnapshot(`
"
sample · dataflow
✓ $planner  completed      0.1 s  120 tokens
✓ features  completed      0.4 s  120 tokens
✓ each      completed      0.5 s  1 item
✗ old       failed         0.6 s  MODEL_TIMEOUT: no answer
○ meta      skipped               join: "old" failed
"
`);
  });

  it("draws on a terminal that reports a size of 0 by 0", () => {
    const screen = new Screen();
    show(Object.assign(screen, { columns: 0, rows: 0 }), true, events).end();
    expect(screen.lines().join("\n")).toContain("✓ features");
  });

  it("shows tokens while they stream", () => {
    const screen = new Screen();
    const list = [
      started(dag),
      begin("features", 0),
      callStarted("features", "c"),
      delta("features", "c", "x".repeat(80)),
    ];
    const progress = show(screen, true, list, 100);
    expect(screen.lines().join("\n")).toContain("≈20 tokens");
    progress.end();
  });

  it("shows what a function reported last, until it settles", () => {
    const report = (value: unknown) =>
      ({ type: "node-progress", node: "features", item: null, invocation: null, value, atMs: 5 }) as RunEvent;
    const screen = Object.assign(new Screen(), { columns: 100 });
    const list = [started(dag), begin("features", 0), report({ page: 1 }), report("page 2\u202e of 9")];
    const progress = show(screen, true, list, 100);
    expect(screen.lines().join("\n")).toMatch(/features .*running .*page 2 of 9/);
    progress.onEvent(settle("features", completed(0, 50)));
    jest.advanceTimersByTime(100);
    expect(screen.lines().join("\n")).not.toContain("page 2");
    progress.end();
  });

  it("redraws at most twelve times a second, however many events come", () => {
    const screen = new Screen();
    const progress = show(screen, true, [started(dag), begin("features", 0), callStarted("features", "c")]);
    const before = screen.writes.length;
    for (let count = 0; count < 1000; count += 1) {
      progress.onEvent(delta("features", "c", "word "));
      jest.advanceTimersByTime(1);
    }
    expect(screen.writes.length - before).toBeGreaterThan(5);
    expect(screen.writes.length - before).toBeLessThanOrEqual(12);
    progress.end();
  });

  it("clears its timer at the end of the run, and draws nothing for what comes later", () => {
    const screen = new Screen();
    const progress = show(screen, true, events);
    expect(jest.getTimerCount()).toBe(0);
    const drawn = screen.writes.length;
    progress.onEvent(begin("features", 2000));
    progress.end();
    progress.end();
    jest.advanceTimersByTime(1000);
    expect(screen.writes).toHaveLength(drawn);
  });

  it("fits hundreds of nodes into the terminal: those that run, and counts", () => {
    const names = Array.from({ length: 300 }, (_, index) => `node${index}`);
    const screen = new Screen();
    const many = projection(Object.fromEntries(names.map((name) => [name, node()])));
    const settled = names.slice(0, 120).map((name) => settle(name, completed(0, 10)));
    const progress = show(screen, true, [
      started(many),
      ...settled,
      ...names.slice(120, 200).map((name) => begin(name, 0)),
    ]);
    jest.advanceTimersByTime(100);
    expect(screen.lines().length).toBeLessThanOrEqual(screen.rows);
    expect(screen.lines()[0]).toBe("sample · dataflow");
    expect(screen.lines()[1]).toContain("node120");
    expect(screen.lines().join("\n")).toContain("120 of 300 nodes settled · 80 running");
    for (const line of screen.lines())
      expect(stripVTControlCharacters(line).length).toBeLessThan(screen.columns);
    progress.end();
  });

  it("counts maps, rounds and inner graphs on one line each, with what was paid and waited for", () => {
    const inner = projection({ draft: node(), check: node() });
    const whole = projection({
      rows: node({ mapped: true }),
      loop: node({ dag: inner }),
      ask: node(),
    });
    const waiting = { ...callStarted("ask", "c"), waited: { limitMs: 2100 } } as RunEvent;
    const paid = { ...call("ask", 0, 100), id: "c", costUsd: 0.0042 };
    const screen = Object.assign(new Screen(), { columns: 80 });
    const progress = show(screen, true, [
      started(whole),
      { ...begin("rows", 0), items: 300 } as RunEvent,
      ...Array.from({ length: 3 }, (_, index) => settle("rows", completed(0, 50), index)),
      begin("loop", 0),
      settle("loop@1/draft", completed(0, 40)),
      settle("loop@1/check", completed(0, 50)),
      settle("loop@2/draft", completed(50, 80)),
      begin("ask", 0),
      waiting,
      { type: "call-ended", atMs: 100, call: paid },
    ]);
    jest.advanceTimersByTime(100);
    const lines = screen.lines().join("\n");
    expect(lines).toContain("· $0.0042 so far");
    expect(lines).toMatch(/rows .*3\/300 items/);
    expect(lines).toMatch(/loop .*round 2 +1\/2 inner nodes/);
    expect(lines).toMatch(/ask .*waited 2\.1 s for limits/);
    expect(lines).not.toContain("loop@");
    progress.end();
  });

  it("stays within the terminal's width with names and reasons in wide characters", () => {
    const name = "検索する長い名前のノード👩‍👩‍👧検索する長い名前のノード";
    const screen = Object.assign(new Screen(), { columns: 80 });
    const progress = show(screen, true, [
      started({ ...projection({ [name]: node({ mapped: true }) }), name: `${name}${name}` }),
      { ...begin(name, 0), items: 12 } as RunEvent,
      settle(name, failed(0, 10, "失敗しました。".repeat(30)), 3),
      settle(name, failed(0, 10, "失敗しました。".repeat(30))),
    ]);
    jest.advanceTimersByTime(100);
    expect(screen.lines().join("\n")).toContain("検索する");
    for (const line of screen.lines())
      expect(stringWidth(stripVTControlCharacters(line))).toBeLessThanOrEqual(80);
    progress.end();
  });
});
