import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "@jest/globals";
import { cli } from "./cli-run.js";

const folder = mkdtempSync(join(tmpdir(), "agent-dag-below-"));
const file = join(folder, "file");
const graph = join(folder, "graph.yaml");
writeFileSync(file, "x");
writeFileSync(graph, "name: g\nnodes:\n  a: { instructions: Summarise in one sentence. }\n");
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ["a graph", ["run", join(file, "g.yaml"), "--text", "x"], /There is no file/],
  ["an input", ["run", graph, "--input", join(file, "x.json")], /There is no input file/],
  ["a report", ["run", graph, "--text", "x", "--report", join(file, "r.html")], /there is no folder/],
  ["rows", ["batch", graph, join(file, "x.csv"), "--out", join(folder, "o.jsonl")], /no file or folder/],
  [
    "a cassette",
    ["run", graph, "--text", "x", "--record", join(file, "c.yaml")],
    /is a file, and no folder can be made/,
  ],
  ["a project", ["init", join(file, "p")], /could not be written/],
])("%s below a file is not there, whatever Node makes of the path", async (_, words, message) => {
  const { stderr, exitCode } = await cli(words);
  expect(stderr).toMatch(message);
  expect(exitCode).toBe(2);
});
