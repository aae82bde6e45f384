import { describe, expect, it } from "@jest/globals";
import { Annotation, END, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import { compile, type DagSpec, defineDag, resume, run } from "agent-dag";

/** A graph as it is written by hand: every node puts its value under its own name. */
function byHand(
  needs: Readonly<Record<string, readonly string[]>>,
  ran: string[],
  checkpointer: MemorySaver,
) {
  const state = Annotation.Root({
    input: Annotation<string>(),
    outcomes: Annotation<Record<string, { value: string }>>({
      reducer: (before, after) => ({ ...before, ...after }),
      default: () => ({}),
    }),
  });
  const graph = new StateGraph(state) as any;
  for (const [name, from] of Object.entries(needs)) {
    graph.addNode(name, (current: any) => {
      ran.push(name);
      const values = from.map((need) => current.outcomes[need].value);
      return { outcomes: { [name]: { value: `${name}<${values.join(",")}>` } } };
    });
    if (from.length === 0) graph.addEdge(START, name);
    else graph.addEdge(from.length === 1 ? from[0] : from, name);
  }
  const needed = new Set(Object.values(needs).flat());
  for (const name of Object.keys(needs)) if (!needed.has(name)) graph.addEdge(name, END);
  return graph.compile({ checkpointer });
}

function declared(needs: Readonly<Record<string, readonly string[]>>, ran: string[]) {
  const nodes = Object.fromEntries(
    Object.entries(needs).map(([name, from]) => [
      name,
      {
        needs: from,
        run: (ctx: any) => {
          ran.push(name);
          return `${name}<${from.map((need) => ctx.needs[need]).join(",")}>`;
        },
      },
    ]),
  );
  return defineDag({ name: "forked", nodes } as DagSpec);
}

const shapes: [string, Record<string, readonly string[]>, string, string][] = [
  ["a chain", { a: [], b: ["a"], c: ["b"] }, "b", "a"],
  ["a chain, edited later", { a: [], b: ["a"], c: ["b"] }, "c", "b"],
  ["a diamond", { a: [], l: ["a"], r: ["a"], d: ["l", "r"] }, "l", "a"],
  ["a wider shape", { a: [], z: [], b: ["a"], m: ["b", "z"], e: ["m"] }, "m", "b"],
];

const valuesOf = (outcomes: Record<string, any>) =>
  Object.fromEntries(Object.entries(outcomes).map(([name, outcome]) => [name, outcome.value]));

describe.each(shapes)(
  "going on from an older checkpoint does what a hand-written graph does: %s",
  (_, needs, next, edited) => {
    const config = { configurable: { thread_id: "t" } };

    async function fork(graph: any, ran: string[], edit: boolean) {
      await graph.invoke({ input: "x" }, config);
      let before: any;
      for await (const state of graph.getStateHistory(config)) if (state.next.includes(next)) before = state;
      ran.length = 0;
      const outcome = { ...before.values.outcomes[edited], value: "EDITED" };
      const from = edit
        ? await graph.updateState(before.config, { outcomes: { [edited]: outcome } }, edited)
        : before.config;
      const result = await graph.invoke(null, from);
      const after = await graph.getState(config);
      return { values: valuesOf(result.outcomes), ran: [...ran].sort(), next: after.next };
    }

    it.each([true, false])("edited: %s", async (edit) => {
      const handRan: string[] = [];
      const ourRan: string[] = [];
      const hand = await fork(byHand(needs, handRan, new MemorySaver()), handRan, edit);
      const graph = compile(declared(needs, ourRan), { checkpointer: new MemorySaver() });
      expect(await fork(graph, ourRan, edit)).toEqual(hand);
    });
  },
);

it("a breakpoint, an edit and going on use the edit, with a graph compiled anew", async () => {
  const needs = { a: [], b: ["a"], c: ["b"] };
  const config = { configurable: { thread_id: "t" } };
  const results = [];
  for (const kind of ["hand", "ours"]) {
    const ran: string[] = [];
    const checkpointer = new MemorySaver();
    const spec = declared(needs, ran);
    const make = (): any =>
      kind === "hand" ? byHand(needs, ran, checkpointer) : compile(spec, { checkpointer });
    await make().invoke({ input: "x" }, { ...config, interruptBefore: ["b"] });
    expect(ran).toEqual(["a"]);
    const { values, config: at } = await make().getState(config);
    await make().updateState(at, { outcomes: { a: { ...values.outcomes.a, value: "EDITED" } } });
    const result = await make().invoke(null, config);
    results.push([valuesOf(result.outcomes), ran]);
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[0]?.[0]).toEqual({ a: "EDITED", b: "b<EDITED>", c: "c<b<EDITED>>" });
});

it("what was run through `run` is forked through `compile`, and resumed through `resume`", async () => {
  const ran: string[] = [];
  const spec = declared({ a: [], b: ["a"], c: ["b"] }, ran);
  const checkpointer = new MemorySaver();
  await run(spec, "x", { checkpointer, thread: "t" });
  const graph: any = compile(spec, { checkpointer });
  const config = { configurable: { thread_id: "t" } };
  let before: any;
  for await (const state of graph.getStateHistory(config)) if (state.next.includes("b")) before = state;
  const edited = { ...before.values.outcomes.a, value: "E" };
  const at = await graph.updateState(before.config, { outcomes: { a: edited } }, "a");
  expect((await graph.invoke(null, at)).output).toBe("c<b<E>>");
  ran.length = 0;
  expect((await resume(spec, { checkpointer, thread: "t" })).output).toBe("c<b<E>>");
  expect(ran).toEqual([]);
});
