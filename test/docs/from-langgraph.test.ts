import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import { fencesOf } from "./fences.js";

const page = readFileSync("docs/from-langgraph.md", "utf8");
// Inside the package, so that the programs find what they import.
const folder = mkdtempSync(join(resolve("."), ".docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The sections of the page that hold a pair: a title, the program by hand, and the one here. */
const pairs = page
  .split(/^## /m)
  .slice(1)
  .map((section) => ({
    title: section.slice(0, section.indexOf("\n")),
    programs: fencesOf(section).map(({ text }) => text),
  }));

async function resultOf(name: string, program: string): Promise<unknown> {
  const file = join(folder, `${name}.ts`);
  writeFileSync(file, program);
  return ((await import(file)) as { readonly result: unknown }).result;
}

describe("docs/from-langgraph.md", () => {
  it("shows ten pairs, each by hand and here", () => {
    expect(pairs).toHaveLength(10);
    for (const { programs } of pairs) {
      expect(programs.map((program) => program.slice(0, program.indexOf("\n")))).toEqual([
        "// by hand",
        "// here",
      ]);
    }
  });

  it.each(pairs.map((pair, index) => ({ ...pair, index })))(
    "gives the same by hand and here: $title",
    async ({ programs: [byHand = "", here = ""], index }) => {
      const wanted = await resultOf(`by-hand-${index}`, byHand);
      expect(wanted).toBeDefined();
      expect(await resultOf(`here-${index}`, here)).toEqual(wanted);
    },
  );
});
