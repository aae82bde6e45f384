import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import type { RunRecord } from "../../src/records/record.js";
import { cli } from "./cli-run.js";

const folder = mkdtempSync(join(tmpdir(), "agent-dag-diff-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tape = join(folder, "review.yaml");
const graph = "examples/review.yaml";

/** Writes a changed copy of a record; gives the path. */
function changed(name: string, record: RunRecord, change: (copy: any) => void): string {
  const copy = structuredClone(record);
  change(copy);
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(copy));
  return path;
}

describe("--record and --replay", () => {
  let recorded: RunRecord;

  it("record a run once and replay it, and diff finds nothing but times", async () => {
    const first = await cli(["run", graph, "--model", "offline", "--json", "--record", tape]);
    expect(first.exitCode).toBe(0);
    recorded = JSON.parse(first.stdout) as RunRecord;
    const second = await cli(["run", graph, "--json", "--replay", tape]);
    expect(second).toMatchObject({ exitCode: 0 });
    const [a, b] = [join(folder, "a.json"), join(folder, "b.json")];
    writeFileSync(a, first.stdout);
    writeFileSync(b, second.stdout);
    const page = join(folder, "parts.html");
    const diff = await cli(["diff", a, b, "--report", page]);
    expect(diff.exitCode).toBe(0);
    expect(readFileSync(page, "utf8")).toContain('"diff":{"first":');
    expect(diff.stdout).toMatch(/No differences\.|Only times differ\./);
  });

  it("record and replay a comparison, with simulated latency around it", async () => {
    const file = join(folder, "compare.yaml");
    const flags = [
      "--topologies",
      "sequential,dataflow",
      "--simulate",
      "gpt-4.1-mini",
      "--speed",
      "100",
      "--json",
    ];
    const first = await cli(["compare", graph, "--model", "offline", ...flags, "--record", file]);
    const second = await cli(["compare", graph, ...flags, "--replay", file]);
    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    const [a, b] = [join(folder, "c1.json"), join(folder, "c2.json")];
    writeFileSync(a, first.stdout);
    writeFileSync(b, second.stdout);
    expect(await cli(["diff", a, b])).toMatchObject({ exitCode: 0 });
    const refused = await cli(["diff", a, b, "--report", join(folder, "none.html")]);
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toContain("--report shows where two records part");
  });

  it("end with status 1 when the run asks for something that was not recorded", async () => {
    const other = await cli(["run", graph, "--text", "Another review. It is bad.", "--replay", tape]);
    expect(other.exitCode).toBe(1);
    expect(other.stderr).toContain("It differs from the nearest recorded request");
  });

  it("refuse both at once, and a cassette that is not there, with status 2", async () => {
    expect((await cli(["run", graph, "--record", tape, "--replay", tape])).exitCode).toBe(2);
    const missing = await cli(["run", graph, "--replay", join(folder, "none.yaml")]);
    expect(missing).toMatchObject({ exitCode: 2, stdout: "" });
    expect(missing.stderr).toContain("Record it once");
  });

  it("diff shows what changed in which part, and ends with status 1", async () => {
    const old = changed("old.json", recorded, () => {});
    const now = changed("new.json", recorded, (copy) => {
      copy.outcomes.recommend.value = copy.outcomes.recommend.value.replace(/\w+/, "Perhaps");
      copy.outcomes.features.attempts = 2;
      copy.usage.inputTokens += 5;
      copy.usage.costUsd = 0.5;
      copy.durationMs += 100;
      copy.dag.nodes.meta.needs = ["features"];
    });
    const diff = await cli(["diff", old, now]);
    expect(diff.exitCode).toBe(1);
    const heads = diff.stdout.split("\n").filter((line) => /^\w/.test(line));
    expect(heads).toEqual([
      "graph",
      "trajectory",
      "outputs",
      "usage",
      "times",
      "Something changed besides times.",
    ]);
    expect(diff.stdout).toMatch(/\[-\w+-\]\{\+Perhaps\+\}/);
    expect(diff.stdout).toContain("cost: $0 → $0.5");
  });

  it("diff compares comparisons run by run, and only with their like", async () => {
    const comparison = (runs: RunRecord[]) => ({
      version: 1,
      dag: recorded.dag,
      topologies: [{ topology: "deterministic", runs }],
    });
    const [a, b] = [join(folder, "ca.json"), join(folder, "cb.json")];
    writeFileSync(a, JSON.stringify(comparison([recorded, recorded])));
    const slower = { ...recorded, state: "partial" as const };
    writeFileSync(b, JSON.stringify(comparison([recorded, slower])));
    const diff = await cli(["diff", a, b]);
    expect(diff.exitCode).toBe(1);
    expect(diff.stdout).toContain("trajectory of deterministic, run 2");
    const mixed = await cli(["diff", a, changed("r.json", recorded, () => {})]);
    expect(mixed.exitCode).toBe(2);
    expect(mixed.stderr).toContain("comparison and record");
    expect((await cli(["diff", a, tape])).exitCode).toBe(2);
    expect(readFileSync(tape, "utf8")).toContain("version: 1");
  });
});
