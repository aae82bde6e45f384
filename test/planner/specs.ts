import { tool } from "@langchain/core/tools";
import { defineDag } from "agent-dag";
import { z } from "zod";

export const review = defineDag({
  name: "review",
  nodes: {
    features: { instructions: "List the features." },
    sentiment: { instructions: "Say the sentiment." },
    verdict: { needs: ["features"], instructions: "Judge." },
    meta: { needs: ["features", "sentiment", "verdict"], instructions: "Sum up." },
  },
});

export const divide = tool(({ a, b }: { a: number; b: number }) => a / b, {
  name: "divide",
  description: "Divides a by b.",
  schema: z.object({ a: z.number(), b: z.number() }),
});

export const sums = defineDag({
  name: "sums",
  nodes: {
    people: { run: () => 600 },
    land: { run: () => 20 },
    density: {
      tool: divide,
      needs: ["people", "land"],
      args: { a: { $ref: { node: "people" } }, b: { $ref: { node: "land" } } },
    },
    broken: {
      run: () => {
        throw new Error("no luck");
      },
    },
    after: { needs: ["broken"], instructions: "Go on." },
    tolerant: { needs: ["broken"], join: "settled", instructions: "Go on anyway." },
    answer: { needs: ["density", "after", "tolerant"], instructions: "Answer." },
  },
});
