import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import type { Topology } from "../../graphs/topology.js";
import { resume, run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import type { DagSpec } from "../../src/spec/shape.js";

const soon = (value: unknown) => () =>
  new Promise<unknown>((resolve) => {
    setTimeout(() => resolve(value), 5);
  });

const first = defineDag({
  name: "first",
  nodes: {
    ask: { approve: { message: "Which?" } },
    fast: { run: soon("fast") },
    out: { needs: ["ask", "fast"], join: "any", run: ({ needs }) => needs.fast ?? needs.ask },
  },
});

const nested = defineDag({
  name: "nested",
  nodes: {
    inner: { dag: defineDag({ name: "inner", nodes: { ask: { approve: { message: "Which?" } } } }) },
    fast: { run: soon("fast") },
    out: { needs: ["inner", "fast"], join: "any", run: ({ needs }) => needs.fast ?? needs.inner },
  },
});

const behind = defineDag({
  name: "behind",
  nodes: {
    ask: { approve: { message: "Which?" } },
    use: { needs: ["ask"], run: ({ needs }) => needs.ask },
    fast: { run: soon("fast") },
    out: { needs: ["use", "fast"], join: "any", run: ({ needs }) => needs.fast ?? needs.use },
  },
});

// `use` becomes what waits, and what nobody needs, by one and the same outcome: that of `fast`.
const atOnce = defineDag({
  name: "at-once",
  nodes: {
    ask: { approve: { message: "Which?" } },
    fast: { run: soon("fast") },
    use: { needs: ["ask", "fast"], run: ({ needs }) => needs.ask },
    out: { needs: ["use", "fast"], join: "any", run: ({ needs }) => needs.fast ?? needs.use },
  },
});

const stillNeeded = defineDag({
  name: "still-needed",
  nodes: {
    ask: { approve: { message: "Which?" } },
    fast: { run: soon("fast") },
    out: { needs: ["ask", "fast"], join: "any", run: ({ needs }) => needs.fast ?? needs.ask },
    log: { needs: ["ask"], run: ({ needs }) => needs.ask },
  },
});

describe.each<Topology>(["deterministic", "dataflow"])("in topology %s", (topology) => {
  const kept = () => ({ topology, checkpointer: new MemorySaver(), thread: "one" });

  it.each([
    ["an approval", first, "ask", kept],
    ["an approval inside a graph", nested, "inner", kept],
    ["an approval behind what is not needed", behind, "ask", kept],
    ["what waits and is not needed from one moment on", atOnce, "use", kept],
  ] as [string, DagSpec, string, () => object][])(
    "does not wait for an answer that nobody needs any more: %s",
    async (_, spec, asking, options) => {
      const record = await run(spec, "x", options());
      expect(record).toMatchObject({ state: "completed", output: "fast", interrupts: [], error: null });
      expect(record.outcomes[asking]).toMatchObject({ state: "cancelled", reason: { code: "not-needed" } });
    },
  );

  it("runs each node once, also where LangGraph had stopped at the question", async () => {
    let runs = 0;
    const spec = defineDag({
      ...first,
      nodes: {
        ...first.nodes,
        fast: {
          run: () => {
            runs++;
            return soon("fast")();
          },
        },
      },
    } as DagSpec);
    const options = kept();
    const record = await run(spec, "x", options);
    expect(record.events.filter((event) => event.type === "node-started").map(({ node }) => node)).toEqual([
      "ask",
      "fast",
      "out",
    ]);
    expect((await resume(spec, options)).output).toBe("fast");
    expect(runs).toBe(1);
  });

  it("still waits where another node needs the answer", async () => {
    const options = kept();
    const asked = await run(stillNeeded, "x", options);
    expect(asked).toMatchObject({ state: "interrupted", interrupts: [{ node: "ask" }] });
    const answered = await resume(stillNeeded, { ...options, answer: { edit: "mine" } });
    expect(answered).toMatchObject({ state: "completed", output: { log: "mine" } });
  });
});
