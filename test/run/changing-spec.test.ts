import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { compare, compile, type DagSpec, resume, run, runMany, stream } from "agent-dag";
import { createHandler } from "agent-dag/serve";

type Loose = any;

/** What an owner does to a spec of plain objects while a run of it goes on. */
const changes: Readonly<Record<string, (spec: Loose) => void>> = {
  "a node is taken away": ({ nodes }) => delete nodes.b,
  "all nodes are taken away": (spec) => {
    spec.nodes = {};
  },
  "a node is replaced": ({ nodes }) => {
    nodes.b = { needs: ["a"], run: () => "other" };
  },
  "a node's function is replaced": ({ nodes }) => {
    nodes.b.run = () => "other";
  },
  "a node gets a need": ({ nodes }) => {
    nodes.late = { run: () => 1 };
    nodes.b.needs.push("late");
  },
  "a circle is made": ({ nodes }) => nodes.a.needs.push("c"),
  "another output is chosen": (spec) => {
    spec.output = "a";
  },
  "it is named anew": (spec) => {
    spec.name = "other";
  },
};

const doors: Readonly<Record<string, (spec: DagSpec) => Promise<unknown>>> = {
  run: async (spec) => (await run(spec, "x")).output,
  "run, dataflow": async (spec) => (await run(spec, "x", { topology: "dataflow" })).output,
  stream: async (spec) => (await stream(spec, "x").record).output,
  resume: async (spec) => {
    const options = { checkpointer: new MemorySaver(), thread: "t" };
    const aborted = AbortSignal.abort();
    await run(spec, "x", { ...options, signal: aborted });
    return (await resume(spec, options)).output;
  },
  compile: async (spec) => (await compile(spec).invoke({ input: "x" })).output,
  compare: async (spec) => {
    const { topologies } = await compare(spec, "x", { topologies: ["sequential", "dataflow"] });
    const [first, second] = topologies.map(({ runs }) => runs[0]?.output);
    expect(second).toBe(first);
    return first;
  },
  runMany: async (spec) => {
    const outputs: unknown[] = [];
    for await (const { output } of runMany(spec, ["x", "y"], { concurrency: 1 })) outputs.push(output);
    expect(outputs[1]).toBe(outputs[0]);
    return outputs[0];
  },
  serve: async (spec) => {
    const handler = createHandler(spec);
    const body = JSON.stringify({ dag: "live", input: "x" });
    const headers = { "content-type": "application/json" };
    const response = await handler(new Request("http://localhost/runs", { method: "POST", body, headers }));
    return ((await response.json()) as { output: unknown }).output;
  },
};

describe.each(Object.entries(doors))("a spec that is changed while it runs, %s", (_door, output) => {
  it.each(Object.entries(changes))("is what it was when it began: %s", async (_what, change) => {
    let changed = false;
    const spec: DagSpec = {
      name: "live",
      nodes: {
        a: {
          needs: [],
          run: async () => {
            if (!changed) change(spec);
            changed = true;
            return "a";
          },
        },
        b: { needs: ["a"], run: ({ needs }) => `b<${(needs as Loose).a}>` },
        c: { needs: ["b"], run: ({ needs }) => `c<${(needs as Loose).b}>` },
      },
    };
    expect(await output(spec)).toBe("c<b<a>>");
    expect(changed).toBe(true);
  });
});

it("a spec that is frozen on the outside only is read once too, and read anew by the next run", async () => {
  const nodes: Loose = { a: { run: () => "a" } };
  const spec: DagSpec = Object.freeze({ name: "outside", nodes });
  expect((await run(spec, "x")).output).toBe("a");
  nodes.a = { needs: ["none"], run: () => "b" };
  await expect(run(spec, "x")).rejects.toThrow(/none/);
  nodes.a = { run: () => "c" };
  expect((await run(spec, "x")).output).toBe("c");
});

it("tools and runnables written as literals stay their owner's, and so does the spec", async () => {
  const counter = (): Loose => ({
    name: "counts",
    count: 0,
    async invoke() {
      return ++this.count;
    },
  });
  const [tool, runnable] = [counter(), counter()];
  const spec: DagSpec = { name: "own", nodes: { a: { tool, args: {} }, b: { runnable } } };
  for (const time of [1, 2]) expect((await run(spec, "x")).output).toEqual({ a: time, b: time });
  expect([tool.count, runnable.count, Object.isFrozen(spec), Object.isFrozen(spec.nodes.a)]).toEqual([
    2,
    2,
    false,
    false,
  ]);
});
