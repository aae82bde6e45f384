import { describe, expect, it } from "@jest/globals";
import { DagError } from "../../src/errors.js";
import type { CallRecord, RunEvent, UsageSums } from "../../src/records/events.js";
import { addUsages, foldEvents, recordFold, spansOf, usageOf } from "../../src/records/record.js";
import { nodeWork } from "../../src/records/work-id.js";
import { call, completed, node, projection } from "../report/record-builder.js";

const dag = projection({ a: node(), b: node({ needs: ["a"] }), c: node() });
const simulated = { profile: "steady", seed: 1, speed: 10 };
const started: RunEvent = {
  type: "run-started",
  atMs: 0,
  id: "run-1",
  thread: "t",
  dag,
  topology: "dataflow",
  input: { text: "x" },
  startedAt: "2026-01-02T03:04:05.000Z",
  simulated,
};
const interrupts = [{ node: "c", message: "Well?", value: null }];
const ended: RunEvent = {
  type: "run-ended",
  atMs: 90,
  state: "partial",
  output: "out",
  error: { code: "X", message: "x" },
  interrupts,
};
const settled = (name: string, from: number, to: number, reused?: UsageSums): RunEvent => ({
  type: "node-settled",
  atMs: to,
  ...nodeWork(name),
  outcome: completed(from, to),
  ...(reused && { reused }),
});
const endOf = (record: CallRecord): RunEvent => ({
  type: "call-ended",
  atMs: record.startedAtMs + record.durationMs,
  call: record,
});
const delta: RunEvent = { type: "call-delta", atMs: 1, ...nodeWork("a"), call: "a-0", text: "wo" };
const sums = (part: Partial<UsageSums> = {}): UsageSums => ({
  modelCalls: 1,
  inputTokens: 10,
  outputTokens: 5,
  estimated: false,
  costUsd: 0.25,
  ...part,
});
const noUsage = {
  modelCalls: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
  costUsd: 0,
};

it("is what the events add up to", () => {
  const later = call("b", 50, 30, { inputTokens: 7, outputTokens: 2 });
  const first = call("a", 0, 40, { inputTokens: 5, outputTokens: 1 });
  const events: RunEvent[] = [
    started,
    endOf(later),
    endOf(first),
    settled("b", 50, 80.12345),
    settled("a", 0, 40),
    ended,
  ];
  expect(foldEvents([...events.slice(0, 1), delta, ...events.slice(1)])).toEqual({
    version: 1,
    id: "run-1",
    thread: "t",
    dag,
    topology: "dataflow",
    input: { text: "x" },
    startedAt: "2026-01-02T03:04:05.000Z",
    durationMs: 90,
    state: "partial",
    output: "out",
    error: { code: "X", message: "x" },
    outcomes: { a: completed(0, 40), b: completed(50, 80.12345) },
    calls: [first, later],
    interrupts,
    events,
    usage: { ...noUsage, modelCalls: 2, inputTokens: 12, outputTokens: 3 },
    criticalPathMs: 70.123,
    simulated,
  });
  expect(Object.keys(foldEvents(events).outcomes)).toEqual(["a", "b"]);
});

it("of a run that has not ended is cancelled, and as long as its last event", () => {
  expect(foldEvents([started, settled("a", 0, 40)])).toMatchObject({
    state: "cancelled",
    output: null,
    error: null,
    interrupts: [],
    durationMs: 40,
    criticalPathMs: 40,
  });
  expect(foldEvents([started]).durationMs).toBe(0);
  const begun = { type: "node-started", node: "a", item: null, invocation: null } as const;
  expect(foldEvents([started, { ...begun, atMs: 5 }, { ...begun, atMs: 70 }]).durationMs).toBe(70);
});

