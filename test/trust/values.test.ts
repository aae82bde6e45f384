import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import { RunnableLambda } from "@langchain/core/runnables";
import { interrupt, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { compile, type DagSpec, defineDag, resume, run } from "agent-dag";
import { scriptedModel } from "agent-dag/testing";
import { z } from "zod";
import { topologyNames } from "../../graphs/topology.js";
import { completedValue } from "../../src/records/outcome.js";
import { copyOf, jsonCopy } from "../../src/spec/json-value.js";
import { plannerModel } from "../planner/planner-model.js";
import fc from "../support/drawn.js";

const declared = ["sequential", "deterministic", "dataflow"] as const;

describe.each(declared)("a value, %s", (topology) => {
  it("is each reader's own: branches, attempts, items and the record see what was returned", async () => {
    let tries = 0;
    const spec = defineDag({
      name: "private",
      nodes: {
        rows: { run: (): any => ({ list: ["c", "a", "b"], deep: { n: 1 } }) },
        sorter: { needs: ["rows"], run: ({ needs }: any) => needs.rows.list.sort()[0] },
        writer: { needs: ["rows"], run: ({ needs }: any) => Object.assign(needs.rows.deep, { n: 2 }).n },
        drained: {
          needs: ["rows"],
          policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
          run({ needs }: any) {
            const first = needs.rows.list.shift();
            if (++tries === 1) throw new Error("once more");
            return first;
          },
        },
        items: {
          needs: ["rows"],
          forEach: { items: { node: "rows", path: "list" } },
          run: ({ item, needs }: any) => `${item}${needs.rows.list.reverse().join("")}`,
        },
        last: {
          needs: ["rows", "sorter", "writer", "drained", "items"],
          run: ({ needs }: any) => [needs.rows.list.join(""), needs.rows.deep.n],
        },
      },
    } as DagSpec);
    const options = { topology, checkpointer: new MemorySaver(), thread: "t" };
    const record = await run(spec, "x", options);
    expect(record.state).toBe("completed");
    expect(record.outcomes).toMatchObject({
      rows: { value: { list: ["c", "a", "b"], deep: { n: 1 } } },
      sorter: { value: "a" },
      drained: { value: "c", attempts: 2 },
      items: { value: ["cbac", "abac", "bbac"] },
      last: { value: ["cab", 1] },
    });
    expect((await resume(spec, options)).outcomes).toEqual(record.outcomes);
  });

  it("is fixed when it settles, whatever its producer does later", async () => {
    const shared = { n: 1 };
    const spec = defineDag({
      name: "later",
      nodes: {
        make: { run: () => shared },
        change: { needs: ["make"], run: () => Object.assign(shared, { n: 99 }).n },
        read: { needs: ["make", "change"], run: ({ needs }: any) => needs.make.n },
      },
    } as DagSpec);
    const record = await run(spec, "x", { topology });
    expect(record.outcomes).toMatchObject({ make: { value: { n: 1 } }, read: { value: 1 } });
  });

  it("cannot be changed through the input, the events or the context", async () => {
    const given = { list: ["b", "a"] };
    const spec = defineDag({
      name: "input",
      input: z.object({ list: z.array(z.string()) }),
      nodes: {
        first: { run: ({ input }) => input.list.sort()[0] },
        second: { needs: ["first"], run: ({ input }) => input.list[0] },
      },
    });
    const record = await run(spec, given, {
      topology,
      onEvent(event) {
        if (event.type === "node-settled") Object.assign(event.outcome, { value: "forged" });
      },
    });
    expect(record.outcomes).toMatchObject({ first: { value: "a" }, second: { value: "b" } });
    expect(record.input).toEqual({ list: ["b", "a"] });
    expect(given).toEqual({ list: ["b", "a"] });
  });
});

describe("what JSON cannot hold", () => {
  class Money {
    amount = 1;
  }
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  const revoked = (target: object = {}) => {
    const { proxy, revoke } = Proxy.revocable(target, {});
    revoke();
    return proxy;
  };
  const cases: [what: string, value: unknown, path: string][] = [
    ["a date", { at: new Date() }, "at"],
    ["a map", { a: [new Map()] }, "a[0]"],
    ["a set", new Set([1]), ""],
    ["a bigint", { n: 1n }, "n"],
    ["NaN", [1, Number.NaN], "[1]"],
    ["infinity", { deep: { n: -Infinity } }, "deep.n"],
    ["an error", { ok: false, error: new TypeError("bad") }, "error"],
    ["a promise inside", { rows: Promise.resolve([1]) }, "rows"],
    ["a response", new Response("{}"), ""],
    ["a class instance", { price: new Money() }, "price"],
    ["a function", { run: () => 1 }, "run"],
    ["a symbol", { s: Symbol("s") }, "s"],
    ["undefined in a list", [1, undefined], "[1]"],
    ["a hole in a list", Object.assign([], { length: 2 }), "[0]"],
    ["a cycle", loop, "self.self"],
    ["binary data", { data: new Uint8Array(2) }, "data"],
    ["an iterator", [1][Symbol.iterator](), ""],
    ["a property of a list", Object.assign([1], { extra: 2 }), "extra"],
    ["a boxed number", { n: Object(1) }, "n"],
    ["a regular expression", { pattern: /x/ }, "pattern"],
    ["a revoked proxy", { p: revoked() }, "p"],
    ["a revoked proxy itself", revoked(), ""],
    ["a revoked proxy of a function", { p: revoked(() => 1) }, "p"],
    ["a revoked proxy of a function itself", revoked(() => 1), ""],
    [
      "a getter that throws",
      { deep: Object.defineProperty({}, "x", { enumerable: true, get: () => revoked() }) },
      "deep",
    ],
  ];

  it.each(cases)("is refused with its path: %s", async (_, value, path) => {
    const spec = defineDag({ name: "odd", nodes: { make: { run: () => value } } } as DagSpec);
    const { outcomes } = await run(spec, "x");
    expect(outcomes.make).toMatchObject({ state: "failed", error: { code: "VALUE_NOT_JSON" } });
    if (path !== "") expect(JSON.stringify(outcomes.make)).toContain(path.split(".")[0]);
  });

  it.each(cases)("is refused as what `interrupt` asks, wherever it is asked: %s", async (_, value) => {
    const ask = () => void interrupt(value);
    const tool = { name: "t", schema: { type: "object", properties: {} }, invoke: async () => ask() };
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("asks", () => ask() ?? {})
      .addEdge(START, "asks")
      .compile({ checkpointer: true });
    const model = scriptedModel({ agent: [{ toolCalls: [{ name: "t" }] }] });
    const nodes = {
      sync: { run: ask },
      async: { run: async () => ask() },
      tool: { tool },
      agent: { instructions: "Call it.", tools: [tool] },
      runnable: { runnable: RunnableLambda.from(ask) },
      graph: { runnable: graph, input: () => ({ messages: [] }) },
    };
    const options = { checkpointer: new MemorySaver(), thread: "t", model };
    const { outcomes } = await run(defineDag({ name: "odd", nodes } as unknown as DagSpec), "x", options);
    for (const name of Object.keys(nodes)) {
      const { code, message } =
        outcomes[name]?.state === "failed" ? outcomes[name].error : { code: name, message: "" };
      expect(code).toBe("VALUE_NOT_JSON");
      expect(message).toMatch(/^The payload of `interrupt` is not JSON/);
    }
  });

  it("is refused as an input, an answer, a tool's arguments and an item's value too", async () => {
    const any = defineDag({ name: "any", input: z.any(), nodes: { a: { run: () => 1 } } });
    await expect(run(any, { v: new Set([1]) })).rejects.toMatchObject({ code: "INPUT_NOT_JSON" });
    await expect(run(any, { v: 1n })).rejects.toMatchObject({ code: "INPUT_NOT_JSON" });
    await expect(compile(any).invoke({ input: { v: new Date() } })).rejects.toMatchObject({
      code: "INPUT_NOT_JSON",
    });
    const asks = defineDag({ name: "asks", nodes: { ok: { approve: { message: "?" } } } });
    const options = { checkpointer: new MemorySaver(), thread: "t" };
    await run(asks, "x", options);
    await expect(resume(asks, { ...options, answer: { edit: new Map() } })).rejects.toMatchObject({
      code: "ANSWER_NOT_JSON",
    });
    const tool = { name: "t", invoke: async () => "called" };
    const calls = defineDag({
      name: "t",
      nodes: { a: { tool, args: () => ({ at: new Date() }) } },
    } as DagSpec);
    expect((await run(calls, "x")).outcomes.a).toMatchObject({ error: { code: "VALUE_NOT_JSON" } });
  });

  it("never changes what is kept: any JSON comes out as JSON.parse(JSON.stringify()) gives it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const copy = jsonCopy(value, "X", "It");
        expect(copy).toEqual(JSON.parse(JSON.stringify(value)));
        expect(copyOf(copy)).toEqual(copy);
      }),
    );
  });
});

