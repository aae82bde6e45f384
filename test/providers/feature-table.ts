import { readFileSync, writeFileSync } from "node:fs";
import { it } from "@jest/globals";

/** What one feature needs said of one subject: how it works there, or why it does not. */
export interface Remark {
  readonly note?: string;
  readonly gap?: string;
}

interface Cell extends Remark {
  readonly feature: string;
  readonly subject: string;
}

/**
 * A table of features × subjects that is made of the tests themselves: a cell says "works" only where its test is registered
 * here, a gap says why and is tested to be one where its test says how.
 */
export function featureTable(corner: string) {
  const cells: Cell[] = [];
  return {
    /** Registers a test, which proves that a feature works for a subject (or that its gap is what is said of it). */
    proves(feature: string, subject: string, remark: Remark, test: () => Promise<void>): void {
      cells.push({ feature, subject, ...remark });
      it(`${subject}: ${feature}`, test);
    },
    /** The table as Markdown, with a note for each remark. */
    markdown(): string {
      const subjects = [...new Set(cells.map(({ subject }) => subject))];
      const notes: string[] = [];
      const cellOf = (feature: string, subject: string) => {
        const cell = cells.find((one) => one.feature === feature && one.subject === subject);
        if (cell === undefined) return "not tested";
        const said = cell.gap ?? cell.note;
        if (said !== undefined && !notes.includes(said)) notes.push(said);
        const mark = said === undefined ? "" : ` (${notes.indexOf(said) + 1})`;
        return `${cell.gap === undefined ? "works" : "no"}${mark}`;
      };
      const rows = [...new Set(cells.map(({ feature }) => feature))].map((feature) => [
        feature,
        ...subjects.map((subject) => cellOf(feature, subject)),
      ]);
      const table = [[corner, ...subjects], ["---", ...subjects.map(() => "---")], ...rows];
      return [
        ...table.map((row) => `| ${row.join(" | ")} |`),
        ...(notes.length === 0 ? [] : ["", ...notes.map((note, index) => `${index + 1}. ${note}`)]),
      ].join("\n");
    },
  };
}

/** What `docs/providers.md` holds between the marks of a table; with `UPDATE_DOCS=1` the table is written there first. */
export function tableInDocs(name: string, table: string): string | undefined {
  const path = "docs/providers.md";
  const begin = `<!-- ${name}: made by \`UPDATE_DOCS=1 npm run jest -- test/providers\` -->`;
  const end = `<!-- end of ${name} -->`;
  const text = readFileSync(path, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to === -1) return undefined;
  if (process.env.UPDATE_DOCS === "1")
    writeFileSync(path, `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`);
  return readFileSync(path, "utf8").split(begin)[1]?.split(end)[0]?.trim();
}
