import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "@jest/globals";
import { z } from "zod";
import type { BatchItem } from "../../src/batch/item.js";
import { DagError } from "../../src/errors.js";
import { defineDag } from "../../src/spec/define.js";

/** A folder anew for each test of the file that imports this, and the results file in it. */
export let folder: string;
export let results: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-batch-"));
  results = join(folder, "results.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

export const pause = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));
/** The lines of the results file. */
export const lines = () =>
  readFileSync(results, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as BatchItem);

export interface Row {
  readonly id: string;
  readonly text: string;
}

/** A graph that counts its runs, and fails on "bad". */
export function counting() {
  const ran: string[] = [];
  const spec = defineDag({
    name: "shout",
    input: z.object({ id: z.string(), text: z.string() }),
    nodes: {
      loud: {
        run: ({ input }) => {
          ran.push(input.id);
          if (input.text === "bad") throw new DagError("TOO_BAD", "It is bad.");
          return input.text.toUpperCase();
        },
      },
      out: { needs: ["loud"], run: ({ needs }) => `${needs.loud}!` },
    },
  });
  return { spec, ran };
}

export const rows = (...texts: string[]): Row[] => texts.map((text, i) => ({ id: `r${i}`, text }));

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
