import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "@jest/globals";
import { sendReply } from "../models/raw-server.js";

// Works on the built package. What stands for a full disk is a limit on the size of each file: a write that meets it is cut
// short first, and fails then, as on a disk.

let folder: string;
let url: string;
/** What was asked of the model: a row and a node each. */
const asked: string[] = [];
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const prompt = Buffer.concat(parts).toString();
    const row = /row (\d+)/.exec(prompt)?.[1] ?? "";
    asked.push(`${row} ${prompt.includes("SECOND") ? "second" : "first"}`);
    sendReply(response, `about ${row} ${"x".repeat(6000)}`);
  });
});

beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
beforeEach(() => {
  asked.length = 0;
  folder = mkdtempSync(join(tmpdir(), "agent-dag-full-"));
  writeFileSync(
    join(folder, "dag.yaml"),
    "name: two\nnodes:\n  first: { instructions: FIRST }\n  second: { needs: [first], instructions: SECOND }\n",
  );
  const rows = Array.from({ length: 20 }, (_, i) => JSON.stringify({ id: `r${i}`, text: `row ${i}.` }));
  writeFileSync(join(folder, "in.jsonl"), rows.join("\n"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in the folder; no file gets longer than so many KiB. */
async function limited(kib: number, args: readonly string[], into?: string): Promise<Ended> {
  const file = into === undefined ? undefined : openSync(join(folder, into), "w");
  const child = spawn(
    "sh",
    [
      ...["-c", `ulimit -f ${kib * 2}; exec "$0" "$@"`],
      ...[process.execPath, join(process.cwd(), "dist/src/cli/main.js"), ...args, "--model", "openai:m"],
    ],
    {
      cwd: folder,
      stdio: ["ignore", file ?? "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", OPENAI_BASE_URL: url, OPENAI_API_KEY: "k" },
    },
  );
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (part) => {
    stdout += part;
  });
  child.stderr?.on("data", (part) => {
    stderr += part;
  });
  const [status] = (await once(child, "close")) as [number | null];
  if (file !== undefined) closeSync(file);
  return { status, stdout, stderr };
}

const open = 1_000_000;
const runArgs = ["run", "dag.yaml", "--text", "row 1."];

it("tells that standard output took half of a record, and gives the record on standard error", async () => {
  const { status, stderr } = await limited(4, [...runArgs, "--json"], "run.json");
  expect(status).toBe(1);
  expect(statSync(join(folder, "run.json")).size).toBe(4096);
  expect(stderr).toContain("The output cannot be written to standard output: there is no room to write");
  const record = JSON.parse(stderr.slice(stderr.indexOf("It is:\n") + 7)) as { output: string };
  expect(record.output).toMatch(/^about 1 x+$/);
});

it("keeps the report and the cassette of before whole, and prints the answer", async () => {
  await limited(open, [...runArgs, "--report", "r.html", "--record", "c.yaml"]);
  const before = ["r.html", "c.yaml"].map((name) => readFileSync(join(folder, name), "utf8"));
  const { status, stdout, stderr } = await limited(4, [
    ...runArgs,
    "--report",
    "r.html",
    "--record",
    "c.yaml",
  ]);
  expect(["r.html", "c.yaml"].map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(before);
  expect(status).toBe(1);
  expect(stdout).toContain("about 1 xxxx");
  expect(stderr).toMatch(/Calls are not recorded\. The store ".*c\.yaml" failed: there is no room to write/);
  expect(stderr).toContain('The output cannot be written to "r.html": there is no room to write');
  expect(readdirSync(folder).sort()).toEqual(["c.yaml", "dag.yaml", "in.jsonl", "r.html"]);
});

it("leaves whole lines of a batch, all that find room, and goes on from them", async () => {
  const args = ["batch", "dag.yaml", "in.jsonl", "--out", "o.jsonl", "--key", "id"];
  // Each line has about 6 KiB: the sixth is cut.
  const full = await limited(36, args);
  expect(full.status).toBe(2);
  expect(full.stderr).toMatch(/The store "o\.jsonl" failed: there is no room to write/);
  const lines = readFileSync(join(folder, "o.jsonl"), "utf8").split("\n");
  expect(lines.pop()).toBe("");
  expect(lines.map((line) => JSON.parse(line).state)).toEqual(lines.map(() => "completed"));
  expect(lines).toHaveLength(5);
  const before = asked.length;
  expect((await limited(open, args)).status).toBe(0);
  expect(asked.length - before).toBe(2 * (20 - lines.length));
});

it("resumes what a store had taken before it was full", async () => {
  const stored = ["--checkpoint", "sqlite:t.db", "--thread", "t"];
  const { status, stdout, stderr } = await limited(72, [...runArgs, ...stored]);
  expect(status).toBe(0);
  expect(stdout).toContain("about 1 xxxx");
  expect(stderr).toContain("This run is not persisted any more.");
  const resumed = await limited(open, ["resume", "dag.yaml", ...stored]);
  expect([resumed.status, resumed.stdout.includes("about 1 xxxx")]).toEqual([0, true]);
});
