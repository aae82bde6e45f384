import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { DagError, type DagIssue, DagValidationError } from "../../src/errors.js";
import { loadDag, loadDagFile } from "../../src/spec/load.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "load-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function thrown(path: string): Promise<unknown> {
  return loadDag(path).then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function issuesOf(path: string): Promise<readonly DagIssue[]> {
  const error = await thrown(path);
  expect(error).toBeInstanceOf(DagValidationError);
  return (error as DagValidationError).issues;
}

const places = (issues: readonly DagIssue[]) =>
  issues.map(({ code, path, line, column }) => `${code} ${path} ${line}:${column}`);

const review = `# A review.
name: review
input:
  type: object
  properties:
    review: { type: string }
  required: [review]
example:
  review: It works.
nodes:
  features:
    instructions: List the features.
  meta:
    needs: [features]
    instructions: |
      Sum up.
    output:
      type: object
      properties: { stars: { type: integer } }
`;

describe("loadDag", () => {
  it("reads YAML and JSON into the same frozen DAG", async () => {
    const fromYaml = await loadDagFile(await file("review.yaml", review));
    const fromJson = await loadDagFile(
      await file("review.json", JSON.stringify({ ...fromYaml.dag, example: fromYaml.example }, null, "\t")),
    );
    expect(fromJson).toEqual(fromYaml);
    expect(fromYaml.example).toEqual({ review: "It works." });
    expect(fromYaml.dag).not.toHaveProperty("example");
    expect(Object.isFrozen(fromYaml.dag.nodes.meta)).toBe(true);
    expect(await loadDag(join(folder, "review.yaml"))).toEqual(fromYaml.dag);
  });

  it("takes a byte order mark, Windows line ends and a few aliases", async () => {
    const text = `\uFEFF${review.replace("List the features.", "&say List the features.").replace("|\n      Sum up.", "*say")}`;
    const dag = await loadDag(await file("bom.yml", text.replaceAll("\n", "\r\n")));
    expect(dag.nodes.meta?.instructions).toBe("List the features.");
  });

  it("gives line and column of every issue in YAML", async () => {
    const text = review
      .replace("[features]", "[featres]\n    join: { atLeast: 0 }\n    polic: {}")
      .replace("type: integer", "type: intger")
      .replace("name: review\n", "");
    expect(places(await issuesOf(await file("wrong.yaml", text)))).toEqual([
      "bad-name name 2:1",
      "unknown-option nodes.meta.polic 15:5",
      "bad-schema nodes.meta.output 18:5",
      "unknown-need nodes.meta.needs[0] 13:13",
      "out-of-bounds nodes.meta.join.atLeast 14:13",
    ]);
  });

  it("gives line and column of every issue in JSON", async () => {
    const text =
      '{\n\t"name": "x",\n\t"nodes": {\n\t\t"a": { "instructions": "A.", "needs": [\n\t\t\t"b"\n\t\t] } } }';
    expect(places(await issuesOf(await file("wrong.json", text)))).toEqual([
      "unknown-need nodes.a.needs[0] 5:4",
    ]);
  });

  it("refuses an example that does not fit the input", async () => {
    const [issue] = await issuesOf(
      await file("example.yaml", review.replace("review: It works.", "review: 3")),
    );
    expect(issue).toMatchObject({ code: "bad-example", path: "example", line: 8 });
    const text = "name: x\nexample: 3\nnodes: { a: { instructions: A. } }";
    expect(places(await issuesOf(await file("example2.yaml", text)))).toEqual(["bad-example example 2:1"]);
  });

  it("says that functions and tools are TypeScript only", async () => {
    const text =
      "name: x\nnodes:\n  a: { run: ./a.js }\n  b: { tool: search }\n  c: { instructions: C., tools: [search] }";
    const issues = await issuesOf(await file("typescript.yaml", text));
    expect(issues.map(({ code }) => code)).toEqual(["bad-run", "bad-tool", "bad-tool"]);
    expect(issues.every(({ hint }) => hint.includes("TypeScript"))).toBe(true);
  });
});

const alias = (count: number) => Array(count).fill("*a").join(", ");
const bomb = [
  "a: &a [x]",
  ..."bcdefghi".split("").map((c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(", ")}]`),
];
const hostile: [string, string, string][] = [
  ["a syntax error", "name: x\nnodes: [", "bad-yaml"],
  ["a tab as indentation", "name: x\nnodes:\n\ta: 1", "bad-yaml"],
  ["a duplicate key", "name: x\nnodes: {}\nname: y", "duplicate-key"],
  ["a tag of a language", "name: !!js/function 'x'", "bad-yaml"],
  ["a tag of its own", "name: !own x", "bad-yaml"],
  ["binary data", "name: !!binary aGk=", "bad-tag"],
  ["a set", "nodes: !!set { a }", "bad-tag"],
  ["__proto__ as a key", "__proto__: { a: 1 }", "bad-key"],
  ["a merge key", "a: &a { b: 1 }\nc:\n  <<: *a", "bad-key"],
  ["a number as a key", "1: x", "bad-key"],
  ["a list as a key", "? [a]\n: x", "bad-key"],
  ["two documents", "name: x\n---\nname: y", "several-documents"],
  ["an anchor that is missing", "name: *a", "bad-alias"],
  ["an anchor that contains itself", "nodes: &a [*a]", "bad-alias"],
  ["aliases that multiply", bomb.join("\n"), "too-many-aliases"],
  ["many aliases", `a: &a x\nb: [${alias(101)}]`, "too-many-aliases"],
  ["half a million brackets", "[".repeat(500_000), "too-deep"],
  ["a deep list of lists", "- ".repeat(100_000), "too-deep"],
  ["an empty file", "", "empty-file"],
  ["only a comment", "# nothing\n", "empty-file"],
  ["plain text", "hello", "not-a-dag"],
];

describe("loadDag refuses", () => {
  it.each(hostile.map(([what, text, code], i) => ({ what, text, code, i })))(
    "$what",
    async ({ text, code, i }) => {
      const [first] = await issuesOf(await file(`hostile-${i}.yaml`, text));
      expect(first?.code).toBe(code);
      expect(first?.line).toBeGreaterThan(0);
      expect(Object.hasOwn(Object.prototype, "a")).toBe(false);
    },
  );

  it.each([
    ["a comment", '{\n  "name": "x" // no\n}', 2],
    ["a trailing comma", '{\n  "name": "x",\n}', 3],
    ["a key without quotes", "{\n\n  name: 1 }", 3],
    ["an end that is missing", '{\n  "name": "x"\n', 3],
  ])("JSON with %s, at its line", async (what, text, line) => {
    const issues = await issuesOf(await file(`${what}.json`, text));
    expect(issues.map(({ code, line }) => ({ code, line }))).toEqual([{ code: "bad-json", line }]);
  });

  it("a JSON key that stands twice", async () => {
    expect(places(await issuesOf(await file("twice.json", '{ "name": "x",\n  "name": "y" }')))).toEqual([
      "duplicate-key  2:3",
    ]);
  });

  it("100,000 keys without comparing each with each", async () => {
    const text = Array.from({ length: 80_000 }, (_, i) => `k${i}: 1`).join("\n");
    expect((await issuesOf(await file("keys.yaml", text))).length).toBeGreaterThan(0);
  });

  it.each([
    ["a missing file", "FILE_UNREADABLE", async () => join(folder, "none.yaml")],
    ["a directory", "FILE_UNREADABLE", async () => folder],
    ["a pipe that nobody writes to", "FILE_UNREADABLE", async () => pipe()],
    ["a file over 1 MiB", "FILE_TOO_LARGE", () => file("large.yaml", "a".repeat(1024 * 1024 + 1))],
    ["NUL bytes", "FILE_NOT_TEXT", () => file("nul.yaml", "name: \0")],
    [
      "bytes that are not UTF-8",
      "FILE_NOT_TEXT",
      () => file("latin.yaml", new Uint8Array([0x61, 0xe9, 0x61])),
    ],
    ["another kind of file", "FILE_FORM", () => file("graph.toml", "name = 1")],
  ])("%s", async (_, code, path) => {
    const error = await thrown(await path());
    expect(error).toBeInstanceOf(DagError);
    expect(error).not.toBeInstanceOf(DagValidationError);
    expect(error).toMatchObject({ code });
  });
});

function pipe(): string {
  const path = join(folder, "pipe.yaml");
  execFileSync("mkfifo", [path]);
  return path;
}

describe("a graph node's file", () => {
  const outer = (path: string) => `name: outer\nnodes:\n  inner:\n    dag: ${path}\n`;
  const inner = "name: inner\nnodes: { a: { instructions: A. } }";

  it("is read relative to the file that names it", async () => {
    await file("nest/deep/inner.yaml", inner);
    await file("nest/middle.json", '{ "name": "middle", "nodes": { "m": { "dag": "./deep/inner.yaml" } } }');
    const dag = await loadDag(await file("nest/outer.yaml", outer("middle.json")));
    expect(dag.nodes.inner?.dag?.nodes.m?.dag?.nodes.a?.instructions).toBe("A.");
  });

  it("is named in its issues, with its own lines", async () => {
    await file("inner-wrong.yaml", `${inner}\noutput: b`);
    const issues = await issuesOf(await file("outer-wrong.yaml", outer("inner-wrong.yaml")));
    expect(places(issues)).toEqual(["unknown-output nodes.inner.dag.output 3:1"]);
    expect(issues[0]?.message).toContain('"inner-wrong.yaml"');
  });

  it("is refused when the files contain each other, with the chain", async () => {
    await file("ring-b.yaml", outer("ring-c.yaml"));
    await file("ring-c.yaml", outer("ring-a.yaml"));
    const issues = await issuesOf(await file("ring-a.yaml", outer("./ring-b.yaml")));
    expect(issues.map(({ code }) => code)).toEqual(["file-cycle"]);
    expect(issues[0]?.message).toContain("ring-a.yaml → ring-b.yaml → ring-c.yaml → ring-a.yaml");
  });

  it("is refused when it names itself through a link", async () => {
    const path = await file("self.yaml", outer("self-link.yaml"));
    await symlink(path, join(folder, "self-link.yaml"));
    expect((await issuesOf(path)).map(({ code }) => code)).toEqual(["file-cycle"]);
  });

  it.each([
    ["/etc/hosts.yaml", "bad-dag-path"],
    ["https://host/x.yaml", "bad-dag-path"],
    ["3", "bad-dag-path"],
    ["{ name: x }", "bad-dag-path"],
    ["none.yaml", "bad-dag-file"],
    [".", "bad-dag-file"],
    ["review.ts", "bad-dag-file"],
  ])("is refused as %s, at its line", async (path, code) => {
    await file("review.ts", "export {}");
    expect(places(await issuesOf(await file("link.yaml", outer(path))))).toEqual([
      `${code} nodes.inner.dag 4:5`,
    ]);
  });

  it("does not hide the mistakes of other nodes when its file cannot be used", async () => {
    const path = await file(
      "hides.yaml",
      `name: hides
nodes:
  inner: { dag: none.yaml }
  a: { instructions: A, needs: [b] }
  c: { instructions: C, needs: [inner], join: { atLeast: 3 } }
`,
    );
    expect(places(await issuesOf(path)).sort()).toEqual([
      expect.stringMatching(/^bad-dag-file nodes\.inner\.dag 3:/),
      expect.stringMatching(/^join-above-needs nodes\.c\.join/),
      expect.stringMatching(/^unknown-need nodes\.a\.needs\[0\] 4:/),
    ]);
  });
});

it("knows the field of a file that a spec does not have", async () => {
  const path = await file("slip.yaml", "name: slip\nexampel: x\nnodes:\n  a: { instructions: A }\n");
  expect(await issuesOf(path)).toMatchObject([{ path: "exampel", hint: 'Did you mean "example"?' }]);
});