describe("persisted values", () => {
  const odd = (): unknown[] => [
    { lc: 1, type: "constructor", id: ["acme", "Thing"], kwargs: {} },
    {
      lc: 1,
      type: "constructor",
      id: ["langchain_core", "messages", "HumanMessage"],
      kwargs: { content: "x" },
    },
    { lc: 2, type: "undefined" },
    { lc: 1, type: "secret", id: ["HOME"] },
    JSON.parse('{"__proto__":{"admin":true},"constructor":1,"toString":"x"}'),
    "\ud800 alone",
    { "agent-dag/json": "[1]" },
  ];

  it.each(topologyNames)("come back as they went in, %s", async (topology) => {
    const spec = defineDag({
      name: "opaque",
      input: z.any(),
      nodes: {
        a: { run: odd },
        map: { needs: ["a"], forEach: { items: { node: "a" } }, run: ({ item }: any) => item },
        inner: { needs: ["a"], dag: defineDag({ name: "in", input: z.any(), nodes: { x: { run: odd } } }) },
        ok: { needs: ["a", "map", "inner"], approve: { message: "?" } },
        b: { needs: ["a", "map", "inner", "ok"], run: ({ needs, input }: any) => ({ needs, input }) },
      },
      output: "b",
    } as DagSpec);
    const options = {
      topology,
      checkpointer: new MemorySaver(),
      thread: "t",
      model: plannerModel(({ tools, turn }) => {
        if (turn > 0) return "done";
        return tools.length > 0 ? [["b", "{}"]] : "1. b()\njoin()";
      }),
    };
    const input = { given: odd() };
    const first = await run(spec, input, options);
    expect(first.state).toBe("interrupted");
    const edit = odd()[0];
    const record = await resume(spec, { ...options, answer: { edit } });
    expect(record.state).toBe("completed");
    expect(JSON.stringify(completedValue(record.outcomes.b))).toBe(
      JSON.stringify({ needs: { a: odd(), map: odd(), inner: odd(), ok: edit }, input }),
    );
  });

  it("take no input for another, and resume every run that could start", async () => {
    const spec = defineDag({
      name: "dates",
      input: z.object({ at: z.coerce.date() }),
      nodes: {
        year: { run: ({ input }) => input.at.getUTCFullYear() },
        ok: { needs: ["year"], approve: { message: "?" } },
        month: { needs: ["ok"], run: ({ input }) => input.at.getUTCMonth() },
      },
      output: "month",
    });
    const options = { checkpointer: new MemorySaver(), thread: "t" };
    const input = { at: "2026-11-25" } as never;
    expect((await run(spec, input, options)).state).toBe("interrupted");
    await expect(run(spec, { at: "2025-01-01" } as never, options)).rejects.toMatchObject({
      code: "CHECKPOINT_MISMATCH",
    });
    expect((await resume(spec, { ...options, answer: true })).output).toBe(10);
  });
});

describe("an object that is no class's", () => {
  const read = (value: unknown) => jsonCopy(value, "VALUE_NOT_JSON", "It");
  const foreign = runInNewContext("({ a: 1 })");

  it.each([
    ["of another realm", foreign],
    ["without a prototype", Object.assign(Object.create(null), { a: 1 })],
    ["whose prototype is empty", Object.assign(Object.create(Object.create(null)), { a: 1 })],
  ])("is read: %s", (_, value) => {
    expect(read(value)).toEqual({ a: 1 });
  });

  it.each([
    ["of nothing's", Object.create(Object.assign(Object.create(null), { a: 1 }))],
    ["of an object's", Object.create({ a: 1 })],
  ])("is refused where it inherits fields, which JSON loses: %s", (_, value) => {
    expect(() => read(value)).toThrow(/is not JSON: it is an instance of/);
  });
});
