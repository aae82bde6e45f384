import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";

const root = resolve(".");
// Inside the project, so that the packages are found as in a user's own folder.
const folder = join(root, "test", "jest", `.vitest-${process.pid}`);

const config = `
export default {
  cacheDir: ${JSON.stringify(join(folder, "cache"))},
  resolve: {
    alias: [
      { find: /^agent-dag$/, replacement: ${JSON.stringify(join(root, "src/index.ts"))} },
      { find: /^agent-dag\\/(testing|jest)$/, replacement: ${JSON.stringify(join(root, "src"))} + "/$1/index.ts" },
    ],
  },
  server: { fs: { strict: false } },
  test: { setupFiles: [${JSON.stringify(join(root, "src/jest/index.ts"))}], include: ["*.spec.ts"] },
};
`;

const test = `
import { defineDag, run } from "agent-dag";
import { scriptedModel, view } from "agent-dag/testing";
import { expect, it } from "vitest";

const dag = defineDag({
  name: "pair",
  nodes: { first: { instructions: "Begin." }, last: { needs: ["first"], instructions: "End." } },
});

it("snapshots", async () => {
  const record = await run(dag, "x", { model: scriptedModel({ first: ["one"], last: ["two"] }) });
  expect(record).toHaveCompleted("first", "last");
  expect(record).toHaveRunBefore("first", "last");
  expect(view(record, "outputs")).toMatchInlineSnapshot(\`
    first: one
    last: two
  \`);
  expect(record).toMatchSnapshot();
});

it("a claim that is false", async () => {
  const record = await run(dag, "x", { model: scriptedModel({ first: ["one"], last: ["two"] }) });
  expect(record).toHaveSkipped("last");
});

it("a reply left over", async () => {
  await run(dag, "x", { model: scriptedModel({ first: ["one", "more"], last: ["two"] }) });
});
`;

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "vitest.config.js"), config);
  writeFileSync(join(folder, "pair.spec.ts"), test);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("sets up serializer, matchers and end checks in Vitest by one line too", () => {
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const env = { ...process.env, NODE_OPTIONS: "", CI: "", NO_COLOR: "1", VITEST_SKIP_INSTALL_CHECKS: "1" };
  const child = spawnSync(process.execPath, [vitest, "run", "--root", folder], { encoding: "utf8", env });
  const said = child.stdout + child.stderr;
  expect(said).toContain("1 passed");
  expect(said).toContain("2 failed");
  expect(said).toContain("expect(record).toHaveSkipped");
  expect(said).toContain("1 scripted reply was never used");
  const snapshot = readFileSync(join(folder, "__snapshots__", "pair.spec.ts.snap"), "utf8");
  expect(snapshot).toContain("run of pair, deterministic: completed");
  expect(snapshot).not.toMatch(/AtMs|startedAt/);
});

it("can be imported outside of a runner, where the packages of both are installed", () => {
  const script = 'import("agent-dag/jest").then(({ view }) => console.log(typeof view))';
  const { stdout, stderr } = spawnSync(process.execPath, ["--eval", script], { encoding: "utf8" });
  expect([stdout.trim(), stderr]).toEqual(["function", ""]);
});
