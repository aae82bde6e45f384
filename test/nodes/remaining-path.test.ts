import { describe, expect, it } from "@jest/globals";
import { remainingPaths } from "../../nodes/engine/remaining-path.js";
import type { Model } from "../../src/models/port.js";
import { run } from "../../src/run/run.js";
import type { DagSpec } from "../../src/spec/shape.js";

const inner: DagSpec = {
  name: "inner",
  nodes: { p: { instructions: "P." }, q: { needs: ["p"], instructions: "Q." } },
};
const spec: DagSpec = {
  name: "outer",
  nodes: {
    short: { instructions: "S." },
    chain1: { instructions: "C1." },
    chain2: { needs: ["chain1"], instructions: "C2." },
    graph: { needs: ["chain2"], dag: inner },
    code: { needs: ["graph"], run: () => null },
    long: { instructions: "L.", modelOptions: { maxTokens: 10_000 } },
    end: { needs: ["short", "code", "long"], instructions: "E." },
  },
};

/** A model that takes as long as a table says, in milliseconds. */
const timed = (ms: Readonly<Record<string, number>>, started: string[] = []): Model => ({
  id: "scripted:model",
  async *call({ node }) {
    started.push(node);
    await new Promise((resolve) => setTimeout(resolve, ms[node] ?? 1));
    yield { type: "text", text: "ok" };
    yield { type: "finish", reason: "stop" };
  },
});

describe("the remaining path", () => {
  it("counts what agents may answer with, inner graphs and what follows them included", () => {
    const of = remainingPaths(spec, undefined);
    const paths = ["end", "code", "graph/q", "graph/p", "graph", "chain2", "chain1", "short"].map(of);
    expect(paths).toEqual([512, 512, 1024, 1536, 1536, 2048, 2560, 1024]);
    expect(of("long")).toBe(10_512);
    expect(of("graph[3]@2/p")).toBe(of("graph/p"));
    expect(of("$planner")).toBeGreaterThan(of("long"));
  });

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

  it("goes by the times of an earlier record where there is one", async () => {
    const record = await run(spec, "x", { model: timed({}) });
    const ms: Readonly<Record<string, number>> = { short: 8_000, long: 2, chain1: 100 };
    const times = {
      ...record,
      calls: record.calls.map((call) => ({ ...call, durationMs: ms[call.node] ?? 10 })),
    };
    const of = remainingPaths(spec, times);
    expect(of("short")).toBeGreaterThan(of("chain1"));
    expect(of("chain1")).toBeGreaterThan(of("chain2"));
    const started: string[] = [];
    await run(spec, "x", {
      model: timed({}, started),
      times,
      limits: { maxConcurrency: 1 },
      topology: "dataflow",
    });
    // Of what waits, the slow one goes first; the very first finds a free slot.
    expect(started.indexOf("long")).toBeGreaterThan(started.indexOf("chain1"));
  });
});
