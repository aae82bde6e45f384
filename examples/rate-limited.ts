import { defineDag, type RunOptions } from "agent-dag";

const questions = {
  strengths: "List what the text praises.",
  weaknesses: "List what the text criticises.",
  figures: "List the figures that the text gives.",
  topics: "List the five main topics.",
  sentiment: "Judge the sentiment.",
  label: "Is the text positive, mixed or negative? Answer in one word.",
  lift: "Quote what the text says about the lift.",
  visitors: "Quote what the text says about visitors.",
  gist: "Summarise the text in one sentence.",
  summary: "Summarise the text in two sentences.",
} as const;

type Question = keyof typeof questions;

const agents = Object.fromEntries(
  Object.entries(questions).map(([name, instructions]) => [name, { instructions }]),
) as Record<Question, { readonly instructions: string }>;

/** Ten agents read the same text. They are all ready at once; the limit lets three of them ask at a time. */
export const rateLimited = defineDag({
  name: "rate-limited",
  description: "Ten agents on one text, three at a time.",
  nodes: {
    ...agents,
    digest: {
      needs: Object.keys(questions) as Question[],
      join: "settled",
      run: ({ needs }) =>
        Object.entries(needs)
          .map(([name, text]) => `${name}: ${text ?? "missing"}`)
          .join("\n"),
    },
  },
});

export const input =
  "The Harrow Street library reopened on 4 May after a renovation that cost 2.3 million euros. Visitors praise the bright reading room and the longer hours. The lift, however, has broken down three times since, and parents complain that the children's corner is loud. Director Ines Falk says that 1,900 people came in the first week, twice as many as before.";

/** Also on the command line: `agent-dag run examples/rate-limited.ts --max-concurrency 3`. */
export const options: RunOptions = { limits: { maxConcurrency: 3 } };
