import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { type DagSpec, defineDag, run, warningsOf } from "../../src/index.js";
import { cli } from "../cli/cli-run.js";
import { cpuMs } from "../support/cpu-ms.js";

const kind = {
  run: () => ({ label: "bug", n: 3 }),
  output: z.object({ label: z.enum(["bug", "praise", "other"]), n: z.number() }),
};
const when = (test: object, node = "kind", path = "label") => ({
  needs: [node],
  when: { node, path, ...test },
  run: () => 1,
});
const dag = (nodes: object, more: object = {}) =>
  defineDag({
    name: "w",
    input: z.object({ n: z.number() }),
    nodes: { kind, ...nodes } as never,
    ...more,
  }) as DagSpec;
const end = (fields: object = {}) => ({ needs: ["a", "b"], run: () => 1, ...fields });
const found = (spec: DagSpec) => warningsOf(spec).map(({ code, path }) => `${code} ${path}`);

describe("a node that can never run", () => {
  const never: readonly (readonly [string, object, object])[] = [
    ["two values", { equals: "bug" }, { equals: "praise" }],
    ["a value and a list", { equals: "bug" }, { in: ["praise", "other"] }],
    ["two lists", { in: ["bug"] }, { in: ["praise", "other"] }],
    ["a value and nothing", { equals: "bug" }, { exists: false }],
    ["something and nothing", { exists: true }, { exists: false }],
  ];
  it.each(never)("is one whose join waits for exclusive branches: %s", (_, a, b) => {
    expect(found(dag({ a: when(a), b: when(b), end: end() }))).toEqual(["never-runs nodes.end.join"]);
    expect(found(dag({ a: when(a), b: when(b), end: end({ join: { atLeast: 2 } }) }))).toEqual([
      "never-runs nodes.end.join",
    ]);
    const long = {
      a: when(a),
      a2: { needs: ["a"], run: () => 1 },
      b: when(b),
      end: { needs: ["a2", "b"], run: () => 1 },
      after: { needs: ["end"], run: () => 1 },
    };
    expect(found(dag(long))).toEqual(["never-runs nodes.end.join"]);
    for (const join of ["any", "settled", { atLeast: 1 }])
      expect(found(dag({ a: when(a), b: when(b), end: end({ join }) }))).toEqual([]);
  });

  const label = (test: object) => ({ node: "kind", path: "label", ...test });
  const branch = (condition: object) => ({ needs: ["kind"], when: condition, run: () => 1 });
  it.each([
    ["a condition and its opposite", label({ equals: "bug" }), { not: label({ equals: "bug" }) }],
    ["a value and no member of a list", label({ equals: "bug" }), { not: label({ in: ["bug", "other"] }) }],
    ["something and its opposite", { not: label({ exists: true }) }, label({ exists: true })],
    [
      "none of several",
      { not: { any: [label({ equals: "bug" }), label({ equals: "other" })] } },
      label({ equals: "other" }),
    ],
    ["what is denied twice", { not: { not: label({ equals: "bug" }) } }, label({ equals: "praise" })],
  ])("is found behind a branch and the else of it: %s", (_, a, b) => {
    const [one] = warningsOf(dag({ a: branch(a), b: branch(b), end: end() }));
    expect(one).toMatchObject({
      code: "never-runs",
      path: "nodes.end.join",
      message: expect.stringMatching(/"kind"/),
    });
  });

  it.each([
    ["a value that the other denies not", { not: label({ equals: "bug" }) }, label({ in: ["bug", "other"] })],
    ["two denials", { not: label({ equals: "bug" }) }, { not: label({ equals: "other" }) }],
    [
      "not all of several",
      { not: { all: [label({ equals: "bug" }), label({ exists: true })] } },
      label({ equals: "bug" }),
    ],
  ])("is not seen where both branches can run: %s", (_, a, b) => {
    expect(found(dag({ a: branch(a), b: branch(b), end: end() }))).toEqual([]);
  });

  it.each([
    ["numbers that do not meet", { gt: 5 }, { lt: 5 }],
    ["a number out of the list", { gt: 5 }, { in: [1, 2] }],
    ["a number and nothing", { gt: 5 }, { exists: false }],
  ])("is found among %s", (_, a, b) => {
    expect(found(dag({ a: when(a, "kind", "n"), b: when(b, "kind", "n"), end: end() }))).toEqual([
      "never-runs nodes.end.join",
    ]);
    const own = {
      a: when(a, "kind", "n"),
      end: { needs: ["kind", "a"], when: { node: "kind", path: "n", ...b }, run: () => 1 },
    };
    expect(found(dag(own))).toEqual(["never-runs nodes.end.when"]);
  });

  it.each([
    ["the state that its join excludes", { when: { node: "a", state: "failed" } }, "when"],
    ["several such states", { when: { node: "a", state: ["failed", "timed-out"] } }, "when"],
    [
      "such a state among others",
      {
        when: {
          all: [
            { node: "kind", path: "n", gt: 1 },
            { node: "a", state: ["skipped"] },
          ],
        },
      },
      "when",
    ],
    [
      "what a need's own condition excludes",
      { when: { all: [{ node: "kind", path: "label", equals: "praise" }] } },
      "when",
    ],
  ])("is one whose `when` asks for %s", (_, fields, field) => {
    const nodes = { a: when({ equals: "bug" }), end: { needs: ["kind", "a"], run: () => 1, ...fields } };
    expect(found(dag(nodes))).toEqual([`never-runs nodes.end.${field}`]);
    expect(found(dag({ ...nodes, end: { ...nodes.end, join: "settled" } }))).toEqual([]);
  });

  it("is not one whose branches can both run", () => {
    for (const [a, b] of [
      [{ equals: "bug" }, { in: ["bug", "other"] }],
      [{ gt: 1 }, { lt: 5 }],
      [{ exists: true }, { equals: "bug" }],
    ])
      expect(found(dag({ a: when(a as object), b: when(b as object), end: end() }))).toEqual([]);
    expect(
      found(dag({ a: when({ equals: 1 }, "kind", "n"), b: when({ equals: "bug" }), end: end() })),
    ).toEqual([]);
    expect(
      found(dag({ a: { ...when({}), when: () => true }, b: when({ equals: "bug" }), end: end() })),
    ).toEqual([]);
  });

  it("never runs indeed, and is told by check, which ends with 0", async () => {
    const spec = dag(
      { a: when({ equals: "bug" }), b: when({ equals: "praise" }), end: end() },
      { output: "end" },
    );
    expect((await run(spec, { n: 1 })).outcomes.end?.state).toBe("skipped");
    const folder = mkdtempSync(join(tmpdir(), "warnings-"));
    const file = join(folder, "g.yaml");
    writeFileSync(
      file,
      "name: g\nnodes:\n  k: { instructions: K., output: { type: string, enum: [x, y] } }\n  a: { needs: [k], instructions: A., when: { node: k, equals: x } }\n  b: { needs: [k], instructions: B., when: { node: k, equals: y } }\n  e: { needs: [a, b], instructions: E. }\n  f: { needs: [a], instructions: F., join: settled, when: { node: a, path: label, exists: true } }\n",
    );
    const { stdout, stderr, exitCode } = await cli(["check", file]);
    rmSync(folder, { recursive: true });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining("No issues.") });
    expect(stderr).toMatch(
      /warning: +nodes\.e\.join: Node "e" can never run: "a", which its join waits for, asks that "k" is "x", and "b".*is "y"\. \[never-runs\]/,
    );
    expect(stderr).toContain('nodes.f.when: "a" gives a text, which has no "label".');
  });
});

