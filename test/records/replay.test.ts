import { expect, it } from "@jest/globals";
import type { RunEvent } from "../../src/records/events.js";
import { type Outcome, skipped } from "../../src/records/outcome.js";
import { replayEvents } from "../../src/records/replay.js";
import { nodeWork, type WorkKey, workPath } from "../../src/records/work-id.js";
import { call, completed } from "../report/record-builder.js";

const told = (events: readonly RunEvent[]) =>
  events.map((event) => {
    const work = event.type === "call-ended" ? event.call : (event as unknown as WorkKey);
    return `${event.type} ${workPath(work)} @${event.atMs}`;
  });
const done = (node: string, outcome: Outcome | null, calls: Parameters<typeof call>[] = []) => ({
  key: nodeWork(node),
  outcome,
  calls: calls.map((args) => call(...args)),
});

it("tells of a node's work in the order in which it was done", () => {
  const outcome = { ...completed(5, 30), readyAtMs: 2 };
  const events = replayEvents([done("a", outcome, [["a", 10, 15]])]);
  expect(events).toEqual([
    { type: "node-ready", node: "a", item: null, invocation: null, atMs: 2 },
    { type: "node-started", node: "a", item: null, invocation: null, atMs: 5 },
    {
      type: "call-started",
      node: "a",
      item: null,
      invocation: null,
      call: "a-10",
      attempt: 1,
      model: "offline",
      atMs: 10,
    },
    { type: "call-ended", atMs: 25, call: call("a", 10, 15) },
    { type: "node-settled", node: "a", item: null, invocation: null, outcome, atMs: 30 },
  ]);
});

it("puts what happened at one moment in the order in which it has to happen", () => {
  const events = replayEvents([done("a", completed(7, 7), [["a", 7, 0]])]);
  expect(events.map(({ type }) => type)).toEqual([
    "node-ready",
    "node-started",
    "call-started",
    "call-ended",
    "node-settled",
  ]);
});

it("tells of planner and joiner only their calls", () => {
  expect(told(replayEvents([done("$planner", null, [["$planner", 0, 5]])]))).toEqual([
    "call-started $planner @0",
    "call-ended $planner @5",
  ]);
});

it("leaves out what was never reached, and settles at the last time that is known", () => {
  const at = (readyAtMs: number | null, startedAtMs: number | null, endedAtMs: number | null) =>
    told(
      replayEvents([
        done("a", { ...skipped({ readyAtMs, startedAtMs, endedAtMs, attempts: 0 }, "join", "x") }),
      ]),
    );
  expect(at(null, null, 9)).toEqual(["node-settled a @9"]);
  expect(at(3, null, null)).toEqual(["node-ready a @3", "node-settled a @3"]);
  expect(at(3, 4, null)).toEqual(["node-ready a @3", "node-started a @4", "node-settled a @4"]);
  expect(at(null, null, null)).toEqual(["node-settled a @0"]);
});

it("tells of a map how many items it has, and of each item but that it was ready", () => {
  const outcome = completed(0, 30, { items: [completed(1, 10), completed(2, 20)] });
  const events = replayEvents([done("a", outcome)]);
  expect(told(events)).toEqual([
    "node-ready a @0",
    "node-started a @0",
    "node-started a[0] @1",
    "node-started a[1] @2",
    "node-settled a[0] @10",
    "node-settled a[1] @20",
    "node-settled a @30",
  ]);
  expect(events[1]).toMatchObject({ items: 2 });
  expect(events[2]).not.toHaveProperty("items");
});

it("tells of a planner's calls of a node, of inner nodes and of rounds under their own names", () => {
  const outcome = completed(0, 30, {
    invocations: [completed(1, 2)],
    outcomes: { x: completed(3, 4) },
    rounds: [{ y: completed(5, 6) }, { y: completed(7, 8) }],
  });
  const settled = told(replayEvents([done("a", outcome)])).filter((text) => text.startsWith("node-settled"));
  expect(settled).toEqual([
    "node-settled a#0 @2",
    "node-settled a/x @4",
    "node-settled a@1/y @6",
    "node-settled a@2/y @8",
    "node-settled a @30",
  ]);
});

it("counts work and calls that are given twice once", () => {
  const item = {
    key: { ...nodeWork("a"), item: 0 },
    outcome: completed(1, 10),
    calls: [call("a", 3, 1, { item: 0 })],
  };
  const whole = { ...done("a", completed(0, 30, { items: [completed(1, 10)] })), calls: item.calls };
  expect(told(replayEvents([item, whole, whole]))).toEqual([
    "node-ready a @0",
    "node-started a @0",
    "node-started a[0] @1",
    "call-started a[0] @3",
    "call-ended a[0] @4",
    "node-settled a[0] @10",
    "node-settled a @30",
  ]);
});
