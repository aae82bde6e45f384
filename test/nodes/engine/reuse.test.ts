import { describe, expect, it } from "@jest/globals";
import { createReuse } from "../../../nodes/engine/reuse.js";
import type { CallRecord, RunEvent } from "../../../src/records/events.js";
import type { Outcome, Outcomes } from "../../../src/records/outcome.js";
import type { RunRecord } from "../../../src/records/record.js";
import { nodeWork } from "../../../src/records/work-id.js";
import type { DagSpec, Node } from "../../../src/spec/shape.js";
import { broken, dag, done, one, past, recordOf, reuseOf } from "../../support/past-records.js";

describe("without an earlier record", () => {
  it("nothing is spared", () => {
    const reuse = createReuse(undefined, "x");
    expect(reuse.node({ spec: one, prefix: "", frontier: { outcomes: {} } }, "a", 1)).toBeUndefined();
    expect(reuse.item(nodeWork("a"), 1, 1)).toBeUndefined();
    expect(reuse.usageOf(nodeWork("a"), done(1))).toBeNull();
  });
});

describe("a node's outcome", () => {
  it("is taken over as a copy that cost no time", () => {
    const value = { deep: ["a"] };
    const taken = reuseOf(one, { outcomes: { a: done(value) } }).ask("a");
    expect(taken).toEqual({
      state: "completed",
      value,
      readyAtMs: 9,
      startedAtMs: null,
      endedAtMs: 9,
      attempts: 0,
      reused: true,
    });
    expect((taken as { value: object }).value).not.toBe(value);
  });

  it.each<[string, Outcome | undefined]>([
    ["was not there", undefined],
    ["failed", broken],
    ["has an item that failed", done([1, null], { items: [done(1), broken] })],
  ])("is not when it %s", (_, outcome) => {
    expect(reuseOf(one, { outcomes: outcome === undefined ? {} : { a: outcome } }).ask("a")).toBeUndefined();
  });

  it("is when all its items completed", () => {
    expect(reuseOf(one, { outcomes: { a: done([1], { items: [done(1)] }) } }).ask("a")?.reused).toBe(true);
  });

  it("is not of a graph that the earlier run did not have", () => {
    expect(reuseOf(one, past).ask("a", {}, "elsewhere/")).toBeUndefined();
  });

  it("is asked for under an input of undefined as under null", () => {
    const reuse = createReuse(recordOf(one, { ...past, input: null }), undefined);
    expect(reuse.node({ spec: one, prefix: "", frontier: { outcomes: {} } }, "a", 9)?.reused).toBe(true);
  });
});

describe("a declaration", () => {
  const other = (node: Node, more: Partial<DagSpec> = {}) =>
    reuseOf(one, past, dag({ a: node }, more)).ask("a");

  it.each<[string, Node]>([
    ["other instructions", { instructions: "B" }],
    ["another kind", { run: () => "said" }],
    ["a model of its own", { instructions: "A", model: "offline" }],
  ])("with %s is asked again", (_, node) => expect(other(node)).toBeUndefined());

  it.each<[string, Node]>([
    ["another description", { instructions: "A", description: "New." }],
    ["another policy", { instructions: "A", policy: { timeoutMs: 5 } }],
  ])("with %s is spared", (_, node) => expect(other(node)?.reused).toBe(true));

  it("inherits the spec's model where it is an agent without one", () => {
    expect(other({ instructions: "A" }, { model: "offline" })).toBeUndefined();
    const own = dag({ a: { instructions: "A", model: "offline" } });
    expect(reuseOf(own, past, { ...own, model: "openai:x" }).ask("a")?.reused).toBe(true);
  });

  it("of a function inherits it only where that had asked a model", () => {
    const code = dag({ a: { run: () => 1 } });
    const now = { ...code, model: "offline" };
    expect(reuseOf(code, past, now).ask("a")?.reused).toBe(true);
    const calls = (node: string) => [{ ...nodeWork(node) }];
    expect(reuseOf(code, { ...past, calls: calls("a") }, now).ask("a")).toBeUndefined();
    expect(reuseOf(code, { ...past, calls: calls("a/inner") }, now).ask("a")).toBeUndefined();
    expect(reuseOf(code, { ...past, calls: [...calls("b"), ...calls("c")] }, now).ask("a")?.reused).toBe(
      true,
    );
    expect(reuseOf(code, { ...past, calls: [...calls("b"), ...calls("a")] }, now).ask("a")).toBeUndefined();
  });

  it("of an approval inherits nothing", () => {
    const asks = dag({ a: { approve: { message: "Well?" } } as Node });
    expect(
      reuseOf(asks, { ...past, calls: [nodeWork("a")] }, { ...asks, model: "offline" }).ask("a")?.reused,
    ).toBe(true);
  });

  it("of an older record is known by its whole hash", () => {
    const record = recordOf(one, past);
    const { valueHash: _, ...node } = record.dag.nodes.a as NonNullable<(typeof record.dag.nodes)[string]>;
    const { declared: __, ...old } = record.dag;
    const older = { ...record, dag: { ...old, nodes: { a: node } } } as RunRecord;
    expect(reuseOf(one, past, one, "x", older).ask("a")?.reused).toBe(true);
    const described = dag({ a: { instructions: "A", description: "New." } });
    expect(reuseOf(one, past, described, "x", older).ask("a")).toBeUndefined();
  });
});

