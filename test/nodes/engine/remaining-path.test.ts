import { describe, expect, it } from "@jest/globals";
import { remainingPaths, remainingTimes } from "../../../nodes/engine/remaining-path.js";
import type { Model } from "../../../src/models/port.js";
import type { RunRecord } from "../../../src/records/record.js";
import { run } from "../../../src/run/run.js";
import type { DagSpec } from "../../../src/spec/shape.js";

const inner: DagSpec = {
  name: "inner",
  nodes: { p: { instructions: "P." }, q: { needs: ["p"], instructions: "Q." } },
};
const spec: DagSpec = {
  name: "outer",
  nodes: {
    a: { instructions: "A.", modelOptions: { maxTokens: 1 } },
    short: { instructions: "S.", modelOptions: { maxTokens: 4 } },
    g: { needs: ["a"], dag: inner },
    code: { needs: ["g", "short"], run: () => null },
    end: { needs: ["code"], instructions: "E.", modelOptions: { maxTokens: 10 } },
  },
};
const call = (node: string, durationMs: number, part: object = {}) => ({
  node,
  item: null,
  invocation: null,
  durationMs,
  error: null,
  ...part,
});
const took = (startedAtMs: number | null, endedAtMs: number | null, items?: number) => ({
  startedAtMs,
  endedAtMs,
  ...(items !== undefined && { items: Array(items).fill({}) }),
});
const recordOf = (calls: object[], outcomes: object = {}) => ({ calls, outcomes }) as unknown as RunRecord;

describe("without an earlier record", () => {
  const remaining = remainingPaths(spec, undefined);

  it.each([
    ["end", 10],
    ["code", 10],
    ["short", 14],
    ["g/q", 522],
    ["g/p", 1034],
    ["g/p[2]", 1034],
    ["g", 1034],
    ["a", 1035],
    ["unknown", 0],
  ])("%s has %d tokens to come", (path, tokens) => expect(remaining(path)).toBe(tokens));

  it("counts runnables as agents, and nothing else that has no model", () => {
    const each = {
      agent: { instructions: "A." },
      runnable: { runnable: {} },
      code: { run: () => 1 },
      tool: { tool: {} },
      ask: { approve: {} },
    };
    const of = remainingPaths({ name: "d", nodes: each } as unknown as DagSpec, undefined);
    expect(Object.keys(each).map(of)).toEqual([512, 512, 0, 0, 0]);
  });

  it("a planner's requests come before everything", () => {
    expect(remaining("$planner")).toBeGreaterThan(1e15);
  });
});

describe("with one", () => {
  it("what waits for a slot goes by it: the longest first", async () => {
    const dag = {
      name: "d",
      nodes: { a: { instructions: "A." }, b: { instructions: "B." }, c: { instructions: "C." } },
    };
    const started: string[] = [];
    const model: Model = {
      id: "scripted:model",
      async *call({ node }) {
        started.push(node);
        yield { type: "text", text: "ok" };
        yield { type: "finish", reason: "stop" };
      },
    };
    const record = await run(dag, "x", { model });
    const ms: Readonly<Record<string, number>> = { a: 3, b: 100, c: 50 };
    const times = {
      ...record,
      calls: record.calls.map((one) => ({ ...one, durationMs: ms[one.node] ?? 0 })),
    };
    started.length = 0;
    await run(dag, "x", { model, times, limits: { maxConcurrency: 1 }, topology: "dataflow" });
    expect(started).toEqual(["b", "c", "a"]);
  });

  it("a node weighs what each work's requests took together, those that failed left out", () => {
    const calls = [
      call("end", 5),
      call("end", 7),
      call("end", 1000, { error: { code: "C", message: "m" } }),
      call("short", 10, { item: 0 }),
      call("short", 20, { item: 1 }),
      call("g/q", 3),
    ];
    const remaining = remainingPaths(spec, recordOf(calls));
    expect(["end", "code", "short", "g/q", "g/p", "a"].map(remaining)).toEqual([12, 12, 27, 15, 15, 15]);
  });

  it("a node without requests weighs its time, an item its part of it", () => {
    const outcomes = { a: took(5, 25), short: took(10, 40, 3), end: took(null, 9), code: took(3, null) };
    const remaining = remainingPaths(spec, recordOf([call("end", 2)], { ...outcomes, end: took(0, 100) }));
    expect(["a", "short", "code", "end"].map(remaining)).toEqual([22, 12, 2, 2]);
    expect(remainingPaths(spec, recordOf([], outcomes))("end")).toBe(0);
    expect(remainingPaths(spec, recordOf([], { a: took(0, 8, 0) }))("a")).toBe(8);
  });

  it("a graph of which only the edges are known is measured too", () => {
    const edges = {
      name: "e",
      nodes: { a: {}, b: { needs: ["a"] }, c: { needs: ["a"] } },
    } as unknown as DagSpec;
    const remaining = remainingTimes(edges, recordOf([call("a", 1), call("b", 2), call("c", 8)]));
    expect(["a", "b", "c", "unknown"].map(remaining)).toEqual([9, 2, 8, 0]);
  });
});
