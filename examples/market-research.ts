import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { defineDag, type RunOptions, run } from "agent-dag";
import { faults } from "agent-dag/testing";
import { z } from "zod";

const notes = (name: string) => readFile(new URL(`./market-notes/${name}.md`, import.meta.url), "utf8");

const finding = z.object({
  summary: z.string().describe("The most important finding, in one or two sentences"),
  evidence: z.array(z.string()).describe("Sentences of the notes that support it"),
});

/** Three researchers read their own notes side by side; the report goes on without a section that failed, and says so. */
export const marketResearch = defineDag({
  name: "market-research",
  description: "Market, competitors and customers, researched from notes and put together in one report.",
  policy: {
    retry: { maxAttempts: 3, initialIntervalMs: 200 },
    timeoutMs: 60_000,
    idleTimeoutMs: 20_000,
  },
  nodes: {
    marketNotes: { run: () => notes("market") },
    competitorNotes: { run: () => notes("competitors") },
    customerNotes: { run: () => notes("customers") },
    market: {
      needs: ["marketNotes"],
      include: "needs",
      description: "How large the market is and how it moves.",
      instructions: "From the notes, say how large the market is, how it moves, and what drives or slows it.",
      output: finding,
    },
    competitors: {
      needs: ["competitorNotes"],
      include: "needs",
      description: "Who else is there, with strengths and weaknesses.",
      instructions: "From the notes, say who the competitors are and what each is good and bad at.",
      output: finding,
    },
    customers: {
      needs: ["customerNotes"],
      include: "needs",
      description: "What customers want and what keeps them from buying.",
      instructions:
        "From the notes, say what customers want, what they complain about and what they would pay.",
      output: finding,
    },
    report: {
      needs: ["market", "competitors", "customers"],
      join: "settled",
      description: "The report; names what is missing.",
      run: ({ input, needs }) => {
        const sections = Object.entries(needs);
        const missing = sections.filter(([, value]) => value === undefined).map(([name]) => name);
        return [
          `# Market research: ${input}`,
          ...sections.flatMap(([name, value]) =>
            value === undefined
              ? []
              : [`## ${name}`, value.summary, ...value.evidence.map((sentence) => `- ${sentence}`)],
          ),
          ...(missing.length === 0 ? [] : [`Missing in this report: ${missing.join(", ")}.`]),
        ].join("\n\n");
      },
    },
  },
});

export const input = "folding cargo bikes";

/** At most two requests at once and 60 a minute, whatever runs in parallel. */
export const options: RunOptions = { limits: { maxConcurrency: 2, requestsPerMinute: 60 } };

/** What goes wrong in the second run: one request is refused once, one reply is cut, one researcher never answers right. */
export const trouble = () =>
  faults([
    { node: "market", call: 1, fault: "rate-limited", retryAfterMs: 50 },
    { node: "customers", call: 1, fault: "stream-cut" },
    { node: "competitors", fault: "server-error" },
  ]);

/** `npx jiti examples/market-research.ts` runs it twice: once clean, once with faults. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const use of [[], [trouble()]]) {
    const record = await run(marketResearch, input, { ...options, use });
    console.log(`${record.state}, ${record.usage.modelCalls} model calls\n\n${record.output}\n`);
  }
}
