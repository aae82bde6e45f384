import { defineDag } from "agent-dag";
import { z } from "zod";

/** One row: a message is read by two specialists, and a function makes a line of a table of it. */
export const ticket = defineDag({
  name: "ticket",
  input: z.object({ id: z.string(), message: z.string().min(1) }),
  nodes: {
    sentiment: {
      instructions: "Judge the overall sentiment of the message.",
      output: z.object({ label: z.enum(["positive", "mixed", "negative"]) }),
    },
    summary: { instructions: "Summarise the message in one sentence." },
    line: {
      needs: ["sentiment", "summary"],
      run: ({ needs, input }) => ({ id: input.id, mood: needs.sentiment.label, summary: needs.summary }),
    },
  },
});

/** What `agent-dag run graph.ts` uses when it is given no input of its own. */
export const input = { id: "t0", message: "The new app is quick, and I love the dark mode." };
