import { expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { defineDag, run } from "../../src/index.js";

it("holds a tool's value to its output schema, and gives what the schema makes of it", async () => {
  const search = tool(async ({ q }: { q: string }) => ({ hits: q === "none" ? "none" : [q], more: 1 }), {
    name: "search",
    description: "Searches.",
    schema: z.object({ q: z.string() }),
  });
  const dag = defineDag({
    name: "t",
    nodes: {
      t: {
        tool: search,
        args: { q: { $ref: { input: true } } },
        output: z.object({ hits: z.array(z.string()) }),
      },
    },
  });
  expect((await run(dag, "x")).output).toEqual({ hits: ["x"] });
  const record = await run(dag, "none");
  expect(record.outcomes.t).toMatchObject({
    state: "failed",
    error: {
      code: "OUTPUT_INVALID",
      message: expect.stringMatching(/^The value does not fit.*hits/s),
    },
  });
});
