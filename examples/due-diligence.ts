import { defineDag, runModel } from "agent-dag";
import { createAgent } from "langchain";
import { z } from "zod";

const document = z.object({ id: z.string(), title: z.string(), text: z.string() });
const claim = z.object({ source: z.string(), risk: z.boolean(), text: z.string() });
type Claim = z.infer<typeof claim>;

/** What a specialist is for: the words that make a claim its own. */
const fields = {
  finance: /revenue|margin|cash|debt|price|cost|loan|profit/i,
  legal: /contract|court|patent|licen[cs]e|claim|lawsuit|permit/i,
  people: /staff|team|engineer|manager|founder|training|hire|left/i,
};
const lines = (claims: readonly Claim[]) => claims.map(({ text }) => `${text}.`).join("\n");

/** An agent of LangChain, with tools and middleware of its own; its requests go through the run, as an agent node's do. */
const counsel = createAgent({
  model: runModel(),
  tools: [],
  systemPrompt: "Judge the sentiment of the statements in one word: positive, mixed or negative.",
});

const opinion = z.object({ label: z.enum(["positive", "mixed", "negative", "neutral"]) });
const specialist = defineDag({
  name: "specialist",
  nodes: {
    judge: {
      instructions: "Judge the sentiment of the statements: positive, mixed or negative.",
      output: opinion,
    },
    label: { needs: ["judge"], run: ({ needs }): string => needs.judge.label },
  },
});

/** One round of the report: written with at most so many claims a field, then checked for length and citations. */
const reportRound = defineDag({
  name: "report-round",
  input: z.object({
    company: z.string(),
    claims: z.array(claim),
    views: z.record(z.string(), z.string()),
    missing: z.array(z.string()),
    most: z.number(),
    maxWords: z.number(),
  }),
  nodes: {
    write: {
      description: "Writes the report, each statement with its source.",
      output: z.string(),
      run: ({ input: { company, claims, views, missing, most } }): string => {
        const parts = Object.entries(views).map(([field, view]) => {
          const own = claims.filter(({ text }) => fields[field as keyof typeof fields].test(text));
          const risksFirst = own.toSorted((a, b) => Number(b.risk) - Number(a.risk)).slice(0, most);
          const cited = risksFirst.map(({ text, source, risk }) => `${risk ? "!" : "+"} ${text} [${source}]`);
          return [`${field} (${view})`, ...cited].join("\n");
        });
        const gaps = missing.length === 0 ? [] : [`Not read: ${missing.join("; ")}`];
        return [`Due diligence: ${company}`, ...parts, ...gaps].join("\n\n");
      },
    },
    critic: {
      description: "Wants a source for every statement, and a report that is read.",
      needs: ["write"],
      output: z.object({ ok: z.boolean(), words: z.number(), uncited: z.number() }),
      run: ({ needs, input }) => {
        const words = needs.write.split(/\s+/).length;
        const uncited = needs.write
          .split("\n")
          .filter((line) => /^[!+]/.test(line) && !/\[[\w-]+\]$/.test(line));
        return { ok: uncited.length === 0 && words <= input.maxWords, words, uncited: uncited.length };
      },
    },
  },
  output: "write",
});

/**
 * Documents mapped to claims, three specialists by condition, a report that a critic sends back at most twice, and a person
 * who lets it be published. The legal view comes from an agent that was there before.
 */
