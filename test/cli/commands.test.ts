import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { installedFrom } from "../../src/cli/init-command.js";
import type { RunRecord } from "../../src/records/record.js";
import { cli } from "./cli-run.js";

let folder: string;
const file = (name: string, content: string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const review = "examples/review.yaml";
const mistakes = () =>
  file(
    "mistakes.yaml",
    `name: mistakes
nodes:
  a: { instructions: A, needs: [c] }
  b: { instructions: B, needs: [a, sentimant] }
  c: { instructions: C, needs: [b] }
  sentiment: { instructions: S }
  quorum: { instructions: Q, needs: [sentiment], join: { atLeast: 3 } }
`,
  );

describe("agent-dag run", () => {
  it("prints one record and nothing else on stdout with --json", async () => {
    const { stdout, stderr, exitCode } = await cli(["run", review, "--model", "offline", "--json"]);
    expect(exitCode).toBe(0);
    const record = JSON.parse(stdout) as RunRecord;
    expect(Object.values(record.outcomes).map(({ state }) => state)).toEqual(Array(5).fill("completed"));
    expect(record).toMatchObject({ version: 1, topology: "deterministic", state: "completed" });
    expect(stderr).toContain("meta       completed");
  });

  it("prints every output and, with --timeline, a bar for each node within 80 columns", async () => {
    const { stdout } = await cli([
      "run",
      review,
      "--model",
      "offline",
      "--timeline",
      "--topology",
      "sequential",
    ]);
    for (const name of ["features", "prosCons", "sentiment", "recommend", "meta"]) {
      expect(stdout).toMatch(new RegExp(`^[─═]{2} ${name} `, "m"));
      expect(stdout).toMatch(new RegExp(`^✓ ${name} .*[▏▎▍▌▋▊▉█▐▕]`, "m"));
    }
    expect(stdout).toMatch(/product-review · sequential/);
    const timeline = stdout.slice(stdout.indexOf("product-review ·"));
    expect(Math.max(...timeline.split("\n").map((line) => [...line].length))).toBeLessThanOrEqual(80);
  });

  it("ends with 1 when the run failed, the record printed all the same", async () => {
    const failing = file(
      "failing.mjs",
      'export const dag = { name: "failing", nodes: { a: { run: () => 1 }, b: { needs: ["a"], run: () => { throw new Error("no luck"); } } } };\n',
    );
    const { stdout, stderr, exitCode } = await cli(["run", failing, "--text", "x", "--json"]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ state: "failed", outcomes: { a: { state: "completed" } } });
    expect(stderr).toMatch(/failed: .*no luck/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it("ends with 0 and a notice when the result is partial", async () => {
    const partial = file(
      "partial.mjs",
      'export const dag = { name: "partial", nodes: { a: { run: () => 1 }, b: { run: () => { throw new Error("no luck"); } } } };\n',
    );
    const { exitCode, stderr } = await cli(["run", partial, "--text", "x"]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/partial: .*b failed/);
  });

  it.each([
    ["a file that does not exist", ["run", "nowhere.yaml"], /There is no file "nowhere\.yaml"/],
    ["a folder", ["run", "examples"], /is not a file/],
    ["an ending that is no graph", ["run", "README.md"], /is not a graph file/],
    ["an unknown topology", ["run", review, "--topology", "sideways"], /Allowed choices are deterministic/],
    ["an unknown option", ["run", review, "--modle", "offline"], /unknown option '--modle'[\s\S]*--model/],
    ["an unknown command", ["rum", review], /unknown command 'rum'[\s\S]*run/],
    ["an unknown provider", ["run", review, "--model", "nobody:x"], /npm install @langchain\/nobody/],
    ["a model without a provider", ["run", review, "--model", "gpt-4.1"], /Did you mean "openai:gpt-4\.1"/],
  ])("ends with 2 and says what to do about %s", async (_what, args, message) => {
    const { stdout, stderr, exitCode } = await cli(args as string[]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message as RegExp);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it("refuses a goal where no planner is to reach it", async () => {
    const { exitCode, stderr } = await cli([
      "run",
      "examples/review.ts",
      "--text",
      "Good.",
      "--goal",
      "Be brief.",
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/--goal is for a planner, and "deterministic" has none/);
  });

  it("says in which line a graph file cannot be read", async () => {
    const file = join(folder, "broken.ts");
    writeFileSync(
      file,
      'import { defineDag } from "agent-dag";\nexport default defineDag({\n  name: "x" nodes: {}\n});\n',
    );
    const { exitCode, stderr } = await cli(["check", file]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/could not be loaded \(line 3, column \d+\)/);
  });

  it("shows the stack with --debug", async () => {
    const { stderr } = await cli(["run", "nowhere.yaml", "--debug"]);
    expect(stderr).toMatch(/\n\s+at /);
  });

  it("lists every issue of an invalid graph and ends with 2", async () => {
    const { stderr, exitCode, stdout } = await cli(["run", mistakes(), "--text", "x"]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/has 3 issues/);
  });

  it("asks which graph is meant when a file exports several, and takes the one that is named", async () => {
    const two = file(
      "two.mjs",
      'const dag = (name, value) => ({ name, nodes: { only: { run: () => value } } });\nexport const first = dag("first", 1);\nexport const second = dag("second", 2);\n',
    );
    const asked = await cli(["run", two, "--text", "x"]);
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toMatch(/several graphs: first, second/);
    const named = await cli(["run", `${two}#second`, "--text", "x", "--json"]);
    expect(JSON.parse(named.stdout)).toMatchObject({ output: 2 });
    expect((await cli(["run", `${two}#third`, "--text", "x"])).stderr).toMatch(/no graph named "third"/);
  });
});

describe("agent-dag check", () => {
  it("lists a cycle, a misspelt need and an impossible join, each with a hint and its line", async () => {
    const { stderr, exitCode } = await cli(["check", mistakes()]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/line 3.*\[cycle\]\n\s+\S/);
    expect(stderr).toMatch(/line 4.*sentimant.*\[unknown-need\]\n\s+Did you mean "sentiment"\?/);
    expect(stderr).toMatch(/line 7.*\[join-above-needs\]\n\s+Use at most 1/);
  });

  it("says what a valid graph is", async () => {
    const { stdout, exitCode } = await cli(["check", review]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("product-review: 5 nodes in 2 layers, output meta. No issues.");
  });
});

describe("agent-dag graph", () => {
  it.each([
    ["mermaid", /^flowchart TD[\s\S]*features/],
    ["svg", /^<svg [\s\S]*<\/svg>\n$/],
    ["json", /"outputs": \[\n\s+"meta"/],
  ])("writes %s", async (format, expected) => {
    const { stdout, exitCode } = await cli(["graph", review, "--format", format]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(expected);
  });
});

describe("agent-dag init", () => {
  /** The file or folder that a project installs this package from. */
  function dependencyOf(project: string): string {
    const { dependencies } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    expect(dependencies["agent-dag"]).toMatch(/^file:/);
    return resolve(project, dependencies["agent-dag"].replace("file:", ""));
  }

  it.each([
    "file:./agent-dag-0.1.0.tgz",
    "./agent-dag-0.1.0.tgz",
    "file:agent-dag-0.1.0.tgz",
    "file:../x/y z.tgz",
    "file:.",
  ])("takes a path as seen from here: %s", async (spec) => {
    const target = join(mkdtempSync(join(folder, "init-")), "deep", "mine");
    expect((await cli(["init", target, "--package", spec])).exitCode).toBe(0);
    expect(dependencyOf(target)).toBe(resolve(spec.replace("file:", "")));
  });

  it.each([
    "0.1.0",
    "^1",
    "npm:agent-dag@0.1.0",
    "file:/opt/agent-dag.tgz",
    "github:me/agent-dag",
    "https://host/x.tgz",
  ])("leaves what is no such path: %s", async (spec) => {
    const target = join(mkdtempSync(join(folder, "init-")), "mine");
    await cli(["init", target, "--package", spec]);
    const { dependencies } = JSON.parse(readFileSync(join(target, "package.json"), "utf8"));
    expect(dependencies["agent-dag"]).toBe(spec);
  });

  it("installs the new project from what this package was installed from", () => {
    const modules = join(mkdtempSync(join(folder, "user-")), "node_modules");
    mkdirSync(modules);
    const from = (resolved: string) => {
      const packages = { "node_modules/agent-dag": { resolved } };
      writeFileSync(join(modules, ".package-lock.json"), JSON.stringify({ packages }));
      return installedFrom(join(modules, "../deep/mine"), "1.2.3", join(modules, "agent-dag"));
    };
    expect(from("file:../agent-dag-1.2.3.tgz")).toBe("file:../../../agent-dag-1.2.3.tgz");
    expect(from("git+ssh://git@host/me/agent-dag.git#0a1b")).toBe("git+ssh://git@host/me/agent-dag.git#0a1b");
    expect(from("https://registry.example/agent-dag-1.2.3.tgz")).toBe("^1.2.3");
    rmSync(join(modules, ".package-lock.json"));
    expect(installedFrom(folder, "1.2.3", join(modules, "agent-dag"))).toBe("^1.2.3");
  });

  it("writes a project that npm can install from the path that was given, without network", async () => {
    const tarball = join(folder, "agent-dag-9.9.9.tgz");
    const staged = join(folder, "package");
    mkdirSync(staged, { recursive: true });
    writeFileSync(join(staged, "package.json"), JSON.stringify({ name: "agent-dag", version: "9.9.9" }));
    execFileSync("tar", ["-czf", tarball, "-C", folder, "package"]);
    const target = join(folder, "installed");
    const from = relative(process.cwd(), tarball);
    await cli(["init", target, "--package", `file:${from}`]);
    // Only this package: the others would come from a registry.
    const manifest = JSON.parse(readFileSync(join(target, "package.json"), "utf8"));
    const only = {
      name: "only",
      private: true,
      dependencies: { "agent-dag": manifest.dependencies["agent-dag"] },
    };
    writeFileSync(join(target, "package.json"), JSON.stringify(only));
    execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund"], { cwd: target, stdio: "pipe" });
    const installed = readFileSync(join(target, "node_modules/agent-dag/package.json"), "utf8");
    expect(JSON.parse(installed)).toMatchObject({ version: "9.9.9" });
  });

  it("writes a project whose graph is valid, and never into a folder that holds something", async () => {
    const target = join(folder, "mine");
    const { exitCode, stdout } = await cli(["init", target, "--package", "file:../agent-dag.tgz"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/npm install[\s\S]*npm start[\s\S]*npm test/);
    expect(readdirSync(target).sort()).toEqual(
      [".gitignore", "graph.test.ts", "graph.ts", "jest.config.js", "package.json", "tsconfig.json"].sort(),
    );
    expect(dependencyOf(target)).toBe(resolve("../agent-dag.tgz"));
    // Run from a checkout, the project installs the checkout.
    const other = join(folder, "sub dir", "other");
    expect((await cli(["init", other])).stdout).toContain("other'\n");
    expect(dependencyOf(other)).toBe(process.cwd());
    const again = await cli(["init", target]);
    expect(again.exitCode).toBe(2);
    expect(again.stderr).toMatch(/is not empty/);
  });

  it.each(readdirSync("templates"))("begins with the template %s", async (template) => {
    const target = join(mkdtempSync(join(folder, "template-")), "mine");
    const { exitCode, stdout } = await cli(["init", target, "--template", template, "--package", "1.0.0"]);
    expect(exitCode).toBe(0);
    const its = readdirSync(join("templates", template)).filter((name) => name !== "__snapshots__");
    expect(its).toEqual(expect.arrayContaining(["graph.ts", "graph.test.ts"]));
    for (const name of its)
      expect(readFileSync(join(target, name), "utf8")).toBe(
        readFileSync(join("templates", template, name), "utf8"),
      );
    const { scripts } = JSON.parse(readFileSync(join(target, "package.json"), "utf8"));
    expect(scripts.start).toMatch(/^agent-dag (run|batch|serve) graph\.ts/);
    expect(stdout).toContain("npm start");
  });

  it("begins a batch with rows that the offline model can do, all of them", async () => {
    const results = join(mkdtempSync(join(folder, "rows-")), "results.jsonl");
    const its = ["templates/batch/graph.ts", "templates/batch/rows.csv"];
    const { exitCode, stdout } = await cli([
      "batch",
      ...its,
      "--key",
      "id",
      "--out",
      results,
      "--model",
      "offline",
    ]);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("4 rows: 4 completed")]);
  });

  it.each([
    ["where the kernel makes no folders", "/proc/none/of/it"],
    ["below a file", join("/dev/null", "x")],
    ["without a name", ""],
    ["with a name of blanks", "  "],
  ])("does not hang or write %s", async (_what, target) => {
    const { exitCode, stderr } = await cli(["init", target]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error: /);
  });

  it("knows which templates there are", async () => {
    const { exitCode, stderr } = await cli(["init", join(folder, "none"), "--template", "chat"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/review.*revise.*batch.*service/);
  });

  describe("in a project that is there", () => {
    const project = (manifest: string, ...files: string[]) => {
      const target = mkdtempSync(join(folder, "there-"));
      writeFileSync(join(target, "package.json"), manifest);
      for (const name of files) writeFileSync(join(target, name), "mine");
      return target;
    };

    it("adds what is missing, and keeps what it holds", async () => {
      const manifest = {
        name: "shop",
        type: "module",
        scripts: { start: "node shop.js", build: "tsc" },
        dependencies: { zod: "^4.2.0", express: "^5" },
        license: "MIT",
      };
      const target = project(JSON.stringify(manifest, null, 4), "tsconfig.json", "shop.js");
      const { exitCode, stdout } = await cli(["init", target, "--package", "1.0.0"]);
      expect(exitCode).toBe(0);
      const text = readFileSync(join(target, "package.json"), "utf8");
      expect(text).toContain('\n    "name": "shop"');
      const { scripts, dependencies, devDependencies, ...others } = JSON.parse(text);
      expect(others).toEqual({ name: "shop", type: "module", license: "MIT" });
      expect(scripts).toMatchObject({
        start: "node shop.js",
        build: "tsc",
        graph: expect.stringContaining("run graph.ts"),
      });
      expect(dependencies).toMatchObject({ zod: "^4.2.0", express: "^5", "agent-dag": "1.0.0" });
      expect(devDependencies).toHaveProperty("jest");
      expect(readFileSync(join(target, "tsconfig.json"), "utf8")).toBe("mine");
      expect(readdirSync(target)).toEqual(
        expect.arrayContaining(["graph.ts", "graph.test.ts", "jest.config.js", "shop.js"]),
      );
      expect(stdout).toContain("npm run graph");
    });

    it.each([
      ["a script", JSON.stringify({ scripts: { test: "vitest run" } }), []],
      ["a configuration", "{}", ["vitest.config.ts"]],
    ])("writes no tests where it has its own: %s", async (_, manifest, files) => {
      const target = project(manifest, ...files);
      const { exitCode, stdout } = await cli(["init", target, "--package", "1.0.0"]);
      expect(exitCode).toBe(0);
      expect(readdirSync(target)).not.toContain("graph.test.ts");
      expect(
        JSON.parse(readFileSync(join(target, "package.json"), "utf8")).devDependencies,
      ).not.toHaveProperty("jest");
      expect(stdout).toMatch(/has tests of its own/);
    });

    it("takes a module type into account: a project of CommonJS gets a configuration that Node reads", async () => {
      const target = project("{}");
      await cli(["init", target, "--package", "1.0.0"]);
      expect(readdirSync(target)).toContain("jest.config.mjs");
    });

    it.each([
      ["a file of the same name", "{}", ["graph.ts"], /is not empty: it holds graph\.ts/],
      ["a package.json that is none", "{", [], /package\.json in .* cannot be read/],
      ["a package.json that is a list", "[]", [], /package\.json in .* cannot be read/],
    ])("writes nothing where it holds %s", async (_, manifest, files, says) => {
      const target = project(manifest, ...files);
      const { exitCode, stderr } = await cli(["init", target]);
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(says);
      expect(readdirSync(target).sort()).toEqual([...files, "package.json"].sort());
      expect(readFileSync(join(target, "package.json"), "utf8")).toBe(manifest);
    });
  });
});
