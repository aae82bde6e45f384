import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { RunRecord } from "../../src/records/record.js";
import { cli } from "./cli-run.js";

let folder: string;
let graph: string;
const store = () => ["--checkpoint", `sqlite:${join(folder, "runs.db")}`];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-resume-"));
  graph = join(folder, "graph.yaml");
  writeFileSync(
    graph,
    `name: letter
nodes:
  draft: { instructions: Summarise in one sentence. }
  ok: { needs: [draft], approve: { message: "Send this?" } }
  final: { needs: [ok], instructions: Summarise in one sentence., include: needs }
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const text = "The tram is fast and clean. The tickets are far too expensive for students.";
const start = (thread: string) =>
  cli(["run", graph, "--text", text, "--model", "offline", "--json", "--thread", thread, ...store()]);
const go = (thread: string, ...more: string[]) =>
  cli(["resume", graph, "--model", "offline", "--json", "--thread", thread, ...store(), ...more]);

describe("agent-dag resume", () => {
  it("goes on at an approval with the answer, without running finished nodes again", async () => {
    const first = await start("one");
    expect(first.exitCode).toBe(0);
    const waiting = JSON.parse(first.stdout) as RunRecord;
    expect(waiting).toMatchObject({ state: "interrupted", outcomes: { draft: { state: "completed" } } });
    expect(first.stderr).toMatch(/interrupted: "ok" asks: Send this\?/);
    expect(first.stderr).toMatch(
      /agent-dag resume .*graph\.yaml --checkpoint sqlite:.* --thread one --answer true/,
    );

    const second = await go("one", "--answer", "true");
    expect(second.exitCode).toBe(0);
    const done = JSON.parse(second.stdout) as RunRecord;
    expect(done).toMatchObject({ state: "completed", id: waiting.id });
    expect(done.outcomes.draft).toEqual(waiting.outcomes.draft);
    expect(done.calls.filter(({ node }) => node === "draft")).toHaveLength(1);
  });

  it("skips what a rejected approval leads to", async () => {
    await start("two");
    const { stdout, exitCode } = await go("two", "--answer", "false");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      state: "rejected",
      outcomes: { ok: { state: "skipped", reason: { code: "rejected" } }, final: { state: "skipped" } },
    });
  });

  it.each([
    ["an unknown thread", () => go("nowhere"), /holds no run under the thread "nowhere"/],
    ["no store", () => cli(["resume", graph, "--thread", "x"]), /--checkpoint sqlite:FILE/],
    ["a store without a thread", () => cli(["run", graph, "--text", text, ...store()]), /--thread ID/],
    [
      "an unknown store",
      () => cli(["run", graph, "--text", text, "--checkpoint", "redis:x", "--thread", "x"]),
      /memory:, sqlite:FILE or postgres:/,
    ],
    ["an answer that is not JSON", () => go("one", "--answer", "{yes"), /--answer is not JSON/],
    ["an input", () => go("one", "--text", "x"), /has its input already/],
  ])("ends with 2 and says what to do about %s", async (_what, command, message) => {
    const { stderr, stdout, exitCode } = await command();
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });

  it("refuses a graph that has changed since", async () => {
    await start("three");
    const changed = join(folder, "changed.yaml");
    writeFileSync(changed, "name: letter\nnodes:\n  draft: { instructions: Do something else. }\n");
    const { stderr, exitCode } = await cli([
      "resume",
      changed,
      "--thread",
      "three",
      ...store(),
      "--answer",
      "true",
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/another version of the spec/);
    const other = await cli(["resume", "examples/review.ts", "--thread", "three", ...store()]);
    expect([other.exitCode, other.stderr]).toEqual([
      2,
      expect.stringContaining('holds a run of the graph "letter", not of "product-review"'),
    ]);
  });
});

describe("agent-dag check --explain", () => {
  it("draws layers and names the critical path, with times from a record when it is given one", async () => {
    const estimated = await cli(["check", "examples/review.yaml", "--explain"]);
    expect(estimated.stdout).toMatch(
      /Layers \(2 supersteps\)\n {2}1 {2}features, prosCons, sentiment, recommend\n/,
    );
    expect(estimated.stdout).toMatch(/Times are estimates/);
    const { stdout } = await cli(["run", "examples/review.yaml", "--model", "offline", "--json"]);
    const file = join(folder, "run.json");
    writeFileSync(file, stdout);
    const timed = await cli(["check", "examples/review.yaml", "--times", file]);
    expect(timed.stdout).toMatch(/Critical path {2}\w+ → meta: [\d.]+ s/);
    expect(timed.stdout).toMatch(/Times are those of the record/);
    expect((await cli(["check", graph, "--times", file])).stderr).toMatch(
      /record of "product-review", not of "letter"/,
    );
  });
});
