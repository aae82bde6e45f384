import { describe, expect, it, jest } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import type { Topology } from "../../graphs/topology.js";
import { resume, run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import type { DagSpec } from "../../src/spec/shape.js";

const later = (ms: number, value: unknown) => () =>
  new Promise<unknown>((resolve) => {
    setTimeout(() => resolve(value), ms);
  });

/** Ends when it is stopped. */
const stopped = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    signal.addEventListener("abort", () => resolve(null));
  });

const inTurn = defineDag({
  name: "in-turn",
  nodes: {
    first: { approve: { message: "First?" } },
    second: { needs: ["first"], approve: { message: "Second?" } },
    done: { needs: ["second"], run: () => "done" },
  },
});
const nested = defineDag({ name: "nested", nodes: { inner: { dag: inTurn } } });
const sideBySide = defineDag({
  name: "side-by-side",
  nodes: {
    a: { approve: { message: "A?" } },
    b: { approve: { message: "B?" } },
    done: { needs: ["a", "b"], run: () => "done" },
  },
});

describe.each<Topology>(["sequential", "deterministic", "dataflow"])("in topology %s", (topology) => {
  const kept = () => ({ topology, checkpointer: new MemorySaver(), thread: "one" });
  const asked = (record: { interrupts: readonly { node: string }[] }) =>
    record.interrupts.map(({ node }) => node);

  it.each([
    ["one after another", inTurn, ["first", "second"]],
    ["one after another inside a graph", nested, ["inner/first", "inner/second"]],
  ] as [string, DagSpec, string[]][])(
    "takes a bare answer for each of two questions %s",
    async (_, spec, names) => {
      const options = kept();
      expect(asked(await run(spec, "x", options))).toEqual([names[0]]);
      expect(asked(await resume(spec, { ...options, answer: true }))).toEqual([names[1]]);
      expect(await resume(spec, { ...options, answer: true })).toMatchObject({
        state: "completed",
        output: "done",
      });
    },
  );

  it("refuses an answer that nothing waits for, and one for another node", async () => {
    const options = kept();
    await run(inTurn, "x", options);
    await expect(resume(inTurn, { ...options, answer: { frist: true } })).rejects.toThrow(
      /waits for an answer: "first", not for \{"frist":true\}/,
    );
    await resume(inTurn, { ...options, answer: true });
    await resume(inTurn, { ...options, answer: true });
    await expect(resume(inTurn, { ...options, answer: false })).rejects.toThrow(
      "The run waits for no answer.",
    );
    expect(await resume(inTurn, options)).toMatchObject({ state: "completed" });
  });

  it("counts what was done before the question in the times of a map and of a graph", async () => {
    const inner = defineDag({
      name: "inner",
      nodes: { slow: { run: later(20, 1) }, ok: { needs: ["slow"], approve: { message: "?" } } },
    });
    const spec = defineDag({
      name: "spans",
      nodes: {
        list: { run: () => ["only"] },
        map: { needs: ["list"], forEach: { node: "list" }, dag: inner },
        graph: { dag: inner },
        end: { needs: ["map", "graph"], run: () => "end" },
      },
    });
    const options = kept();
    let record = await run(spec, "x", options);
    while (record.state === "interrupted") {
      const answer = Object.fromEntries(asked(record).map((node) => [node, true]));
      record = await resume(spec, { ...options, answer });
    }
    expect(record.state).toBe("completed");
    const { graph, map } = record.outcomes;
    for (const [outer, within] of [
      [graph, graph.outcomes?.slow],
      [map, map.items?.[0]],
      [map.items?.[0], map.items?.[0]?.outcomes?.slow],
    ]) {
      expect(outer?.startedAtMs).toBeLessThanOrEqual(within?.startedAtMs ?? -1);
      expect(outer?.endedAtMs).toBeGreaterThanOrEqual(within?.endedAtMs ?? Infinity);
    }
    const { startedAtMs, endedAtMs } = graph.outcomes?.slow ?? {};
    expect(record.criticalPathMs).toBeGreaterThanOrEqual((endedAtMs ?? Infinity) - (startedAtMs ?? 0));
  });

  it("keeps what a graph's nodes came to when the graph takes too long", async () => {
    jest.useFakeTimers({
      doNotFake: ["nextTick", "setImmediate", "queueMicrotask", "performance", "Date", "hrtime"],
    });
    const inner = defineDag({
      name: "inner",
      nodes: {
        quick: { run: () => 1 },
        slow: {
          needs: ["quick"],
          run: ({ signal }) => {
            setImmediate(() => jest.advanceTimersByTime(30_000));
            return stopped(signal);
          },
        },
      },
    });
    const spec = defineDag({ name: "late", nodes: { g: { dag: inner, policy: { timeoutMs: 30_000 } } } });
    const record = await run(spec, "x", { topology }).finally(() => jest.useRealTimers());
    expect(record.outcomes.g).toMatchObject({
      state: "timed-out",
      error: { code: "NODE_TIMEOUT" },
      outcomes: { quick: { state: "completed", value: 1 }, slow: { state: "cancelled" } },
    });
  });
});

it("asks about questions side by side until each is answered", async () => {
  for (const topology of ["deterministic", "dataflow"] as const) {
    const options = { topology, checkpointer: new MemorySaver(), thread: "one" };
    await run(sideBySide, "x", options);
    const half = await resume(sideBySide, { ...options, answer: { a: true } });
    expect(half.interrupts.map(({ node }) => node)).toEqual(["b"]);
    expect(await resume(sideBySide, { ...options, answer: true })).toMatchObject({ state: "completed" });
  }
});