describe("a need", () => {
  const both = (join?: Node["join"]): DagSpec =>
    dag({
      a: { instructions: "A" },
      b: { instructions: "B" },
      c: { needs: ["a", "b"], instructions: "C", ...(join !== undefined && { join }) },
    });
  const outcomes = { a: done({ n: 1, m: 2 }), b: broken, c: done("c") };
  const asked = (now: Outcomes, join: Node["join"] = "settled") =>
    reuseOf(both(join), { outcomes }).ask("c", now);

  it("with the same value, however its keys are ordered, spares the node", () => {
    expect(asked({ a: done({ m: 2, n: 1 }), b: broken })?.reused).toBe(true);
  });

  it.each<[string, Outcomes]>([
    ["has another value", { a: done({ n: 2, m: 2 }), b: broken }],
    ["completed now", { a: outcomes.a, b: done(null) }],
    ["did not complete now", { a: broken, b: broken }],
    ["is missing", {}],
  ])("that %s has it run again", (_, now) => expect(asked(now)).toBeUndefined());

  it("that had come to nothing, and fails now, has it run again", () => {
    const spec = both("settled");
    const before = { outcomes: { ...outcomes, b: done(null) } };
    expect(reuseOf(spec, before).ask("c", { a: outcomes.a, b: done(null) })?.reused).toBe(true);
    expect(reuseOf(spec, before).ask("c", { a: outcomes.a, b: broken })).toBeUndefined();
  });

  it("of a join that counts is looked at only where it completed", () => {
    const first = { outcomes: { a: done(1), b: broken, c: done("c") } };
    const counted = (now: Outcomes) => reuseOf(both("any"), first).ask("c", now);
    expect(counted({ a: done(1) })?.reused).toBe(true);
    expect(counted({ b: broken })?.reused).toBe(true);
    expect(counted({ a: done(2) })).toBeUndefined();
    expect(counted({ b: done(1) })).toBeUndefined();
  });
});

describe("another input", () => {
  const spared = (node: Node, needs: Record<string, Node> = { n: { instructions: "N" } }) => {
    const spec = dag({ ...needs, a: node });
    const outcomes = { n: done([1]), a: done(1) };
    return reuseOf(spec, { outcomes }, spec, "y").ask("a")?.reused === true;
  };
  const tool = { name: "t", description: "T", parameters: {}, run: () => 1 };
  const inner = dag({ p: { instructions: "P" } });

  it.each<[string, Node]>([
    ["an agent", { instructions: "A" }],
    ["an agent that includes all", { needs: ["n"], instructions: "A", include: "both" }],
    ["instructions that are code", { needs: ["n"], instructions: () => "A", include: "needs" }],
    ["a condition that is code", { needs: ["n"], instructions: "A", include: "needs", when: () => true }],
    [
      "a condition on it",
      { needs: ["n"], instructions: "A", include: "needs", when: { input: true, exists: true } as never },
    ],
    [
      "a condition on it among others",
      {
        needs: ["n"],
        instructions: "A",
        include: "needs",
        when: { not: { input: true, exists: true } } as never,
      },
    ],
    [
      "a condition on it in a list",
      {
        needs: ["n"],
        instructions: "A",
        include: "needs",
        when: {
          all: [
            { node: "n", exists: true },
            { input: true, exists: true },
          ],
        } as never,
      },
    ],
    ["a function", { needs: ["n"], run: () => 1 }],
    ["a runnable", { needs: ["n"], run: { invoke: async () => 1 } } as unknown as Node],
    [
      "a tool whose arguments read it",
      { needs: ["n"], tool, args: { q: { $ref: { input: true } } } } as unknown as Node,
    ],
    ["a tool whose arguments are code", { needs: ["n"], tool, args: () => ({}) } as unknown as Node],
    ["a graph that passes it on", { needs: ["n"], dag: inner }],
    [
      "a graph whose input reads it",
      { needs: ["n"], dag: inner, input: { $ref: { input: true } } } as unknown as Node,
    ],
    ["an approval that shows it", { approve: { message: "Well?" } } as unknown as Node],
  ])("runs %s again", (_, node) => expect(spared(node)).toBe(false));

  it.each<[string, Node]>([
    ["an agent that includes its needs only", { needs: ["n"], instructions: "A", include: "needs" }],
    ["an agent that maps over a need", { needs: ["n"], instructions: "A", forEach: { node: "n" } }],
    [
      "a condition on a need",
      { needs: ["n"], instructions: "A", include: "needs", when: { node: "n", exists: true } as never },
    ],
    [
      "a tool with arguments of its own",
      { needs: ["n"], tool, args: { q: 1, deep: [null, "input"] } } as unknown as Node,
    ],
    [
      "a tool whose arguments read a need",
      { needs: ["n"], tool, args: { q: { $ref: { node: "n" } } } } as unknown as Node,
    ],
    [
      "a graph whose input reads a need",
      { needs: ["n"], dag: inner, input: { $ref: { node: "n" } } } as unknown as Node,
    ],
    ["a graph that maps over a need", { needs: ["n"], dag: inner, forEach: { node: "n" } }],
    ["an approval of a need", { needs: ["n"], approve: { message: "Well?" } } as unknown as Node],
  ])("spares %s", (_, node) => expect(spared(node)).toBe(true));

  it("runs an agent again that maps over it", () => {
    expect(spared({ instructions: "A", forEach: { input: true } as never })).toBe(false);
    expect(spared({ instructions: "A", forEach: "rows" as never })).toBe(false);
  });
});