describe("a reference into the text of an agent", () => {
  it("is told wherever it stands", () => {
    const tool = { name: "t", invoke: async () => 1 };
    const spec = dag({
      text: { instructions: "Say." },
      m: { needs: ["text"], forEach: { node: "text" }, run: () => 1 },
      m2: {
        needs: ["text"],
        forEach: { items: { node: "text", path: "items" }, maxConcurrency: 2 },
        run: () => 1,
      },
      t: { needs: ["text"], tool, args: { q: { $ref: { node: "text", path: "q" } } } },
      fine: {
        needs: ["text"],
        tool,
        args: { q: { $ref: { node: "text" } } },
        when: { node: "text", equals: "x" },
      },
      g: {
        dag: defineDag({
          name: "i",
          nodes: { x: { instructions: "X." }, y: { needs: ["x"], forEach: { node: "x" }, run: () => 1 } },
        }),
        input: "x",
      },
    });
    expect(found(spec)).toEqual([
      "path-into-text nodes.m.forEach",
      "path-into-text nodes.m2.forEach",
      "path-into-text nodes.t.args",
      "path-into-text nodes.g.dag.nodes.y.forEach",
    ]);
  });

  it("walks a long chain of nodes with conditions in time that grows with its length, not with its square", async () => {
    const chain = (length: number) =>
      Object.fromEntries(
        Array.from({ length }, (_, i) => [
          `n${i}`,
          {
            ...(i > 0 && { needs: [`n${i - 1}`] }),
            when: { input: true, path: "n", equals: 1 },
            run: () => 1,
          },
        ]),
      );
    const timeOf = (length: number) => cpuMs(() => expect(found(dag(chain(length)))).toEqual([]));
    await timeOf(100);
    const [short, long] = [await timeOf(500), await timeOf(5_000)];
    expect(long / Math.max(short, 1)).toBeLessThan(40);
  });
});
