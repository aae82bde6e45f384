import { defineDag } from "agent-dag";
import { z } from "zod";

/** A message is summed up; a person looks at it; then it is published. */
export const notice = defineDag({
  name: "notice",
  description: "Sums up a message and publishes it once a person has agreed.",
  input: z.object({ message: z.string().min(1) }),
  nodes: {
    summary: { instructions: "Summarise the message in one sentence." },
    check: {
      needs: ["summary"],
      approve: { message: "May this be published?", show: [{ node: "summary" }] },
    },
    publish: { needs: ["summary", "check"], run: ({ needs }) => `Published: ${needs.summary}` },
  },
});

/** What `agent-dag run graph.ts` uses when it is given no input of its own. */
export const input = {
  message: "The pool opens again on Monday. Tickets are six euros, and the lockers have been replaced.",
};
