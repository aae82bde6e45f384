import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { BatchItem } from "../../src/batch/item.js";
import type { BatchSummary } from "../../src/batch/summary.js";
import type { RunRecord } from "../../src/records/record.js";
import { type RawServer, rawServer, sendReply } from "../models/raw-server.js";
import { cli } from "./cli-run.js";

let folder: string;
let graph: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-batch-cli-"));
  graph = join(folder, "dag.yaml");
  out = join(folder, "results.jsonl");
  writeFileSync(
    graph,
    "name: note\ninput: { type: object, properties: { text: { type: string, minLength: 2 } }, required: [text] }\n" +
      "nodes:\n  sum: { instructions: Summarise the text. }\n",
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

const lines = () =>
  readFileSync(out, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as BatchItem);

function csv(...texts: string[]): string {
  const file = join(folder, "in.csv");
  writeFileSync(file, ["id,text", ...texts.map((text, i) => `r${i},"${text}"`)].join("\n"));
  return file;
}

const batch = (inputs: string, ...flags: string[]) =>
  cli(["batch", graph, inputs, "--out", out, "--model", "offline", ...flags]);

describe("agent-dag batch", () => {
  it("writes a line a row, prints a table by node, and goes on where it was", async () => {
    const inputs = csv("The lamp is bright. It broke.", "The cup is blue.", "x");
    const first = await batch(inputs, "--key", "id");
    expect(first.exitCode).toBe(0);
    expect(first.stdout).toMatch(/^3 rows: 2 completed, 1 failed\n/);
    expect(first.stdout).toMatch(/\nnode +runs +p50 s .*\nsum +2 /);
    expect(first.stderr).toMatch(/in\.csv, line 4: .*text: .*INPUT_INVALID/);
    expect(first.stderr).toMatch(/\n1 cannot be used as it is: once mended, the same command runs it\.\n$/);
    expect(
      lines()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["r0", "r1", "r2"]);
    const again = await batch(
      csv("The lamp is bright. It broke.", "The cup is green.", "The pen is thin."),
      "--key",
      "id",
    );
    expect(again.stdout).toMatch(/^3 rows: 3 completed · 1 was done before\n/);
    expect(lines()).toHaveLength(3);
    expect(lines().find(({ key }) => key === "r1")?.output).toMatch(/green/);
  });

  it("prints the summary as JSON, keeps whole records, and writes a page that shows all rows", async () => {
    const inputs = csv("The lamp is bright.", "The cup is blue.", "x");
    const [records, report] = [join(folder, "records"), join(folder, "report.html")];
    const result = await batch(inputs, "--key", "id", "--json", "--records", records, "--report", report);
    const summary = JSON.parse(result.stdout) as BatchSummary;
    expect(summary).toMatchObject({
      version: 1,
      ended: "done",
      total: 3,
      completed: 2,
      failed: 1,
      badInputs: 1,
    });
    expect(readdirSync(records).sort()).toEqual(["r0.json", "r1.json"]);
    expect((JSON.parse(readFileSync(join(records, "r0.json"), "utf8")) as RunRecord).state).toBe("completed");
    const page = readFileSync(report, "utf8");
    expect(page).toContain('"batch":{"total":3,');
    expect(page).toContain("The lamp is bright.");
    // A finished batch shows the records that were kept.
    await batch(inputs, "--key", "id", "--records", records, "--report", report);
    expect(readFileSync(report, "utf8")).toContain("The lamp is bright.");
  });

  it("checks every row first with --strict, and runs nothing then", async () => {
    const result = await batch(csv("The lamp is bright.", "x", "y"), "--strict");
    expect([result.exitCode, existsSync(out)]).toEqual([2, false]);
    expect(result.stderr).toMatch(
      /2 rows cannot be used; nothing was run:\n {2}.*in\.csv, line 3: [\s\S]*in\.csv, line 4: /,
    );
    expect((await batch(csv("The lamp is bright."), "--strict")).exitCode).toBe(0);
  });

  it("reads standard input, folders and lists", async () => {
    const piped = await cli(
      ["batch", graph, "-", "--out", out, "--model", "offline"],
      '{"text":"The lamp is bright."}\n"The cup is blue."\n',
    );
    expect(piped.stdout).toMatch(/^2 rows: 2 completed/);
    rmSync(out);
    writeFileSync(join(folder, "a.txt"), "The lamp is bright.");
    writeFileSync(join(folder, "b.md"), "The cup is blue.");
    expect((await batch(folder)).stdout).toMatch(/^2 rows: 2 completed/);
    expect(
      lines()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["a.txt", "b.md"]);
  });

  it.each([
    ["every row failed", ["x", "y"], []],
    ["too many failed", ["The lamp is bright.", "x", "y", "z"], ["--max-failures", "1"]],
    [
      "a budget ended it",
      ["The lamp is bright.", "The cup is blue.", "The pen is thin."],
      ["--max-calls", "2"],
    ],
  ])("ends with status 1 where %s", async (_name, texts, flags) => {
    const result = await batch(csv(...texts), "--concurrency", "1", ...flags);
    expect(result.exitCode).toBe(1);
    if (flags[0] === "--max-calls") {
      expect(result.stderr).toMatch(/budget is spent/i);
      const more = await batch(csv(...texts), "--max-calls", "3");
      expect([more.exitCode, more.stdout]).toEqual([
        0,
        expect.stringMatching(/3 completed · 2 were done before/),
      ]);
    }
  });

  it.each([
    [["batch", "--out", "r.jsonl"], /missing required argument/],
    [["batch", "dag.yaml", "in.csv"], /--out/],
    [["batch", "dag.yaml", "none.csv", "--out", "r.jsonl"], /There is no file or folder "none\.csv"/],
    [["batch", "dag.yaml", "in.csv", "--out", "in.csv"], /is no results file/],
    [["batch", "dag.yaml", "in.csv", "--out", "r.jsonl", "--max-failures", "many"], /5%/],
    [["batch", "dag.yaml", "in.csv", "--out", "r.jsonl", "--thread", "t"], /--checkpoint/],
    [["batch", "dag.yaml", "-", "--out", "r.jsonl", "--strict"], /--strict/],
  ])("refuses %j with status 2", async (args, message) => {
    csv("The lamp is bright.");
    const before = process.cwd();
    process.chdir(folder);
    try {
      const result = await cli(args as string[]);
      expect([result.exitCode, result.stderr]).toEqual([2, expect.stringMatching(message)]);
    } finally {
      process.chdir(before);
    }
  });
});

it("holds run, compare and resume to budgets too", async () => {
  const text = ["--text", "The lamp is bright.", "--model", "offline"];
  const run = await cli(["run", graph, ...text, "--max-tokens", "1", "--json"]);
  expect(run.stdout).toContain("budget is spent");
  const compare = await cli([
    "compare",
    graph,
    ...text,
    "--topologies",
    "sequential,dataflow",
    "--max-calls",
    "1",
    "--json",
  ]);
  expect(compare.stdout.match(/"modelCalls": 1,/g)?.length).toBeGreaterThan(0);
  expect(compare.stdout).toContain("budget is spent");
});

describe("a batch in a process of its own", () => {
  let server: RawServer;
  let answering: (() => void)[];
  let isHeld: boolean;
  beforeEach(async () => {
    answering = [];
    isHeld = true;
    server = await rawServer((response, { body }) => {
      const answer = () =>
        sendReply(response, `about ${/row (\d+)/.exec(JSON.stringify(body.messages))?.[1]}`);
      if (isHeld) answering.push(answer);
      else answer();
    });
  });
  afterEach(() => server.close());

  function start(...flags: string[]): {
    child: ChildProcess;
    err: () => string;
    ended: Promise<number | null>;
  } {
    const inputs = csv(...Array.from({ length: 6 }, (_, i) => `row ${i}`));
    const child = spawn(
      process.execPath,
      [
        "node_modules/jiti/lib/jiti-cli.mjs",
        "src/cli/main.ts",
        "batch",
        graph,
        inputs,
        "--key",
        "id",
        "--out",
        out,
        "--model",
        "openai:m",
        "--concurrency",
        "2",
        ...flags,
      ],
      {
        env: { ...process.env, NODE_OPTIONS: "", OPENAI_BASE_URL: server.url, OPENAI_API_KEY: "k" },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    let text = "";
    child.stderr?.on("data", (part) => {
      text += String(part);
    });
    return {
      child,
      err: () => text,
      ended: once(child, "close").then(([status]) => status as number | null),
    };
  }

  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it("finishes what runs at Ctrl-C, ends it at the second, and goes on", async () => {
    const first = start();
    await until(() => answering.length === 2);
    first.child.kill("SIGINT");
    await until(() => first.err().includes("Interrupted"));
    for (const answer of answering.splice(0)) answer();
    expect(await first.ended).toBe(130);
    expect(lines().map(({ state }) => state)).toEqual(["completed", "completed"]);

    const second = start();
    await until(() => answering.length === 2);
    second.child.kill("SIGINT");
    await until(() => second.err().includes("Interrupted"));
    second.child.kill("SIGINT");
    expect(await second.ended).toBe(130);
    expect(lines().filter(({ state }) => state === "completed")).toHaveLength(2);

    isHeld = false;
    expect(await start().ended).toBe(0);
    expect(
      lines()
        .map(({ output }) => output)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4, 5].map((i) => `about ${i}`));
    expect(server.seen).toHaveLength(2 + 2 + 4);
  });

  it("finishes what runs when its terminal is closed, however often that is said", async () => {
    const { child, err, ended } = start();
    await until(() => answering.length === 2);
    child.kill("SIGHUP");
    await until(() => err().includes("Interrupted"));
    child.kill("SIGHUP");
    for (const answer of answering.splice(0)) answer();
    expect(await ended).toBe(130);
    expect(lines().map(({ state }) => state)).toEqual(["completed", "completed"]);
    expect(existsSync(`${out}.lock`)).toBe(false);
  });

  it("loses nothing when it is killed, and refuses a second one on its file", async () => {
    const first = start();
    await until(() => answering.length === 2);
    answering.shift()?.();
    await until(() => existsSync(out) && readFileSync(out, "utf8").endsWith("\n"));
    const other = await cli(["batch", graph, csv("row 0"), "--out", out, "--model", "offline"]);
    expect([other.exitCode, other.stderr]).toEqual([
      2,
      expect.stringMatching(/is being written by process \d+/),
    ]);
    first.child.kill("SIGKILL");
    await first.ended;
    isHeld = false;
    expect(await start().ended).toBe(0);
    expect(
      lines()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["r0", "r1", "r2", "r3", "r4", "r5"]);
    // Of the rows that were answered before the kill, none is asked again.
    const asked = server.seen.map(({ body }) => /row (\d+)/.exec(JSON.stringify(body.messages))?.[1]);
    expect(asked.filter((row) => row === asked[0])).toHaveLength(1);
  });
});
