import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";

const root = join(import.meta.dirname, "../..");
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "typing-scale-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("type-checking a spec", () => {
  it.each([
    // Bounds are about a quarter above what was measured.
    { nodes: 100, instantiations: 160_000 },
    { nodes: 300, instantiations: 660_000 },
    { nodes: 300, instantiations: 720_000, loops: true },
  ])(
    "of $nodes nodes stays within the compiler's depth and $instantiations instantiations",
    async ({ nodes, instantiations, loops = false }) => {
      const { status, output } = await typeCheck(`spec-${nodes}-${loops}`, source(nodes, loops));
      expect(output).not.toContain("error TS");
      expect(status).toBe(0);
      expect(Number(/Instantiations:\s+(\d+)/.exec(output)?.[1])).toBeLessThan(instantiations);
    },
  );

  it("reports a misspelt need among 100 nodes", async () => {
    const { output } = await typeCheck(
      "misspelt",
      source(100).replace('needs: ["agent0"]', 'needs: ["agnet0"]'),
    );
    expect(output).toMatch(/error TS2820.*"agnet0".*Did you mean '"agent0"'/);
  });
});

/** A spec in layers of agents, schemas, functions and maps, each needing earlier ones. */
function source(count: number, loops = false): string {
  const nodes = Array.from({ length: count }, (_, i) => {
    const needs = i < 6 ? "" : `needs: ["agent${i - (i % 6) - 6}", "score${i - (i % 6) - 5}"], `;
    switch (i % 6) {
      case 0:
        return `agent${i}: { ${i < 6 ? "" : `needs: ["agent${i - 6}"], `}instructions: "Write about part ${i}." },`;
      case 1:
        return `score${i}: { ${needs}instructions: "Judge.", output: z.object({ score: z.number(), label: z.string() }) },`;
      case 2:
        return `sum${i}: { needs: ["score${i - 1}", "agent${i - 2}"], run: ({ needs }) => needs.score${i - 1}.score + needs.agent${i - 2}.length },`;
      case 3:
        return `map${i}: { ${needs}forEach: "tags", run: ({ item }) => item.toUpperCase() },`;
      case 4:
        return `late${i}: { needs: ["score${i - 3}"], join: "settled", run: async ({ needs, input }) => (needs.score${i - 3}?.score ?? 0) + input.text.length },`;
      default:
        if (loops) {
          return `loop${i}: { ${needs}dag: once, input: ({ input, previous }) => ({ before: previous ?? input.text }), repeat: { until: { node: "judge", equals: true }, maxRounds: 3 } },`;
        }
        return `when${i}: { ${needs}when: { input: true, path: "text", exists: true }, instructions: ({ input }) => input.text },`;
    }
  });
  return `import { z } from ${JSON.stringify(join(root, "node_modules/zod/index.js"))};
import { defineDag } from ${JSON.stringify(join(root, "src/spec/define.js"))};
import type { OutcomesOf } from ${JSON.stringify(join(root, "src/records/typed.js"))};
export const once = defineDag({
  name: "once",
  input: z.object({ before: z.string() }),
  nodes: {
    write: { run: ({ input }): string => input.before },
    judge: { needs: ["write"], run: ({ needs }) => String(needs.write).length > 3 },
    text: { needs: ["write", "judge"], run: ({ needs }) => String(needs.write) },
  },
  output: "text",
});
export const dag = defineDag({
  name: "large",
  input: z.object({ text: z.string(), tags: z.array(z.string()) }),
  nodes: {
    ${nodes.join("\n    ")}
  },
});
declare const outcomes: OutcomesOf<typeof dag>;
export const score: number | undefined = outcomes.score1.state === "completed" ? outcomes.score1.value.score : undefined;
export const sum: number | undefined = outcomes.sum2.state === "completed" ? outcomes.sum2.value : undefined;
`;
}

async function typeCheck(name: string, text: string): Promise<{ status: number; output: string }> {
  await writeFile(join(folder, `${name}.mts`), text);
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { typeRoots: [join(root, "node_modules/@types")] },
    files: [`${name}.mts`],
    include: [],
  };
  await writeFile(join(folder, `${name}.json`), JSON.stringify(config));
  return new Promise((resolve) => {
    const args = [tsc, "--noEmit", "--extendedDiagnostics", "-p", join(folder, `${name}.json`)];
    execFile(process.execPath, args, { maxBuffer: 1 << 26 }, (error, stdout) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), output: stdout });
    });
  });
}
