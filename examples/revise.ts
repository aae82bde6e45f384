import { defineDag } from "agent-dag";
import { z } from "zod";

/** One round: a writer summarizes in so many sentences, and a critic counts. Whatever model writes, the critic is strict. */
const round = defineDag({
  name: "summary-round",
  input: z.object({ text: z.string(), sentences: z.number(), maxWords: z.number() }),
  nodes: {
    source: { description: "The text, without the numbers.", run: ({ input }): string => input.text },
    writer: {
      description: "Writes the summary.",
      needs: ["source"],
      include: "needs",
      instructions: ({ input }) =>
        `Summarize the text in ${input.sentences} ${input.sentences === 1 ? "sentence" : "sentences"}.`,
    },
    critic: {
      description: "Says whether the summary is short enough.",
      needs: ["writer"],
      output: z.object({ fits: z.boolean(), words: z.number(), sentences: z.number(), summary: z.string() }),
      run: ({ needs, input }) => {
        const summary = String(needs.writer);
        const words = summary.trim().split(/\s+/).length;
        return { fits: words <= input.maxWords, words, sentences: input.sentences, summary };
      },
    },
  },
});

/**
 * Writer, critic, revise: at most three rounds, each with a sentence less. Where the rounds end without a summary that fits,
 * or the writer fails, an error branch takes the text's beginning instead.
 */
export const revise = defineDag({
  name: "revise",
  description: "Summarizes a text within a number of words, revised until a critic is content.",
  input: z.object({ text: z.string().min(1), maxWords: z.number().int().min(5).default(30) }),
  nodes: {
    summary: {
      description: "Writes and revises.",
      dag: round,
      input: ({ input, previous }) => ({
        text: input.text,
        maxWords: input.maxWords,
        sentences: previous === null ? 3 : previous.sentences - 1,
      }),
      repeat: { until: { node: "critic", path: "fits", equals: true }, maxRounds: 3, onExhausted: "fail" },
    },
    beginning: {
      description: "The beginning of the text, where no summary fits.",
      needs: ["summary"],
      join: "settled",
      when: { node: "summary", state: ["failed", "timed-out"] },
      output: z.object({ summary: z.string() }),
      run: ({ input }) => {
        const beginning = input.text.split(/\s+/).slice(0, input.maxWords - 1);
        return { summary: `${beginning.join(" ")} …` };
      },
    },
    result: {
      description: "The summary, or what stands for it.",
      needs: ["summary", "beginning"],
      join: "any",
      run: ({ needs, outcomes }) => ({
        summary: needs.summary?.summary ?? needs.beginning?.summary ?? "",
        rounds: (outcomes.summary?.rounds?.length ?? 0) as number,
        revised: needs.summary !== undefined,
      }),
    },
  },
});

/** Used when no other input is given. */
export const input = {
  text:
    "The new swimming pool opened in June after two years of building. The pool is bright, and the water is pleasantly warm. " +
    "The changing rooms are a disappointment: the lockers jam, and the floors were dirty on both visits. " +
    "Tickets cost six euros and can be bought online, which is convenient. The café beside the pool serves excellent cake, but it closes at four. " +
    "On the whole the pool is worth a visit for families, in spite of the changing rooms.",
  maxWords: 30,
};
