import { expect, it } from "@jest/globals";
import { getContextVariable, setContextVariable } from "@langchain/core/context";
import { RunnableLambda } from "@langchain/core/runnables";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import {
  Annotation,
  Command,
  END,
  getConfig,
  interrupt,
  MemorySaver,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { lightSteps } from "../../graphs/langgraph/light-steps.js";

const State = Annotation.Root({
  input: Annotation<string>(),
  said: Annotation<Record<string, unknown>>({ reducer: (a, b) => ({ ...a, ...b }), default: () => ({}) }),
});

type Body = (name: string, config: any) => unknown;

/** Two nodes that one merges, and one after it. */
function graphOf(body: Body = (name) => name, options: object = {}): any {
  const graph = new StateGraph(State);
  const add = (name: string) =>
    graph.addNode(name, async (_state: unknown, config: unknown) => ({
      said: { [name]: await body(name, config) },
    }));
  for (const name of ["a", "b", "merge", "last"]) add(name);
  const wired = graph as any;
  wired
    .addEdge(START, "a")
    .addEdge(START, "b")
    .addEdge(["a", "b"], "merge")
    .addEdge("merge", "last")
    .addEdge("last", END);
  return wired.compile(options);
}

const all = async (stream: AsyncIterable<unknown>) => {
  const seen: unknown[] = [];
  for await (const one of stream) seen.push(one);
  return seen;
};

it("a graph gives, streams and persists the same with light steps as without", async () => {
  const told = async (graph: any, saver: MemorySaver) => {
    const config = { configurable: { thread_id: "t" } };
    const streamed = await all(
      await graph.stream({ input: "x" }, { ...config, streamMode: ["values", "updates", "tasks"] }),
    );
    const checkpoints: unknown[] = [];
    for await (const { checkpoint, metadata, pendingWrites } of saver.list(config)) {
      // Two tasks of one step are kept in the order of their random ids.
      const writes = pendingWrites?.map(([, channel, value]) => JSON.stringify([channel, value])).sort();
      checkpoints.push([checkpoint.channel_values, checkpoint.channel_versions, metadata, writes]);
    }
    const withoutIds = JSON.stringify([streamed, checkpoints], (key, value) => (key === "id" ? "id" : value));
    return withoutIds.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "id");
  };
  const [plain, light] = [new MemorySaver(), new MemorySaver()];
  const expected = await told(graphOf(undefined, { checkpointer: plain }), plain);
  const graph = lightSteps(graphOf(undefined, { checkpointer: light })) as any;
  expect(await told(graph, light)).toBe(expected);
  expect(expected).toContain('"merge"');
  // And they are light: LangGraph's own step is a sequence.
  for (const name of ["__start__", "a", "merge", "last"])
    expect(graph.nodes[name].getNode()).not.toHaveProperty("first");
});

it("what runs within a node finds the node's own config, and questions can be asked there", async () => {
  const body: Body = async (name, config) => {
    await Promise.resolve();
    return [getConfig()?.metadata?.langgraph_node, getConfig() === config, name];
  };
  const { said } = await (lightSteps(graphOf(body)) as any).invoke({ input: "x" });
  expect(said).toMatchObject({ a: ["a", true, "a"], b: ["b", true, "b"], merge: ["merge", true, "merge"] });

  const asking = lightSteps(
    graphOf((name) => (name === "b" ? interrupt("which?") : name), { checkpointer: new MemorySaver() }),
  ) as any;
  const config = { configurable: { thread_id: "t" } };
  expect(await asking.invoke({ input: "x" }, config)).toMatchObject({ __interrupt__: [{ value: "which?" }] });
  expect((await asking.invoke(new Command({ resume: "this" }), config)).said).toMatchObject({
    b: "this",
    last: "last",
  });
});

it("the LangSmith run that a node is given is LangChain's, one a node", async () => {
  const seen: any[] = [];
  const body: Body = () => {
    const run: any = AsyncLocalStorageProviderSingleton.getInstance().getStore();
    seen.push(run);
    const child = run.createChild({ name: "child" });
    return [
      run.tracingEnabled,
      run instanceof Object.getPrototypeOf(run).constructor,
      child.parent_run.id === run.id,
      "id" in run,
    ];
  };
  const { said } = await (lightSteps(graphOf(body)) as any).invoke({ input: "x" });
  expect(said.a).toEqual([false, true, true, true]);
  expect(new Set(seen.map((run) => run.id)).size).toBe(4);
});

it("context variables of LangChain reach a node, and stay in it", async () => {
  setContextVariable("tenant", "around");
  const body: Body = (name) => {
    const found = getContextVariable("tenant");
    setContextVariable("tenant", name);
    return [found, getContextVariable("tenant"), getConfig()?.metadata?.langgraph_node];
  };
  const plain = await graphOf(body).invoke({ input: "x" });
  const light = await (lightSteps(graphOf(body)) as any).invoke({ input: "x" });
  expect(light.said).toEqual(plain.said);
  expect(light.said.b).toEqual(["around", "b", expect.anything()]);
});

it("callbacks hear of every step that LangGraph would tell of", async () => {
  const heard = async (graph: any) => {
    const events: string[] = [];
    const handler = {
      handleChainStart: (...given: any[]) => void events.push(`start ${given[7]} ${given[4]?.join()}`),
      handleChainEnd: (output: unknown) => void events.push(`end ${JSON.stringify(output)}`),
    };
    await graph.invoke({ input: "x" }, { callbacks: [handler] });
    return events;
  };
  const expected = await heard(graphOf());
  expect(expected.length).toBeGreaterThan(8);
  expect(await heard(lightSteps(graphOf()))).toEqual(expected);
});

it("conditional edges, writers that are not known and parts that moved are left to LangGraph", async () => {
  const chosen: any = new StateGraph(State)
    .addNode("a", () => ({ said: { a: "a" } }))
    .addNode("b", () => ({ said: { b: "b" } }))
    .addEdge(START, "a")
    .addConditionalEdges("a", () => "b", ["b"])
    .addEdge("b", END)
    .compile();
  expect((await (lightSteps(chosen) as any).invoke({ input: "x" })).said).toEqual({ a: "a", b: "b" });
  expect(chosen.nodes.a.getNode()).toHaveProperty("first");

  const added = graphOf();
  const passed: unknown[] = [];
  added.nodes.a.writers.push(
    RunnableLambda.from((update: object) => {
      passed.push(update);
      return update;
    }),
  );
  expect((await (lightSteps(added) as any).invoke({ input: "x" })).said).toMatchObject({ last: "last" });
  expect(passed).toEqual([{ said: { a: "a" } }]);

  const moved = graphOf();
  moved.nodes.b.writers[0].writes[0].mapper = undefined;
  lightSteps(moved);
  expect(moved.nodes.b.getNode()).toHaveProperty("first");
  await expect(moved.invoke({ input: "x" })).rejects.toThrow("Invalid write entry");
});
