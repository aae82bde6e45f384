import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "@jest/globals";
import { fencesOf } from "./fences.js";

const root = resolve(".");
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const folder = mkdtempSync(join(root, ".docs-types-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("every program of the docs type-checks as it stands, under `strict`", async () => {
  const pages = readdirSync("docs").flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : []));
  for (const page of ["README.md", "skills/agent-dag/SKILL.md", ...pages]) {
    for (const [index, { language, text, notRun }] of fencesOf(readFileSync(page, "utf8")).entries()) {
      if (!/^tsx?$/.test(language) || notRun !== null) continue;
      // Each is a module of its own, also where it imports nothing.
      writeFileSync(
        join(folder, `${page.replaceAll(/[/.]/g, "-")}-${index}.${language}`),
        `${text}\nexport {};\n`,
      );
    }
  }
  // As a reader's project has it: the package by its declarations.
  const options = { paths: {}, noUnusedLocals: false };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "../tsconfig.json", compilerOptions: options, include: ["./*.ts", "./*.tsx"] }),
  );
  expect(await typeErrors()).toEqual([]);
});

function typeErrors(): Promise<string[]> {
  return new Promise((done) => {
    execFile(process.execPath, [tsc, "-p", folder], { cwd: root }, (_, stdout) =>
      done(stdout.split("\n").filter((line) => line.includes("error TS"))),
    );
  });
}
