import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "@jest/globals";

const { isUpToDate, stampOf } = await import(new URL("../../scripts/up-to-date.mjs", import.meta.url).href);
const root = join(tmpdir(), `agent-dag-build-${process.pid}`);
const sources = ["src/run/run.ts", "nodes/a.ts", "graphs/b.ts", "scripts/build.mjs"];
const files = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"];
const touched = (path: string, seconds: number) => utimesSync(join(root, path), seconds, seconds);

afterAll(() => rmSync(root, { recursive: true }));

it("is made again when a source, a setting or a file that is gone says so, and not beside processes that use it", () => {
  for (const path of [...sources, ...files, "dist/x"]) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), "");
    touched(path, 100);
  }
  const all = [...sources, ...files, "src", "src/run", "nodes", "graphs", "scripts"];
  for (const path of all) touched(path, 100);
  expect(isUpToDate(root)).toBe(false);
  writeFileSync(stampOf(root), "");
  touched("dist/built", 200);
  expect(isUpToDate(root)).toBe(true);
  for (const path of all) {
    touched(path, 300);
    expect([path, isUpToDate(root)]).toEqual([path, false]);
    touched(path, 100);
  }
  expect(isUpToDate(root)).toBe(true);
  rmSync(join(root, "src/run/run.ts"));
  expect(isUpToDate(root)).toBe(false);
});
