import { defineDag } from "agent-dag";
import { z } from "zod";
import { companyNotes } from "./company-notes.js";

/** One researcher over a list of companies, two at a time; a company without notes fails alone. */
export const companies = defineDag({
  name: "companies",
  description: "Researches each company of a list from local notes and compares what was found.",
  input: z.object({ companies: z.array(z.string()).min(1) }),
  nodes: {
    notes: {
      description: "Fetches the notes on one company.",
      forEach: "companies",
      run: ({ item }) => {
        const name = String(item);
        const notes = companyNotes[name];
        if (notes === undefined) throw new Error(`There are no notes on "${name}".`);
        return { name, notes };
      },
    },
    found: {
      description: "Keeps the companies that there are notes on.",
      needs: ["notes"],
      output: z.array(z.object({ name: z.string(), notes: z.string() })),
      run: ({ needs }) => needs.notes.filter((one) => one !== null),
    },
    research: {
      description: "Reads the notes on one company.",
      needs: ["found"],
      include: "input",
      forEach: { items: { node: "found" }, maxConcurrency: 2 },
      instructions: "From the notes on the company, find its revenue, its strengths and its risks.",
      output: z.object({
        revenue: z.string().nullable().describe("revenue, with the year"),
        strengths: z.array(z.string()).describe("what is praised about the company"),
        risks: z.array(z.string()).describe("what is a risk or a weakness"),
      }),
    },
    report: {
      description: "Puts the findings side by side.",
      needs: ["found", "research"],
      run: ({ needs }) =>
        needs.found
          .map(({ name }, index) => {
            const finding = needs.research[index];
            if (finding === null || finding === undefined) return `${name}: nothing could be found.`;
            const list = (items: readonly string[]) =>
              items.map((item) => `\n    - ${item}`).join("") || " none named";
            return `${name}\n  revenue: ${finding.revenue ?? "not stated"}\n  strengths:${list(finding.strengths)}\n  risks:${list(finding.risks)}`;
          })
          .join("\n\n"),
    },
  },
});

/** Used when no other input is given. */
export const input = { companies: ["Arbor Cycles", "Norrland Freight", "Pelican Foods"] };
