import { defineDag } from "agent-dag";
import { z } from "zod";

/** One round: a writer sums up in so many sentences, and a critic counts the words. */
const round = defineDag({
  name: "round",
  input: z.object({ text: z.string(), sentences: z.number(), maxWords: z.number() }),
  nodes: {
    text: { run: ({ input }): string => input.text },
    writer: {
      needs: ["text"],
      include: "needs",
      instructions: ({ input }) =>
        `Summarize the text in ${input.sentences} ${input.sentences === 1 ? "sentence" : "sentences"}.`,
    },
    critic: {
      needs: ["writer"],
      output: z.object({ fits: z.boolean(), sentences: z.number(), summary: z.string() }),
      run: ({ needs, input }) => {
        const summary = String(needs.writer);
        const fits = summary.trim().split(/\s+/).length <= input.maxWords;
        return { fits, sentences: input.sentences, summary };
      },
    },
  },
});

/** Writes, has it judged, and writes again with a sentence less: at most three rounds. */
export const revise = defineDag({
  name: "revise",
  input: z.object({ text: z.string().min(1), maxWords: z.number().int().min(5).default(25) }),
  nodes: {
    draft: {
      dag: round,
      input: ({ input, previous }) => ({
        text: input.text,
        maxWords: input.maxWords,
        sentences: previous === null ? 3 : previous.sentences - 1,
      }),
      repeat: { until: { node: "critic", path: "fits", equals: true }, maxRounds: 3 },
    },
    result: {
      needs: ["draft"],
      run: ({ needs, outcomes }) => ({
        summary: needs.draft.summary,
        fits: needs.draft.fits,
        rounds: (outcomes.draft?.rounds?.length ?? 0) as number,
      }),
    },
  },
});

/** What `agent-dag run graph.ts` uses when it is given no input of its own. */
export const input = {
  text:
    "The library moved into the old station in May. The reading room is quiet and full of light, and the staff are kind. " +
    "The lifts are slow, and on two of my four visits one was out of order. Books can be ordered online and fetched in the evening. " +
    "All in all it is the best place in town to work, in spite of the lifts.",
  maxWords: 25,
};
