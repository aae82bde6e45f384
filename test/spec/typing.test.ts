import { describe, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { expectTypeOf } from "expect-type";
import { z } from "zod";
import type { OutcomesOf } from "../../src/records/typed.js";
import { defineDag, extendDag, node } from "../../src/spec/define.js";
import type { Ctx, DagSpec } from "../../src/spec/shape.js";
import type { InputOf, OutputOf } from "../../src/spec/values.js";

const label = z.object({ label: z.enum(["good", "bad"]), score: z.number() });
type ValueAt<D, K extends keyof OutcomesOf<D>> = Extract<OutcomesOf<D>[K], { state: "completed" }>["value"];

const review = defineDag({
  name: "review",
  input: z.object({ review: z.string(), tags: z.array(z.object({ id: z.number() })), limit: z.coerce.number().default(3) }),
  nodes: {
    features: { instructions: "List the features." },
    focused: { needs: ["features"], instructions: ({ needs, input }) => `${needs.features.trim()} ${input.review}` },
    sentiment: { instructions: "Judge.", output: label, model: "offline", modelOptions: { temperature: 0 }, include: "input" },
    score: { needs: ["sentiment", "features"], run: ({ needs }) => needs.sentiment.score * needs.features.length },
    perTag: { forEach: "tags", run: ({ item }) => item.id + 1 },
    perTag2: { forEach: { input: true, path: "tags" }, run: async ({ item }) => String(item.id) },
    perTag3: { forEach: { items: { input: true, path: "tags" }, maxConcurrency: 2 }, instructions: "Say." },
    list: { run: () => ({ rows: [{ id: "a" }] }) },
    perRow: { needs: ["list"], forEach: { node: "list", path: "rows" }, run: ({ item }) => item.id.toUpperCase() },
    late: { needs: ["sentiment", "perTag"], join: "settled", run: ({ needs, input }) => [needs.sentiment, input.limit] as const },
    ask: { needs: ["score"], approve: { message: "Go on?" }, when: { node: "score", gt: 3 } },
    checked: { output: z.object({ n: z.number() }), run: ({ input }) => ({ n: input.limit }) },
    after: { needs: ["checked"], when: ({ needs }) => needs.checked.n > 1, run: ({ needs, signal }) => [needs.checked.n, signal] as const },
    meta: { needs: ["ask", "perRow", "perTag2", "perTag3", "late", "focused", "after"], instructions: "Sum up.", policy: { timeoutMs: 10 } },
  },
});

const search = tool(async ({ q }) => ({ hits: [q] }), { name: "search", description: "x", schema: z.object({ q: z.string() }) });

describe("types of a declared DAG", () => {
  it("gives each outcome the type of its node's value", () => {
    expectTypeOf<ValueAt<typeof review, "features">>().toEqualTypeOf<string>();
    expectTypeOf<ValueAt<typeof review, "focused">>().toEqualTypeOf<string>();
    expectTypeOf<ValueAt<typeof review, "sentiment">>().toEqualTypeOf<{ label: "good" | "bad"; score: number }>();
    expectTypeOf<ValueAt<typeof review, "score">>().toEqualTypeOf<number>();
    expectTypeOf<ValueAt<typeof review, "perTag">>().toEqualTypeOf<(number | null)[]>();
    expectTypeOf<ValueAt<typeof review, "perTag2">>().toEqualTypeOf<(string | null)[]>();
    expectTypeOf<ValueAt<typeof review, "perTag3">>().toEqualTypeOf<(string | null)[]>();
    expectTypeOf<ValueAt<typeof review, "perRow">>().toEqualTypeOf<(string | null)[]>();
    expectTypeOf<ValueAt<typeof review, "late">>().toEqualTypeOf<readonly [{ label: "good" | "bad"; score: number } | undefined, number]>();
    expectTypeOf<ValueAt<typeof review, "ask">>().toEqualTypeOf<unknown>();
    expectTypeOf<ValueAt<typeof review, "checked">>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<ValueAt<typeof review, "after">>().toEqualTypeOf<readonly [number, AbortSignal]>();
    expectTypeOf<OutputOf<typeof review>>().toEqualTypeOf<string>();
    expectTypeOf<InputOf<typeof review>["limit"]>().toEqualTypeOf<unknown>();
    const loose: DagSpec = review;
    void loose;
  });
});
