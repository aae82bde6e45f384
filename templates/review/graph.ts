import { defineDag } from "agent-dag";
import { z } from "zod";

/** Four specialists read the same review side by side; a meta agent merges what they found. */
export const review = defineDag({
  name: "review",
  input: z.object({ review: z.string().min(1) }),
  nodes: {
    features: { instructions: "List the product features that the review mentions, one a line." },
    prosCons: { instructions: "List the pros and the cons that the review names, in two lists." },
    sentiment: { instructions: "Judge the overall sentiment of the review, with the reason." },
    recommend: {
      instructions: "Say whether, and to whom, you would recommend the product, with the reason.",
    },
    meta: {
      needs: ["features", "prosCons", "sentiment", "recommend"],
      // Also when one of the four fails: the summary then says what is missing.
      join: "settled",
      instructions:
        "Write an executive summary of the review from the specialists' findings: one paragraph, then a line for each of the four areas with a rating of 1 to 5 stars and the reason.",
    },
  },
});

/** What `agent-dag run graph.ts` uses when it is given no input of its own. */
export const input = {
  review:
    "The Lumo desk lamp is bright and evenly lit, and the arm stays where I put it. Setting it up took two minutes. " +
    "The touch switch is a disappointment: it reacts late, and twice it turned itself off. For 39 euros it is a good lamp, " +
    "and I would buy it again for the office, but not for a child's room.",
};
