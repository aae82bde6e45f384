import { readFileSync, writeFileSync } from "node:fs";

/** One combination in which a behaviour holds, or the reason why it cannot. */
export interface Cell {
  readonly claim: string;
  readonly door: string;
  readonly topology: string;
  /** Whether there is a checkpointer. */
  readonly kept: boolean;
  /** Why it cannot hold here; `undefined` where it is tested. */
  readonly skip: string | undefined;
}

/**
 * The contract as Markdown: a row for each behaviour, a column for each door with and without a checkpointer. A tick stands for
 * all topologies, a fraction for some of them; the notes say why the others are left out.
 */
export function contractTable(cells: readonly Cell[]): string {
  const claims = [...new Set(cells.map(({ claim }) => claim))];
  const columns = [...new Set(cells.map(columnOf))];
  const notes: string[] = [];
  const noteOf = (reason: string) => {
    if (!notes.includes(reason)) notes.push(reason);
    return notes.indexOf(reason) + 1;
  };
  const textOf = (own: readonly Cell[]) => {
    const held = own.filter(({ skip }) => skip === undefined).length;
    const reasons = [...new Set(own.flatMap(({ skip }) => (skip === undefined ? [] : [noteOf(skip)])))];
    const part = held === own.length ? "✓" : held === 0 ? "–" : `${held}/${own.length}`;
    return reasons.length === 0 ? part : `${part} (${reasons.join(", ")})`;
  };
  const rows = claims.map((claim) => [
    claim,
    ...columns.map((column) =>
      textOf(cells.filter((cell) => cell.claim === claim && columnOf(cell) === column)),
    ),
  ]);
  const held = cells.filter(({ skip }) => skip === undefined).length;
  const topologies = new Set(cells.map(({ topology }) => topology)).size;
  return [
    `${claims.length} behaviours × ${columns.length / 2} doors × ${topologies} topologies × with and without a checkpointer: ${held} combinations are tested, ${cells.length - held} cannot hold.`,
    "",
    ...[["Every door …", ...columns], columns.map(() => "---").concat("---"), ...rows].map(
      (row) => `| ${row.join(" | ")} |`,
    ),
    "",
    ...notes.map((reason, index) => `${index + 1}. ${reason[0]?.toUpperCase()}${reason.slice(1)}.`),
  ].join("\n");
}

function columnOf({ door, kept }: Cell): string {
  return kept ? door : `${door}, no checkpointer`;
}

const begin = "<!-- made by `UPDATE_DOCS=1 npm run contract` -->";
const end = "<!-- end -->";

/** What a page holds between the marks of the table; with `UPDATE_DOCS=1` the table is written there first. */
export function tableIn(path: string, table: string): string | undefined {
  const text = readFileSync(path, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to === -1) return undefined;
  if (process.env.UPDATE_DOCS === "1")
    writeFileSync(path, `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`);
  return readFileSync(path, "utf8").split(begin)[1]?.split(end)[0]?.trim();
}
