import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { DagValidationError } from "../../src/errors.js";
import type { OutcomesOf } from "../../src/records/typed.js";
import { defineDag, extendDag } from "../../src/spec/define.js";

export type Label = { label: "good" | "bad"; score: number };
export const label = z.object({ label: z.enum(["good", "bad"]), score: z.number() });
export type ValueAt<D, K extends keyof OutcomesOf<D>> = Extract<
  OutcomesOf<D>[K],
  { state: "completed" }
>["value"];

export const review = defineDag({
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

export const chosenNodes = defineDag({ name: "few", nodes: { text: { instructions: "Write." } } });
export const search = tool(async ({ q }) => ({ hits: [q] }), {
  name: "search",
  description: "Searches.",
  schema: z.object({ q: z.string() }),
});

export const outer = extendDag(review, {
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

export function throws(make: () => unknown): boolean {
  try {
    make();
    return false;
  } catch (error) {
    return error instanceof DagValidationError;
  }
}
