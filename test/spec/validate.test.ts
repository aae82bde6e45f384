import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { type DagIssue, DagValidationError } from "../../src/errors.js";
import { defineDag } from "../../src/spec/define.js";
import { validatePolicy } from "../../src/spec/policy-rules.js";
import { validate } from "../../src/spec/validate.js";
import { a, dag, mistakes, tool } from "./mistakes.js";

const places = (issues: readonly DagIssue[]) => issues.map(({ code, path }) => `${code} ${path}`);

describe("validate", () => {
  it.each(mistakes.map(([spec, code, path, says]) => ({ spec, code, path, says })))(
    "reports $code at $path, alone, with what is wrong and a hint",
    ({ spec, code, path, says }) => {
      const issues = validate(spec);
      expect(places(issues)).toEqual([`${code} ${path}`]);
      expect(`${issues[0]?.message} ${issues[0]?.hint}`).toMatch(says);
      expect(issues[0]?.hint).not.toBe("");
    },
  );

  it("finds arguments that contain themselves or lie too deep, wherever in the stack it is called", () => {
    const list: unknown[] = [];
    list.push(list);
    const own: { deeper?: unknown } = {};
    own.deeper = { and: [own] };
    let deep: unknown = "leaf";
    for (let level = 0; level <= 1000; level++) deep = { deep };
    const specs = [list, own, deep].flatMap((value) => [
      dag({ n: { tool, args: value } }),
      dag({ n: { input: value, dag: dag({ a }) } }),
    ]);
    const below = (frames: number, call: () => string[]): string[] =>
      frames === 0 ? call() : below(frames - 1, call);
    for (let frames = 0; frames < 600; frames += 7) {
      const found = below(frames, () => specs.flatMap((spec) => places(validate(spec))));
      expect(found).toEqual(specs.map((_, n) => `unreadable nodes.n.${n % 2 === 0 ? "args" : "input"}`));
    }
  });

  it("reports every mistake of a spec at once", () => {
    const spec = dag({
      a: { ...a, needs: ["c"], policy: { timeoutMs: -1 } },
      b: { needs: ["a", "bb"], instructions: "B.", join: { atLeast: 3 } },
      c: { needs: ["b"], dag: dag({ inner: { needs: ["inner"], instructions: "I." } }) },
    });
    expect(places(validate(spec)).sort()).toEqual([
      "cycle nodes.a.needs[0]",
      "join-above-needs nodes.b.join.atLeast",
      "out-of-bounds nodes.a.policy.timeoutMs",
      "self-need nodes.c.dag.nodes.inner.needs[0]",
      "unknown-need nodes.b.needs[1]",
    ]);
  });

  it("reports each of two cycles that share a node, once", () => {
    const spec = dag({
      hub: { ...a, needs: ["left", "right"] },
      left: { ...a, needs: ["hub"] },
      right: { ...a, needs: ["hub"] },
    });
    expect(validate(spec).map(({ message }) => /: (.*) \(/.exec(message)?.[1])).toEqual([
      "hub → left → hub",
      "hub → right → hub",
    ]);
  });

  it("reports a DAG that stands in two places once", () => {
    const shared = dag({ b: {} });
    expect(places(validate(dag({ one: { dag: shared }, two: { dag: shared } })))).toEqual([
      "no-kind nodes.one.dag.nodes.b",
    ]);
  });

  it("finds nothing wrong with every kind of node in every form", () => {
    const spec = dag(
      {
        agent: {
          ...a,
          output: { type: "object" },
          model: "openai:x",
          modelOptions: { temperature: 0 },
          tools: [tool],
          include: "needs",
        },
        live: { instructions: () => "Say.", model: { invoke: async () => "" } },
        fn: {
          run: () => 1,
          output: z.number(),
          needs: ["agent", "live"],
          join: { mode: "any", deadlineMs: 5 },
        },
        tool: {
          tool,
          needs: ["fn"],
          args: { q: { $ref: { node: "fn" } } },
          when: { node: "fn", equals: null },
        },
        each: {
          tool,
          forEach: { items: "tags", maxConcurrency: 2 },
          args: { q: { $ref: { item: true, path: "0.x" } } },
        },
        graph: {
          dag: dag({ a }, { policy: { retry: { retryOn: ["X"] }, hedge: { after: "p95" } } }),
          input: { $ref: { input: true, path: "tags.0" } },
          policy: { timeoutMs: 5, onError: "fail-fast" },
        },
        checkedTool: { tool, output: { type: "object" }, policy: { retry: { maxAttempts: 2 } } },
        coerced: {
          needs: ["fn"],
          dag: dag(
            { a },
            { input: z.object({ n: z.coerce.string(), m: z.string().transform(Number).optional() }) },
          ),
          input: { n: { $ref: { node: "fn" } }, m: "4" },
        },
        open: {
          dag: dag({ a }, { input: z.looseObject({ n: z.union([z.string(), z.number()]) }) }),
          input: { n: 3, extra: { $ref: { input: true } } },
        },
        ask: { approve: { message: "Go?" }, needs: ["fn", "tool"], join: { atLeast: 2 }, when: () => true },
      },
      { input: z.object({ tags: z.array(z.any()) }), output: "ask", policy: { deadlineMs: 5 }, version: 1 },
    );
    expect(validate(spec)).toEqual([]);
  });

  it("follows a chain of 20,000 nodes without running out of stack", () => {
    const nodes = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [`n${i}`, { ...a, needs: [`n${(i + 1) % 20_000}`] }]),
    );
    expect(validate(dag(nodes)).map(({ code }) => code)).toEqual(["cycle"]);
  });
});

describe("validatePolicy", () => {
  it("takes a deadline for a run and for a spec", () => {
    expect(validatePolicy({ deadlineMs: 5 }, "policy", { where: "run" })).toEqual([]);
    expect(validatePolicy({ deadlineMs: 5 }, "policy", { where: "spec" })).toEqual([]);
  });
});

describe("defineDag", () => {
  it("throws one error that carries every issue", () => {
    const declare = () => defineDag({ name: "x", nodes: { a: { instructions: "" }, b: {} } });
    expect(declare).toThrow(DagValidationError);
    expect(declare).toThrow(/The DAG "x" has 2 issues/);
  });

  it("freezes data, and leaves schemas, tools and models alone", () => {
    const schema = z.object({ a: z.string() });
    const model = {
      invoke: async () => "",
      stream: async () => (async function* () {})(),
      _llmType: () => "x",
    };
    const own = { ...tool, calls: 0 };
    const spec = {
      name: "x",
      nodes: { a: { ...a, output: schema, model, tools: [own], policy: { retry: { maxAttempts: 2 } } } },
    };
    const declared = defineDag(spec);
    expect(declared).toBe(spec);
    expect(
      [spec, spec.nodes, spec.nodes.a, spec.nodes.a.tools, spec.nodes.a.policy.retry].every(Object.isFrozen),
    ).toBe(true);
    expect([schema, model, own].some(Object.isFrozen)).toBe(false);
  });
});
