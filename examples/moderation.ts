import { defineDag } from "agent-dag";
import { z } from "zod";

const verdict = z.object({ flag: z.boolean(), why: z.string() });

/** Three independent checks of one post: two verdicts are enough, and a model that answers later is not waited for. */
export const checks = defineDag({
  name: "checks",
  description: "Three checks, of which two are enough.",
  input: z.object({ post: z.string() }),
  nodes: {
    words: {
      description: "Looks for insults.",
      output: verdict,
      run: ({ input }) => ({ flag: /\b(idiots?|stupid|morons?)\b/i.test(input.post), why: "insults" }),
    },
    shouting: {
      description: "Looks for shouting.",
      output: verdict,
      run: ({ input }) => {
        const letters = input.post.replace(/[^A-Za-z]/g, "");
        const capitals = letters.replace(/[^A-Z]/g, "");
        return { flag: letters.length > 10 && capitals.length > letters.length / 2, why: "shouting" };
      },
    },
    tone: {
      description: "Judges the tone with a model.",
      instructions: "Judge the sentiment of the post.",
      output: z.object({ label: z.enum(["positive", "mixed", "negative", "neutral"]) }),
    },
    quorum: {
      description: "Counts the first two verdicts.",
      needs: ["words", "shouting", "tone"],
      join: { atLeast: 2 },
      run: ({ needs }) => {
        const verdicts = [needs.words, needs.shouting].filter((one) => one !== undefined);
        const reasons = verdicts.filter(({ flag }) => flag).map(({ why }) => why);
        return { heard: verdicts.length + (needs.tone === undefined ? 0 : 1), reasons };
      },
    },
  },
});

/** A graph inside a graph: each post of a thread goes through the checks. */
export const moderation = defineDag({
  name: "moderation",
  description: "Runs the checks on every post of a thread and says which posts a person should see.",
  input: z.object({ posts: z.array(z.string()).min(1) }),
  nodes: {
    review: {
      description: "The checks, once for each post.",
      forEach: { items: "posts", maxConcurrency: 4 },
      dag: checks,
      input: { post: { $ref: { item: true } } },
    },
    queue: {
      description: "Collects the posts that were flagged.",
      needs: ["review"],
      run: ({ needs, input }) =>
        needs.review.flatMap((found, index) =>
          found !== null && found.reasons.length > 0
            ? [{ post: input.posts[index], reasons: found.reasons }]
            : [],
        ),
    },
  },
});

/** Used when no other input is given. */
export const input = {
  posts: [
    "Thanks for the guide, it helped me a lot.",
    "ONLY IDIOTS WOULD WRITE SUCH A GUIDE!!!",
    "I think step three is wrong: the valve has to be closed first.",
    "You are all stupid.",
  ],
};