it("is made of a list of events, and says what else it was given", () => {
  const given = (events: unknown) => () => foldEvents(events as never);
  for (const events of [undefined, null, 3, {}])
    expect(given(events)).toThrow(/foldEvents.*events.*a list of a run's events/s);
  expect(given([started, "x"])).toThrow(/foldEvents.*events\[1\].*"x".*an event/s);
  expect(given([{ type: "node-settled", node: "a" }])).toThrow(
    expect.objectContaining({ code: "RECORD_INVALID", message: expect.stringContaining("none was added") }),
  );
  expect(given([{ ...started, dag: undefined }])).toThrow(
    expect.objectContaining({
      code: "RECORD_INVALID",
      message: expect.stringMatching(
        /^The events make no record: .* read a whole record with `assertRecord`\.$/s,
      ),
      cause: expect.any(Error),
    }),
  );
});

it("cannot be told without a start", () => {
  expect(() => foldEvents([ended])).toThrow(
    new DagError("RECORD_INVALID", "A record starts with a run-started event; none was added."),
  );
  expect(recordFold().outcomes()).toEqual({});
});

it("may be asked for at any time, and is not changed by what comes later", () => {
  const fold = recordFold();
  fold.add(started);
  const before = fold.record();
  fold.add(settled("b", 0, 1));
  expect(fold.outcomes()).toEqual({ b: completed(0, 1) });
  fold.add(settled("a", 0, 2));
  expect(Object.keys(fold.outcomes())).toEqual(["a", "b"]);
  expect(before.events).toHaveLength(1);
  expect(before.outcomes).toEqual({});
});

it("has outcomes of whole nodes of its own DAG only", () => {
  const of = (part: object): RunEvent => ({ ...settled("a", 0, 1), ...part }) as RunEvent;
  const events = [
    started,
    of({ item: 0 }),
    of({ invocation: 0 }),
    of({ node: "a/b" }),
    of({ node: "unknown" }),
  ];
  expect(foldEvents(events).outcomes).toEqual({});
});

it("sums what outcomes that were taken over had cost apart from its own calls", () => {
  const record = foldEvents([
    started,
    settled("a", 0, 1, sums()),
    settled("b", 0, 1, sums({ costUsd: 0.5 })),
  ]);
  expect(record.usage).toEqual({
    ...noUsage,
    reused: { ...noUsage, modelCalls: 2, inputTokens: 20, outputTokens: 10, costUsd: 0.75 },
  });
});

describe("usage", () => {
  it("of nothing is nothing", () => {
    expect(addUsages([])).toEqual(noUsage);
  });

  it("is the sum of each kind of tokens", () => {
    const one = { cachedInputTokens: 1, cacheWriteTokens: 2, reasoningTokens: 3 };
    expect(addUsages([sums(one), sums(), sums({ ...one, modelCalls: 4 })])).toEqual({
      modelCalls: 6,
      inputTokens: 30,
      outputTokens: 15,
      cachedInputTokens: 2,
      cacheWriteTokens: 4,
      reasoningTokens: 6,
      estimated: false,
      costUsd: 0.75,
    });
  });

  it("is an estimate, or of unknown cost, as soon as a part is", () => {
    const first = addUsages([sums({ estimated: true, costUsd: null }), sums()]);
    expect([first.estimated, first.costUsd]).toEqual([true, null]);
    const last = addUsages([sums(), sums({ estimated: true, costUsd: null })]);
    expect([last.estimated, last.costUsd]).toEqual([true, null]);
  });

  it("of calls counts each as one", () => {
    expect(usageOf([call("a", 0, 1), call("a", 1, 1)])).toMatchObject({ modelCalls: 2, inputTokens: 2000 });
  });
});

describe("the spans of the critical path", () => {
  it("are the nodes, with the needs that were declared", () => {
    expect(
      spansOf(dag, { a: completed(0, 1), b: completed(1, 2), gone: completed(5, 6) }, [call("a", 0, 1)]),
    ).toEqual([
      { name: "a", needs: [], readyAtMs: 0, startedAtMs: 0, endedAtMs: 1 },
      { name: "b", needs: ["a"], readyAtMs: 1, startedAtMs: 1, endedAtMs: 2 },
      { name: "gone", needs: [], readyAtMs: 5, startedAtMs: 5, endedAtMs: 6 },
    ]);
  });

  it("without a planner are whole, however often a node was called", () => {
    const outcome = completed(0, 9, { invocations: [completed(0, 1), completed(1, 2)] });
    expect(spansOf(dag, { a: outcome }, []).map(({ name }) => name)).toEqual(["a"]);
  });

  it("under a planner are its requests and each call of a node, each after any other that ended before", () => {
    const planner = call("$planner", 0, 10, { id: "p1" });
    const twice = completed(10, 30, { invocations: [completed(10, 15), completed(20, 30)] });
    const once = completed(10, 12, { invocations: [completed(10, 12)] });
    const spans = spansOf(dag, { a: twice, b: once, c: completed(10, 11) }, [planner, call("a", 10, 5)]);
    const names = ["$planner p1", "a 1", "a 2", "b", "c"];
    expect(spans.map(({ name }) => name)).toEqual(names);
    expect(spans.map(({ needs }) => needs)).toEqual(names.map(() => null));
    expect(spans[0]).toMatchObject({ readyAtMs: 0, startedAtMs: 0, endedAtMs: 10 });
    expect(spans[2]).toMatchObject({ readyAtMs: 20, startedAtMs: 20, endedAtMs: 30 });
  });
});
