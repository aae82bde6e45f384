import { describe, expect, it } from "@jest/globals";
import {
  estimatedDurations,
  explain,
  recordedDurations,
  renderExplanation,
} from "../../src/report/explain.js";
import { run } from "../../src/run/run.js";
import type { DagSpec } from "../../src/spec/shape.js";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, null));
const leaf = { run: () => null };
/** Uneven arms: a fast arm into a slow node, a slow arm into a fast one. */
const uneven: DagSpec = {
  name: "uneven",
  nodes: {
    a: leaf,
    b: { ...leaf, needs: ["a"] },
    c: leaf,
    d: { ...leaf, needs: ["c"] },
    join: { ...leaf, needs: ["b", "d"] },
  },
};
const durationMs = { a: 100, b: 1000, c: 1000, d: 100, join: 50 };

describe("an explanation", () => {
  it("names the critical path, and who waits for whom under supersteps", () => {
    const found = explain(uneven, { source: "record", durationMs });
    expect(found).toEqual({
      layers: [["a", "c"], ["b", "d"], ["join"]],
      criticalPath: { names: ["a", "b", "join"], durationMs: 1150 },
      superstepsMs: 2050,
      waits: [{ node: "b", forNode: "c", waitMs: 900 }],
      loops: [],
    });
    expect(renderExplanation(found, "record")).toMatchInlineSnapshot(`
"Layers (3 supersteps)
  1  a, c
  2  b, d
  3  join

Critical path  a → b → join: 1.15 s
Supersteps     2.05 s
Dataflow       1.15 s: saves 0.900 s (44 %)

Under supersteps these wait although their needs have settled
  b waits 0.900 s for c

Times are those of the record."
`);
  });

  it("reckons a loop with all its rounds, and says so", () => {
    const inner: DagSpec = {
      name: "inner",
      nodes: { write: { instructions: "Write." }, judge: { ...leaf, needs: ["write"] } },
    };
    const repeat = { until: { node: "judge", equals: true }, maxRounds: 3 };
    const spec: DagSpec = { name: "loop", nodes: { revise: { dag: inner, repeat }, once: { dag: inner } } };
    const durations = estimatedDurations(spec);
    const found = explain(spec, durations);
    expect(durations.durationMs.revise).toBeCloseTo(3 * (durations.durationMs.once ?? 0));
    expect(found.criticalPath.names).toEqual(["revise"]);
    expect(found.superstepsMs).toBeCloseTo(durations.durationMs.revise ?? 0);
    expect(found.loops).toMatchObject([{ node: "revise", rounds: 3 }]);
    expect(renderExplanation(found, "estimate")).toMatch(/worst case\)\n {2}revise 3 rounds, \d/);
  });

  it("finds nothing to save in a graph of two even layers", () => {
    const spec: DagSpec = { name: "even", nodes: { a: leaf, b: leaf, c: { ...leaf, needs: ["a", "b"] } } };
    const found = explain(spec, { source: "record", durationMs: { a: 5, b: 10, c: 1 } });
    expect(found).toMatchObject({ superstepsMs: 11, criticalPath: { durationMs: 11 }, waits: [] });
  });

  it("knows that supersteps hold inside a graph node too, and names who waits there", () => {
    const spec: DagSpec = { name: "outer", nodes: { g: { dag: uneven }, end: { ...leaf, needs: ["g"] } } };
    const inner = { g: { source: "record" as const, durationMs } };
    const found = explain(spec, { source: "record", durationMs: { g: 2050, end: 10 }, inner });
    expect(found).toMatchObject({
      superstepsMs: 2060,
      criticalPath: { names: ["g", "end"], durationMs: 1160 },
      waits: [{ node: "g/b", forNode: "g/c", waitMs: 900 }],
    });
  });

  it("lets no node wait that never ran, and says when what waits is not on the critical path", () => {
    const { b: _, ...ran } = durationMs;
    expect(explain(uneven, { source: "record", durationMs: ran }).waits).toEqual([]);
    const even = { ...durationMs, b: 10, d: 900 };
    const found = explain(uneven, { source: "record", durationMs: even });
    expect(renderExplanation(found, "record")).toContain("saves nothing: no node of the critical path waits");
  });

  it("agrees with what really happened in both topologies", async () => {
    let begun = () => {};
    const bBegan = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const b = () => {
      begun();
      return pause(30);
    };
    const spec = (c: () => unknown): DagSpec => ({
      name: "real",
      nodes: { a: leaf, b: { run: b, needs: ["a"] }, c: { run: c }, d: { ...leaf, needs: ["c"] } },
    });
    // `c` goes on once `b` has begun: where a superstep held `b` back until `c` has settled, that would be never.
    const dag = spec(() => bBegan.then(() => pause(30)));
    const record = await run(dag, "x", { topology: "dataflow" });
    const { superstepsMs, criticalPath, waits } = explain(dag, recordedDurations(record));
    expect(criticalPath.durationMs).toBeCloseTo(record.criticalPathMs, 0);
    expect(superstepsMs).toBeGreaterThan(criticalPath.durationMs);
    expect(waits).toMatchObject([{ node: "b", forNode: "c" }]);
    const { outcomes } = await run(spec(leaf.run), "x", { topology: "deterministic" });
    expect(outcomes.b?.startedAtMs).toBeGreaterThanOrEqual(outcomes.c?.endedAtMs ?? Infinity);
  });
});
