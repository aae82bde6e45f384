import { expect, it } from "@jest/globals";
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";
import {
  Annotation,
  END,
  GraphInterrupt,
  interrupt,
  MemorySaver,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { privateNames } from "../../graphs/langgraph/private-names.js";

const state = Annotation.Root({ text: Annotation<string>() });
const graphOf = (node: (state: any, config: any) => any, checkpointer?: MemorySaver): any =>
  new StateGraph(state)
    .addNode("only", node)
    .addEdge(START, "only")
    .addEdge("only", END)
    .compile(checkpointer === undefined ? {} : { checkpointer });

it("every way of calling a graph goes through its private iterator", async () => {
  const graph = graphOf(() => ({ text: "done" }));
  let calls = 0;
  const iterate = graph[privateNames.iterate].bind(graph);
  graph[privateNames.iterate] = (...args: unknown[]) => {
    calls++;
    return iterate(...args);
  };
  await graph.invoke({ text: "a" });
  for await (const _ of await graph.stream({ text: "a" }));
  await graph.batch([{ text: "a" }]);
  expect(calls).toBe(3);
});

it("hands its checkpointer down in the config, under the name that is known", async () => {
  let seen: unknown;
  const checkpointer = new MemorySaver();
  const graph = graphOf((_, config) => {
    seen = config.configurable[privateNames.checkpointer];
    return { text: "done" };
  }, checkpointer);
  await graph.invoke({ text: "a" }, { configurable: { thread_id: "t" } });
  expect(seen).toBe(checkpointer);
});

it("reads the answers of `interrupt` from the scratchpad of the config", () => {
  const surroundings = (resume: unknown[]) => ({
    configurable: {
      [privateNames.scratchpad]: { interruptCounter: -1, resume, consumeNullResume: () => undefined },
      [privateNames.checkpointer]: new MemorySaver(),
      [privateNames.checkpointNamespace]: "",
    },
  });
  const within = (resume: unknown[]) =>
    AsyncLocalStorageProviderSingleton.runWithConfig(surroundings(resume) as any, () => [
      interrupt("first"),
      interrupt("second"),
    ]);
  expect(within([1, 2])).toEqual([1, 2]);
  expect(() => within([1])).toThrow(GraphInterrupt);
});

it("puts a run's input into the channel of that name before the first step", async () => {
  const checkpointer = new MemorySaver();
  await graphOf(() => ({ text: "done" }), checkpointer).invoke(
    { text: "a" },
    { configurable: { thread_id: "t" } },
  );
  const all = [];
  for await (const tuple of checkpointer.list({ configurable: { thread_id: "t" } })) all.push(tuple);
  expect(all.at(-1)?.checkpoint.channel_values[privateNames.start]).toEqual({ text: "a" });
});

it("tells what a graph waits for under the name that is known", async () => {
  const graph = graphOf(() => ({ text: interrupt("why?") }), new MemorySaver());
  const result = await graph.invoke({ text: "a" }, { configurable: { thread_id: "t" } });
  expect(result[privateNames.interrupt]).toMatchObject([{ value: "why?" }]);
});
