import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "@jest/globals";

const root = resolve(".");
const folder = join(root, "test", "testing", `.guide-${process.pid}`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("runs the guide's complete test file, twice, as it stands", async () => {
  const { default: jestConfig } = await import(join(root, "jest.config.js"));
  const guide = readFileSync(join(root, "docs/testing.md"), "utf8");
  const file = /```ts\n(\/\/ brief\.test\.ts\n[\s\S]*?)```/.exec(guide)?.[1];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "brief.test.ts"), file ?? "");
  const config = {
    ...jestConfig,
    rootDir: root,
    roots: [folder],
    setupFilesAfterEnv: [join(root, "src/jest/index.ts")],
  };
  const jest = join(root, "node_modules", "jest", "bin", "jest.js");
  const ran = (...args: string[]) =>
    spawnSync(
      process.execPath,
      ["--experimental-vm-modules", jest, "--config", JSON.stringify(config), ...args],
      { cwd: root, encoding: "utf8", env: { ...process.env, CI: "" } },
    ).stderr;
  const first = ran();
  expect(first).toContain("Tests:       3 passed, 3 total");
  expect(first).toContain("2 snapshots written");
  // With --ci nothing is written: the second run meets the snapshots of the first.
  expect(ran("--ci")).toContain("Snapshots:   5 passed, 5 total");
});