export const dueDiligence = defineDag({
  name: "due-diligence",
  description:
    "Reads a company's documents, lets specialists judge what they claim, and reports with sources.",
  input: z.object({
    company: z.string(),
    documents: z.array(document),
    maxWords: z.number().default(80),
  }),
  nodes: {
    read: {
      description: "Collects what one document says for and against the company.",
      forEach: { items: "documents", key: "id" },
      instructions: "List the pros and the cons that the document names.",
      output: z.object({ pros: z.array(z.string()), cons: z.array(z.string()) }),
    },
    claims: {
      description: "The claims by field, each with its source.",
      needs: ["read"],
      output: z.object({
        all: z.array(claim),
        finance: z.array(claim),
        legal: z.array(claim),
        people: z.array(claim),
        missing: z.array(z.string()),
      }),
      run: ({ needs, input, outcomes }) => {
        const all = needs.read.flatMap((found, index): Claim[] => {
          const source = input.documents[index]?.id ?? "";
          const of = (risk: boolean, texts: readonly string[] = []) =>
            texts.map((text) => ({ source, risk, text }));
          return [...of(true, found?.cons), ...of(false, found?.pros)];
        });
        const of = (words: RegExp) => all.filter(({ text }) => words.test(text));
        const missing = input.documents.flatMap(({ title }, index) => {
          const item = outcomes.read?.items?.[index];
          return item?.state === "completed" ? [] : [`${title} (${item?.error?.code ?? item?.reason?.code})`];
        });
        return {
          all,
          finance: of(fields.finance),
          legal: of(fields.legal),
          people: of(fields.people),
          missing,
        };
      },
    },
    finance: {
      needs: ["claims"],
      when: { node: "claims", path: "finance.0", exists: true },
      dag: specialist,
      input: ({ needs }) => lines(needs.claims.finance),
    },
    legal: {
      needs: ["claims"],
      when: { node: "claims", path: "legal.0", exists: true },
      runnable: counsel,
      input: ({ needs }: { needs: { claims: { legal: Claim[] } } }) => ({
        messages: [{ role: "user", content: lines(needs.claims.legal) }],
      }),
      output: z.string(),
    },
    people: {
      needs: ["claims"],
      when: { node: "claims", path: "people.0", exists: true },
      dag: specialist,
      input: ({ needs }) => lines(needs.claims.people),
    },
    report: {
      description: "Writes the report, and writes it shorter while the critic sends it back.",
      needs: ["claims", "finance", "legal", "people"],
      join: "settled",
      dag: reportRound,
      input: ({ input, needs, round }) => {
        const { finance, legal, people, claims } = needs;
        const views = { finance, legal, people };
        return {
          company: input.company,
          maxWords: input.maxWords,
          claims: claims?.all ?? [],
          missing: claims?.missing ?? [],
          views: Object.fromEntries(
            Object.entries(views).flatMap(([name, view]) => (view === undefined ? [] : [[name, view]])),
          ),
          most: 4 - round,
        };
      },
      repeat: { until: { node: "critic", path: "ok", equals: true }, maxRounds: 3 },
    },
    release: {
      description: "A person reads the report before it leaves the house.",
      needs: ["report"],
      approve: { message: "Publish this report?", show: [{ node: "report" }] },
    },
    publish: {
      description: "What is published.",
      needs: ["release"],
      run: ({ needs }) => String(needs.release),
    },
  },
});

const texts: readonly (readonly [string, string])[] = [
  [
    "Annual accounts",
    "Revenue grew well and the margin is excellent. The debt is a problem: the loan is expensive and falls due soon.",
  ],
  [
    "Customer letters",
    "Customers love the quick support. The price is fair. Two customers complain that deliveries are late.",
  ],
  [
    "Legal file",
    "The patent is strong. A lawsuit with a supplier is a serious problem, and one contract is badly written.",
  ],
  [
    "Staff survey",
    "The team is friendly and the training is excellent. Staff complain that the managers are slow to decide.",
  ],
  ["Site visit", "The plant is clean and well organised. The old boiler is unreliable."],
  [
    "Geschäftsbrief",
    "Sehr geehrte Damen und Herren, die Lieferung ist leider noch nicht bei uns eingetroffen.",
  ],
];

/** Used when no other input is given. */
export const input = {
  company: "Halden Instruments",
  documents: texts.map(([title, text], index) => ({ id: `doc-${index + 1}`, title, text })),
};
