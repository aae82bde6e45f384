import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "@jest/globals";
import { cli } from "../cli/cli-run.js";
import { fencesOf } from "./fences.js";

const llms = readFileSync("llms.txt", "utf8");
const skill = readFileSync("skills/agent-dag/SKILL.md", "utf8");
const { files } = JSON.parse(readFileSync("package.json", "utf8")) as { files: string[] };

it("llms.txt lists every page of the docs, and nothing that the package does not hold", () => {
  const links = [...llms.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link);
  expect(links.filter((link) => !link.startsWith("dist/") && !existsSync(link))).toEqual([]);
  const pages = readdirSync("docs").filter((name) => name.endsWith(".md"));
  expect(pages.filter((name) => !links.includes(`docs/${name}`))).toEqual([]);
  const shipped = ["README.md", "dist/src", "examples", "docs", "llms.txt", "skills"];
  expect(shipped.filter((name) => name !== "README.md" && !files.includes(name))).toEqual([]);
  expect(links.filter((link) => !shipped.some((name) => link.startsWith(name)))).toEqual([]);
});

it("the skill says when to use it, and shows a graph without a mistake", async () => {
  const [, front = ""] = /^---\n([\s\S]*?)\n---\n/.exec(skill) ?? [];
  expect(front).toMatch(/^name: agent-dag$/m);
  expect(/^description: (.*)$/m.exec(front)?.[1]?.length).toBeLessThan(1024);
  const [graph] = fencesOf(skill).filter(({ language }) => language === "ts");
  const folder = mkdtempSync(join(resolve("."), ".docs-skill-"));
  try {
    const file = join(folder, "graph.ts");
    writeFileSync(file, graph?.text ?? "");
    const checked = await cli(["check", file]);
    expect([checked.exitCode, checked.stderr]).toEqual([0, expect.not.stringContaining("error")]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("the skill names commands and flags that there are", async () => {
  const named = [...skill.matchAll(/`(?:npx )?agent-dag ([a-z]+) ([^`]*)`/g)];
  expect(named.length).toBeGreaterThan(3);
  for (const [, command = "", rest = ""] of named) {
    const { stdout, exitCode } = await cli([command, "--help"]);
    expect([command, exitCode]).toEqual([command, 0]);
    for (const [flag] of rest.matchAll(/--[a-z-]+/g))
      expect([command, stdout]).toEqual([command, expect.stringContaining(flag)]);
  }
});