describe("inside a graph node", () => {
  const inner = dag({ p: { instructions: "P" }, q: { needs: ["p"], instructions: "Q" } }, { name: "inner" });
  const spec = dag({ n: { run: () => 1 }, g: { needs: ["n"], dag: inner } });
  const half = { ...broken, outcomes: { p: done("p"), q: broken } } as unknown as Outcome;

  it("what completed is spared, when the graph itself has to be run again", () => {
    const reuse = reuseOf(spec, { outcomes: { n: done(1), g: half } });
    expect(reuse.ask("p", {}, "g/", inner)).toBeUndefined();
    expect(reuse.ask("g")).toBeUndefined();
    expect(reuse.ask("p", {}, "g/", inner)?.reused).toBe(true);
    expect(reuse.ask("q", { p: done("p") }, "g/", inner)).toBeUndefined();
  });

  it("nothing is when a need of the graph changed", () => {
    const reuse = reuseOf(spec, { outcomes: { n: done(1), g: half } });
    expect(reuse.ask("g", { n: done(2) })).toBeUndefined();
    expect(reuse.ask("p", {}, "g/", inner)).toBeUndefined();
  });

  it("nothing is of a graph that left no outcomes", () => {
    const reuse = reuseOf(spec, { outcomes: { n: done(1), g: broken } });
    expect(reuse.ask("g")).toBeUndefined();
    expect(reuse.ask("p", {}, "g/", inner)).toBeUndefined();
  });
});

describe("what a reused outcome had cost", () => {
  const call = (node: string, item: number | null, inputTokens: number) =>
    ({
      ...nodeWork(node),
      item,
      id: `${node}${item}`,
      inputTokens,
      outputTokens: 1,
      cachedInputTokens: 0,
      costUsd: 0,
      error: null,
      startedAtMs: 0,
      durationMs: 1,
    }) as unknown as CallRecord;
  const spec = dag({
    n: { run: () => [] },
    a: { needs: ["n"], forEach: { node: "n" }, instructions: "A" } as Node,
  });
  const outcomes = { n: done(["p", "q"]), a: done(["P", "Q"], { items: [done("P"), done("Q")] }) };
  const earlierCost = { modelCalls: 3, inputTokens: 100, outputTokens: 5, cachedInputTokens: 0, costUsd: 0 };
  const events = [
    { type: "node-settled", ...nodeWork("n"), reused: { ...earlierCost, inputTokens: 1000 } },
    { type: "node-settled", ...nodeWork("a"), item: 1, reused: earlierCost },
    { type: "node-settled", ...nodeWork("a") },
    { type: "node-ready", ...nodeWork("a") },
  ] as unknown as RunEvent[];
  const before = { outcomes, calls: [call("a", 0, 10), call("a", 1, 20), call("n", null, 40)], events };

  it("is that of all its calls, and of what it had itself taken over", () => {
    const reuse = reuseOf(spec, before);
    const taken = reuse.ask("a") as Outcome;
    expect(reuse.usageOf(nodeWork("a"), taken)).toMatchObject({ modelCalls: 5, inputTokens: 130 });
  });

  it("is an item's own, by the place where it stood", () => {
    const reuse = reuseOf(spec, before);
    reuse.ask("a", { n: done(["q"]) });
    const key = { ...nodeWork("a"), item: 0 };
    const taken = reuse.item(key, "q", 5) as Outcome;
    expect(reuse.usageOf(key, taken)).toMatchObject({ modelCalls: 4, inputTokens: 120 });
  });

  it("of a planner's call is told with its node, of an item of it by itself", () => {
    const reuse = reuseOf(spec, before);
    const taken = reuse.ask("a") as Outcome;
    const called = { ...nodeWork("a"), invocation: 0 };
    expect(reuse.usageOf(called, taken)).toBeNull();
    expect(reuse.usageOf({ ...called, item: 0 }, taken)).not.toBeNull();
  });

  it("is nothing for what was not reused", () => {
    expect(reuseOf(spec, before).usageOf(nodeWork("a"), done(1))).toBeNull();
  });
});
