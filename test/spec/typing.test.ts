import { describe, expect, it } from "@jest/globals";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { expectTypeOf } from "expect-type";
import { z } from "zod";
import { defineDag, node } from "../../src/spec/define.js";
import type { Ctx, DagSpec } from "../../src/spec/shape.js";
import type { InputOf, OutputOf } from "../../src/spec/values.js";
import {
  chosenNodes,
  type Label,
  outer,
  review,
  search,
  throws,
  type ValueAt,
} from "../support/typed-graphs.js";

describe("the types of a declared DAG", () => {
  it("give each outcome the type of its node's value", () => {
    expectTypeOf<ValueAt<typeof review, "features">>().toEqualTypeOf<string>();
    expectTypeOf<ValueAt<typeof review, "focused">>().toEqualTypeOf<string>();
    expectTypeOf<ValueAt<typeof review, "sentiment">>().toEqualTypeOf<Label>();
    expectTypeOf<ValueAt<typeof review, "score">>().toEqualTypeOf<number>();
    expectTypeOf<ValueAt<typeof review, "ask">>().toEqualTypeOf<unknown>();
    expectTypeOf<ValueAt<typeof review, "checked">>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<ValueAt<typeof review, "after">>().toEqualTypeOf<readonly [number, AbortSignal]>();
    expect(Object.keys(review.nodes)).toContain("after");
  });

  it("make the value of a mapped node an array with null for what did not complete", () => {
    expectTypeOf<ValueAt<typeof review, "perTag">>().toEqualTypeOf<(number | null)[]>();
    expectTypeOf<ValueAt<typeof review, "perTag2">>().toEqualTypeOf<(string | null)[]>();
    expectTypeOf<ValueAt<typeof review, "perTag3">>().toEqualTypeOf<(string | null)[]>();
    expectTypeOf<ValueAt<typeof review, "perRow">>().toEqualTypeOf<(string | null)[]>();
    expect(review.nodes.perTag.forEach).toBe("tags");
  });

  it("make a need undefined-able where the join lets the node run without it", () => {
    expectTypeOf<ValueAt<typeof review, "late">>().toEqualTypeOf<readonly [Label | undefined, number]>();
    expect(review.nodes.late.join).toBe("settled");
  });

  it("tell what a run takes and gives", () => {
    expectTypeOf<OutputOf<typeof review>>().toEqualTypeOf<string>();
    expectTypeOf<InputOf<typeof review>["review"]>().toEqualTypeOf<string>();
    expectTypeOf<undefined>().toExtend<InputOf<typeof review>["limit"]>();
    const two = defineDag({
      name: "two",
      nodes: { a: { instructions: "A." }, b: { run: ({ input }) => input.length } },
    });
    expectTypeOf<InputOf<typeof two>>().toEqualTypeOf<string>();
    expectTypeOf<OutputOf<typeof two>>().toEqualTypeOf<{ readonly a: string; readonly b: number }>();
    const chosen = defineDag({
      name: "chosen",
      output: "b",
      nodes: { a: { needs: ["b"], instructions: "A." }, b: { run: () => 1 } },
    });
    expectTypeOf<OutputOf<typeof chosen>>().toEqualTypeOf<number>();
    expect(chosen.output).toBe("b");
  });

  it("hold a graph node's input to what its DAG takes, and a tool to its output schema", () => {
    const inner = defineDag({
      name: "inner",
      input: z.object({
        review: z.string(),
        limit: z.coerce.number().default(3),
        tags: z.array(z.string()).optional(),
      }),
      nodes: { a: { instructions: "A." } },
    });
    const good = defineDag({
      name: "good",
      input: z.object({ review: z.string() }),
      nodes: {
        n: { run: () => 1 },
        whole: { dag: inner, input: { $ref: { input: true } } },
        parts: {
          needs: ["n"],
          dag: inner,
          input: {
            review: "x",
            limit: { $ref: { node: "n" } },
            tags: ["a", { $ref: { input: true, path: "review" } }],
          },
        },
        made: {
          needs: ["n"],
          dag: inner,
          input: ({ needs, input }) => ({ ...input, limit: needs.n.toFixed(0) }),
        },
        hits: { tool: search, args: { q: "x" }, output: z.object({ hits: z.array(z.literal("x")) }) },
      },
    });
    expectTypeOf<ValueAt<typeof good, "parts">>().toEqualTypeOf<string>();
    expectTypeOf<ValueAt<typeof good, "made">>().toEqualTypeOf<string>();
    expectTypeOf<ValueAt<typeof good, "hits">>().toEqualTypeOf<{ hits: "x"[] }>();
    const bad = [
      // @ts-expect-error: there is no "revue"
      () => defineDag({ name: "b", nodes: { g: { dag: inner, input: { revue: "x" } } } }),
      // @ts-expect-error: "review" is missing
      () => defineDag({ name: "b", nodes: { g: { dag: inner, input: { limit: 3 } } } }),
      // @ts-expect-error: a number is no text
      () => defineDag({ name: "b", nodes: { g: { dag: inner, input: { review: 3 } } } }),
      // @ts-expect-error: the function gives no "review"
      () => defineDag({ name: "b", nodes: { g: { dag: inner, input: () => ({ revue: "x" }) } } }),
    ];
    expect(
      bad
        .slice(0, 3)
        .map((make) => make)
        .every((make) => throws(make)),
    ).toBe(true);
  });

  it("know loops, states and runnables", () => {
    const round = defineDag({
      name: "round",
      input: z.object({ draft: z.string().nullable() }),
      nodes: {
        write: { instructions: "Write." },
        critic: { needs: ["write"], instructions: "Judge.", output: z.object({ fine: z.boolean() }) },
      },
      output: "write",
    });
    const looping = defineDag({
      name: "looping",
      nodes: {
        loop: {
          dag: round,
          input: ({ previous }) => ({ draft: previous }),
          repeat: { until: { node: "critic", path: "fine", equals: true }, maxRounds: 3 },
        },
        made: {
          dag: round,
          input: { draft: { $ref: { previous: true } } },
          repeat: { until: ({ output }) => output.includes("x"), maxRounds: 2 },
        },
        list: { run: () => [{ id: "a" }] },
        chain: { runnable: { invoke: async (text: string) => text.length } },
        plan: {
          needs: ["loop"],
          join: "settled",
          when: { node: "loop", state: ["failed", "timed-out"] },
          run: () => 1,
        },
        keyed: {
          needs: ["list"],
          forEach: { items: { node: "list" }, key: "id", onItemError: "omit" },
          run: () => "x",
        },
      },
    });
    expectTypeOf<ValueAt<typeof looping, "loop">>().toEqualTypeOf<string>();
    expectTypeOf<ValueAt<typeof looping, "chain">>().toEqualTypeOf<number>();
    const bad = [
      () =>
        defineDag({
          name: "b",
          nodes: {
            a: { run: () => 1 },
            // @ts-expect-error: "faild" is no state
            b: { needs: ["a"], join: "settled", when: { node: "a", state: "faild" }, run: () => 1 },
          },
        }),
      () =>
        defineDag({
          name: "b",
          nodes: {
            a: {
              dag: round,
              input: { draft: null },
              // @ts-expect-error: the inner DAG has no "critc"
              repeat: { until: { node: "critc", exists: true }, maxRounds: 2 },
            },
          },
        }),
      () =>
        defineDag({
          name: "b",
          nodes: {
            a: {
              dag: round,
              // @ts-expect-error: the last round's output is a text
              input: ({ previous }) => ({ draft: previous?.toFixed() ?? null }),
              repeat: { until: () => true, maxRounds: 2 },
            },
          },
        }),
    ];
    expect(bad.slice(0, 2).every((make) => throws(make))).toBe(true);
  });

  it("follow extension, subgraphs and tools", () => {
    expectTypeOf<ValueAt<typeof outer, "found">>().toEqualTypeOf<{ hits: string[] }>();
    expectTypeOf<ValueAt<typeof outer, "inner">>().toEqualTypeOf<string>();
    expectTypeOf<ValueAt<typeof outer, "many">>().toEqualTypeOf<(string | null)[]>();
    expectTypeOf<ValueAt<typeof outer, "score">>().toEqualTypeOf<number>();
    const spread = defineDag({
      name: "spread",
      nodes: {
        one: { run: () => 1 },
        ...chosenNodes.nodes,
        last: { needs: ["one", "text"], run: ({ needs }) => `${needs.one + 1}${needs.text.trim()}` },
      },
    });
    expectTypeOf<ValueAt<typeof spread, "text">>().toEqualTypeOf<string>();
    expectTypeOf<OutputOf<typeof spread>>().toEqualTypeOf<string>();
    expect(Object.keys(outer.nodes)).toContain("end");
  });

  it("take LangChain's own models and tools", () => {
    const model = new FakeListChatModel({ responses: ["yes"] });
    const dag = defineDag({
      name: "own",
      model,
      nodes: { a: { instructions: "A.", model, tools: [search] }, b: { tool: search, args: { q: "x" } } },
    });
    expectTypeOf<ValueAt<typeof dag, "a">>().toEqualTypeOf<string>();
    expect(dag.nodes.a).toMatchObject({ instructions: "A." });
    expect(Object.isFrozen(model)).toBe(false);
  });

  it("keep a node that stands in a file of its own", () => {
    const meta = node({ needs: ["a"], run: ({ needs }: Ctx<{ a: string }>) => needs.a.length });
    const dag = defineDag({ name: "own", nodes: { a: { instructions: "A." }, meta } });
    expectTypeOf<OutputOf<typeof dag>>().toEqualTypeOf<number>();
    expect(dag.nodes.meta.needs).toEqual(["a"]);
  });

  it("let every typed DAG stand where a loose one is asked for", () => {
    const loose: DagSpec[] = [review, outer];
    const file = { name: "file", nodes: { a: { instructions: "A." } } };
    loose.push(file);
    expectTypeOf<OutputOf<DagSpec>>().toEqualTypeOf<unknown>();
    expectTypeOf<InputOf<DagSpec>>().toBeAny();
    expect(loose).toHaveLength(3);
  });

  it("are loose where the schema is JSON Schema", () => {
    const dag = defineDag({
      name: "json",
      input: { type: "object" },
      nodes: { a: { instructions: "A.", output: { type: "number" } } },
    });
    expectTypeOf<InputOf<typeof dag>>().toBeAny();
    expectTypeOf<ValueAt<typeof dag, "a">>().toEqualTypeOf<unknown>();
    expect(dag.nodes.a.output).toEqual({ type: "number" });
  });
});
