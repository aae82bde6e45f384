import { describe, expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { expectTypeOf } from "expect-type";
import { z } from "zod";
import { DagValidationError } from "../../src/errors.js";
import type { OutcomesOf } from "../../src/records/typed.js";
import { defineDag, extendDag, node } from "../../src/spec/define.js";
import type { Ctx, DagSpec } from "../../src/spec/shape.js";
import type { InputOf, OutputOf } from "../../src/spec/values.js";

type Label = { label: "good" | "bad"; score: number };
const label = z.object({ label: z.enum(["good", "bad"]), score: z.number() });
type ValueAt<D, K extends keyof OutcomesOf<D>> = Extract<OutcomesOf<D>[K], { state: "completed" }>["value"];

const review = defineDag({
  name: "review",
  input: z.object({
    review: z.string(),
    tags: z.array(z.object({ id: z.number() })),
    limit: z.coerce.number().default(3),
  }),
  nodes: {
    features: { instructions: "List the features." },
    focused: {
      needs: ["features"],
      instructions: ({ needs, input }) => `${needs.features.trim()} ${input.review}`,
    },
    sentiment: {
      instructions: "Judge.",
      output: label,
      model: "offline",
      modelOptions: { temperature: 0 },
      include: "input",
    },
    score: {
      needs: ["sentiment", "features"],
      run: ({ needs }) => needs.sentiment.score * needs.features.length,
    },
    perTag: { forEach: "tags", run: ({ item }) => item.id + 1 },
    perTag2: { forEach: { input: true, path: "tags" }, run: async ({ item }) => String(item.id) },
    perTag3: { forEach: { items: { input: true, path: "tags" }, maxConcurrency: 2 }, instructions: "Say." },
    list: { run: () => ({ rows: [{ id: "a" }] }) },
    perRow: {
      needs: ["list"],
      forEach: { node: "list", path: "rows" },
      run: ({ item }) => item.id.toUpperCase(),
    },
    late: {
      needs: ["sentiment", "perTag"],
      join: "settled",
      run: ({ needs, input }) => [needs.sentiment, input.limit] as const,
    },
    ask: { needs: ["score"], approve: { message: "Go on?" }, when: { node: "score", gt: 3 } },
    checked: { output: z.object({ n: z.number() }), run: ({ input }) => ({ n: input.limit }) },
    after: {
      needs: ["checked"],
      when: ({ needs }) => needs.checked.n > 1,
      run: ({ needs, signal }) => [needs.checked.n, signal] as const,
    },
    meta: {
      needs: ["ask", "perRow", "perTag2", "perTag3", "late", "focused", "after"],
      instructions: "Sum up.",
      policy: { timeoutMs: 10 },
    },
  },
});

const chosenNodes = defineDag({ name: "few", nodes: { text: { instructions: "Write." } } });
const search = tool(async ({ q }) => ({ hits: [q] }), {
  name: "search",
  description: "Searches.",
  schema: z.object({ q: z.string() }),
});

const outer = extendDag(review, {
  name: "outer",
  nodes: {
    found: { needs: ["features"], tool: search, args: { q: { $ref: { node: "features" } } } },
    foundBy: { needs: ["list"], tool: search, args: ({ needs }) => ({ q: needs.list.rows[0]?.id ?? "" }) },
    inner: { needs: ["score"], dag: review, input: ({ needs, input }) => ({ ...input, limit: needs.score }) },
    many: { forEach: "tags", dag: review, input: ({ item, input }) => ({ ...input, limit: item.id }) },
    end: {
      needs: ["found", "foundBy", "inner", "many", "meta"],
      run: ({ needs }) => ({ length: needs.meta.length, known: needs.inner.length }),
    },
  },
});

function throws(make: () => unknown): boolean {
  try {
    make();
    return false;
  } catch (error) {
    return error instanceof DagValidationError;
  }
}

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

describe("a type error stands at", () => {
  const a = { instructions: "A." };
  const refused = (declare: () => unknown) => expect(declare).toThrow(DagValidationError);

  it("a misspelt need, and only there", () => {
    refused(() =>
      defineDag({
        name: "x",
        nodes: {
          alpha: { instructions: "A." },
          beta: {
            needs: [
              "alpha",
              // @ts-expect-error "alpa" is not a node
              "alpa",
            ],
            run: () => 1,
          },
        },
      }),
    );
  });

  it("a node that needs itself", () => {
    refused(() =>
      defineDag({
        name: "x",
        nodes: {
          a,
          // @ts-expect-error a node cannot need itself
          b: { needs: ["b"], instructions: "B." },
        },
      }),
    );
  });

  it("a misspelt name in when, forEach and output", () => {
    refused(() =>
      defineDag({
        name: "x",
        nodes: {
          a,
          // @ts-expect-error "aa" is not a node
          b: { needs: ["a"], when: { node: "aa", exists: true }, instructions: "B." },
          // @ts-expect-error "aa" is not a node
          c: { needs: ["a"], forEach: { node: "aa" }, instructions: "C." },
        },
      }),
    );
    // @ts-expect-error "aa" is not a node
    refused(() => defineDag({ name: "x", output: "aa", nodes: { a, b: { instructions: "B." } } }));
  });

  it("an unknown option, a wrong join and a wrong policy", () => {
    refused(() =>
      defineDag({
        name: "x",
        nodes: {
          // @ts-expect-error unknown option
          a: { instructions: "A.", need: [] },
          // @ts-expect-error unknown join
          b: { needs: ["a"], instructions: "B.", join: "most" },
          // @ts-expect-error unknown policy
          c: { instructions: "C.", policy: { timeout: 3 } },
        },
      }),
    );
  });

  it("a field of the input that is no array", () => {
    refused(() =>
      defineDag({
        name: "x",
        input: z.object({ tags: z.array(z.string()), title: z.string() }),
        nodes: {
          // @ts-expect-error "title" is no array
          a: { forEach: "title", instructions: "A." },
        },
      }),
    );
  });

  it("a value that is not there", () => {
    const dag = defineDag({
      name: "x",
      nodes: {
        a,
        b: { needs: ["a"], run: ({ needs }) => needs.a.trim() },
        // @ts-expect-error b is not among its needs
        c: { needs: ["a"], run: ({ needs }) => needs.b },
      },
    });
    expect(dag.name).toBe("x");
  });
});

describe("tsc finds where it is written", () => {
  const once = defineDag({
    name: "once",
    input: z.object({ before: z.string().nullable() }),
    nodes: { write: { run: ({ input }): string => `${input.before ?? ""}x` } },
  });
  const declared = (nodes: () => unknown) => expect(nodes).toBeInstanceOf(Function);

  it("a `previous` of another type", () =>
    declared(() =>
      defineDag({
        name: "wrong",
        nodes: {
          loop: {
            dag: once,
            // @ts-expect-error `previous` is a string or null
            input: ({ previous }) => ({ before: previous?.toFixed(2) ?? null }),
            repeat: { until: { node: "write", equals: "xx" }, maxRounds: 2 },
          },
        },
      }),
    ));

  it("a loop's condition on a node that its DAG has not", () =>
    declared(() =>
      defineDag({
        name: "wrong",
        nodes: {
          loop: {
            dag: once,
            input: { before: null },
            // @ts-expect-error no such node
            repeat: { until: { node: "wriet", equals: "xx" }, maxRounds: 2 },
          },
        },
      }),
    ));

  it("a reference to a node that is not a need", () => {
    const inner = defineDag({
      name: "inner",
      input: z.object({ text: z.string(), more: z.array(z.string()) }),
      nodes: { x: { run: ({ input }) => input.text } },
    });
    declared(() =>
      defineDag({
        name: "wrong",
        nodes: {
          a: { run: () => ["a"] },
          b: { run: () => ["b"] },
          // @ts-expect-error "b" is no need
          map: { needs: ["a"], forEach: { node: "b" }, run: ({ item }) => item },
          // @ts-expect-error "b" is no need
          keyed: { needs: ["a"], forEach: { items: { node: "b" }, key: "id" }, run: ({ item }) => item },
          // @ts-expect-error "b" is no need
          ok: { needs: ["a"], approve: { message: "?", show: [{ node: "b" }] } },
          given: {
            needs: ["a"],
            dag: inner,
            // @ts-expect-error "b" is no need
            input: { text: { $ref: { node: "b", path: "0" } }, more: { $ref: { node: "a" } } },
          },
          deeper: {
            needs: ["a"],
            dag: inner,
            // @ts-expect-error "b" is no need
            input: { text: "x", more: [{ $ref: { node: "b", path: "0" } }] },
          },
        },
      }),
    );
  });

  it("a condition on a node that is not a need, and a misspelt state", () =>
    declared(() =>
      defineDag({
        name: "wrong",
        nodes: {
          a: { run: () => 1 },
          b: { run: () => 2 },
          // @ts-expect-error "b" is no need
          c: { needs: ["a"], when: { node: "b", gt: 1 }, run: ({ needs }) => needs.a },
          // @ts-expect-error it has no needs
          d: { when: { node: "b", gt: 1 }, run: () => 1 },
          e: {
            needs: ["a", "b"],
            join: "settled",
            // @ts-expect-error no such state
            when: { any: [{ node: "a", state: "faild" }] },
            instructions: "Mend.",
          },
        },
      }),
    ));
});
