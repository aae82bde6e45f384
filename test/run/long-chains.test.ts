import { expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { criticalPath } from "../../src/records/critical-path.js";
import { type RunDagOptions, run } from "../../src/run/run.js";
import type { DagSpec } from "../../src/spec/shape.js";

const length = 12_000;
const indexes = Array.from({ length }, (_, i) => i);
const soon = (value: unknown) => () =>
  new Promise<unknown>((resolve) => {
    setTimeout(() => resolve(value), 5);
  });
const dataflow = (nodes: unknown, options: RunDagOptions = {}) =>
  run({ name: "long", nodes } as DagSpec, "x", { topology: "dataflow", ...options });

// Chains longer than calls can nest.
it("runs a chain of thousands, declared from its end", async () => {
  const chain = Object.fromEntries(
    indexes
      .map((i) => [`n${i}`, { ...(i > 0 && { needs: [`n${i - 1}`] }), run: (): number => i }] as const)
      .reverse(),
  );
  const record = await dataflow(chain);
  expect(record).toMatchObject({ state: "completed", output: length - 1 });
});

it("tells what went wrong at the beginning of a chain of thousands", async () => {
  const chain = Object.fromEntries(
    indexes.map((i) => [
      `n${i}`,
      {
        ...(i > 0 && { needs: [`n${i - 1}`] }),
        run: () => {
          throw new Error("no luck");
        },
      },
    ]),
  );
  const { state, error } = await dataflow(chain);
  expect([state, error?.message]).toEqual([
    "failed",
    expect.stringMatching(/What went wrong: "n0" failed .*no luck/),
  ]);
});

it("finds the critical path of thousands, last span first", () => {
  const spans = indexes
    .map((i) => ({
      name: `n${i}`,
      needs: i === 0 ? [] : [`n${i - 1}`],
      readyAtMs: i,
      startedAtMs: i,
      endedAtMs: i + 1,
    }))
    .reverse();
  const path = criticalPath(spans);
  expect(path.durationMs).toBe(length);
  expect(path.names).toHaveLength(length);
});

it("holds a chain of thousands behind a question", async () => {
  const chain = Object.fromEntries(
    indexes.map((i) => [`n${i}`, { needs: [i === 0 ? "ask" : `n${i - 1}`], run: () => i }]),
  );
  const nodes = { ask: { approve: { message: "Go on?" } }, ...chain };
  const record = await dataflow(nodes, { checkpointer: new MemorySaver(), thread: "long" });
  expect(record.state).toBe("interrupted");
  expect(record.outcomes[`n${length - 1}`]).toMatchObject({ reason: { code: "waiting" } });
});

it("lets go of a chain of thousands that only a decided join would have needed", async () => {
  const chain = Object.fromEntries(
    indexes.map((i) => [
      `n${i}`,
      i === 0 ? { run: () => new Promise(() => {}) } : { needs: [`n${i - 1}`], run: () => i },
    ]),
  );
  const record = await dataflow({
    ...chain,
    fast: { run: soon("fast") },
    out: { needs: [`n${length - 1}`, "fast"], join: "any", run: () => "out" },
  });
  expect(record).toMatchObject({ state: "completed", output: "out" });
  expect(record.outcomes.n0).toMatchObject({ state: "cancelled", reason: { code: "not-needed" } });
});
