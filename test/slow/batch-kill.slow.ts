import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { BatchItem } from "../../src/batch/item.js";
import { sendReply } from "../models/raw-server.js";

const rows = 60;
let folder: string;
/** What was asked: which row, by which node. */
const asked: { readonly row: string; readonly node: string }[] = [];
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const prompt = Buffer.concat(parts).toString();
    const [, row = ""] = /row (\d+)/.exec(prompt) ?? [];
    asked.push({ row, node: prompt.includes("SECOND") ? "second" : "first" });
    setTimeout(() => sendReply(response, `about ${row}`), 20 + (asked.length % 5) * 10);
  });
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-batch-kill-"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  writeFileSync(
    join(folder, "dag.yaml"),
    "name: two\nnodes:\n  first: { instructions: FIRST }\n  second: { needs: [first], instructions: SECOND }\n",
  );
  const lines = Array.from({ length: rows }, (_, i) => JSON.stringify({ id: `r${i}`, text: `row ${i}.` }));
  writeFileSync(join(folder, "in.jsonl"), `${lines.join("\n")}\n`);
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

it("loses no row and repeats no request that had ended, however often it is killed, and with two that go on with it at once", async () => {
  const out = join(folder, "results.jsonl");
  const { port } = server.address() as AddressInfo;
  /** Keys of the lines that stood in the file after a kill, and how much had been asked by then. */
  const done: { readonly keys: readonly string[]; readonly asked: number }[] = [];
  const start = () =>
    spawn(
      process.execPath,
      [
        ...["dist/src/cli/main.js", "batch", join(folder, "dag.yaml"), join(folder, "in.jsonl")],
        ...[
          "--out",
          out,
          "--key",
          "id",
          "--model",
          "openai:m",
          "--checkpoint",
          `sqlite:${join(folder, "t.db")}`,
        ],
      ],
      {
        stdio: ["ignore", "ignore", "pipe"],
        env: {
          ...process.env,
          NODE_OPTIONS: "",
          OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
          OPENAI_API_KEY: "k",
        },
      },
    );
  for (let killed = 0; killed < 8; killed++) {
    const child = start();
    const ended = once(child, "exit");
    const before = asked.length;
    // Killed once it has done something, at another place each time.
    while (asked.length < before + 3 + killed && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill("SIGKILL");
    await ended;
    const whole = existsSync(out) ? readFileSync(out, "utf8").split("\n").slice(0, -1) : [];
    done.push({ keys: whole.map((line) => (JSON.parse(line) as BatchItem).key), asked: asked.length });
  }
  const before = asked.length;
  const both = await Promise.all(
    [start(), start()].map(async (child) => {
      let told = "";
      child.stderr?.on("data", (part) => {
        told += part;
      });
      const [status] = (await once(child, "close")) as [number];
      return status === 0 ? "done" : `${status}: ${told}`;
    }),
  );
  // On a busy machine the second begins when the first is done.
  for (const end of both) expect(end).toMatch(/^done$|^2: .*is being written by process \d+/s);
  expect(both).toContain("done");
  const after = asked.slice(before).map(({ row, node }) => `${row} ${node}`);
  expect(after.sort()).toEqual([...new Set(after)].sort());
  const items = readFileSync(out, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as BatchItem);
  expect(items.map(({ key, output }) => `${key} ${String(output)}`).sort()).toEqual(
    Array.from({ length: rows }, (_, i) => `r${i} about ${i}`).sort(),
  );
  // What a later request was made of had been written down, and so had rows with a line: neither is asked for again.
  for (let row = 0; row < rows; row++) {
    const nodes = asked.filter((one) => one.row === `${row}`).map(({ node }) => node);
    expect(nodes.lastIndexOf("first")).toBeLessThan(nodes.indexOf("second"));
  }
  for (const { keys, asked: from } of done) {
    const again = asked.slice(from).filter(({ row }) => keys.includes(`r${row}`));
    expect(again).toEqual([]);
  }
  expect(done.at(-1)?.keys.length).toBeGreaterThan(0);
});
