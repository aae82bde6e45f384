import { z } from "zod";
import { defineDag } from "../../src/spec/define.js";

/** A graph of three layers, as a user would write it: two readers, a function, a writer. */
export const brief = defineDag({
  name: "brief",
  input: z.object({ article: z.string() }),
  nodes: {
    facts: { instructions: "List the facts." },
    tone: {
      instructions: "Judge the tone.",
      output: z.object({ label: z.enum(["calm", "alarmed"]), score: z.number() }),
    },
    weigh: {
      needs: ["facts", "tone"],
      run: ({ needs }) => `${needs.tone?.label}: ${needs.facts}`,
    },
    headline: { needs: ["weigh"], instructions: "Write a headline." },
  },
});

export const article = { article: "The river rose two metres overnight. Nobody was hurt." };

/** Replies for every agent of {@link brief}. */
export const replies = {
  facts: ["The river rose two metres.\nNobody was hurt."],
  tone: [{ label: "calm", score: 0.8 }],
  headline: ["River rises, town unharmed"],
};
