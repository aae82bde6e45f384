import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { RunRecord } from "../../src/records/record.js";
import { beginStream, type RawServer, rawServer, sendDelta, sendReply } from "../models/raw-server.js";
import { cli } from "./cli-run.js";

let folder: string;
let server: RawServer;
let stalled: Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-interrupt-"));
  let tell: () => void = () => {};
  stalled = new Promise((resolve) => {
    tell = resolve;
  });
  server = await rawServer((response, { body }) => {
    if (JSON.stringify(body.messages).includes("QUICK")) return sendReply(response, "an answer that is kept");
    beginStream(response);
    sendDelta(response, { role: "assistant", content: "half" });
    tell();
  });
  writeFileSync(
    join(folder, "dag.yaml"),
    "name: cut\nnodes:\n  first: { instructions: QUICK }\n  second: { needs: [first], instructions: Summarise the text. }\n",
  );
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** The command line in a process of its own. */
function start(): { child: ChildProcess; out: () => string; ended: Promise<number | null> } {
  const child = spawn(
    process.execPath,
    [
      "node_modules/jiti/lib/jiti-cli.mjs",
      "src/cli/main.ts",
      "run",
      join(folder, "dag.yaml"),
      "--text",
      "The lamp is bright. The switch broke.",
      "--model",
      "openai:m",
      "--json",
    ],
    {
      env: { ...process.env, NODE_OPTIONS: "", OPENAI_BASE_URL: server.url, OPENAI_API_KEY: "k" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let text = "";
  child.stdout?.on("data", (part) => {
    text += String(part);
  });
  return { child, out: () => text, ended: once(child, "close").then(([status]) => status as number | null) };
}

describe("Ctrl-C", () => {
  it("ends the run, aborts its requests, prints the partial record and exits with 130", async () => {
    const { child, out, ended } = start();
    await stalled;
    child.kill("SIGINT");
    // The server never ends the reply: whoever waited for it would wait for ever.
    await server.seen[1]?.closedByClient;
    expect(await ended).toBe(130);
    const record = JSON.parse(out()) as RunRecord;
    expect(record.state).toBe("cancelled");
    expect(record.outcomes.first).toMatchObject({ state: "completed", value: "an answer that is kept" });
    expect(record.outcomes.second).toMatchObject({ state: "cancelled" });
    expect(record.calls).toHaveLength(2);

    const path = join(folder, "run.json");
    writeFileSync(path, out());
    const again = await cli([
      "run",
      join(folder, "dag.yaml"),
      "--text",
      "The lamp is bright. The switch broke.",
      "--model",
      "offline",
      "--json",
      "--reuse",
      path,
    ]);
    expect(again.exitCode).toBe(0);
    const resumed = JSON.parse(again.stdout) as RunRecord;
    expect(resumed.outcomes.first).toMatchObject({ value: "an answer that is kept", reused: true });
    expect(resumed.usage.reused).toMatchObject({ modelCalls: 1 });
  });

  it("pressed twice ends the process at once", async () => {
    const { child, ended } = start();
    await stalled;
    child.kill("SIGINT");
    child.kill("SIGINT");
    expect(await ended).toBe(130);
  });
});

const hasTerminal = spawnSync("script", ["--version"]).status === 0;
(hasTerminal ? it : it.skip)(
  "a run whose terminal is gone is written whole, and the process ends by its signal, not by a crash",
  async () => {
    const [record, status] = [join(folder, "record.json"), join(folder, "status")];
    const text = "The lamp is bright. The switch broke.";
    const dag = join(folder, "slow.yaml");
    writeFileSync(dag, "name: slow\nnodes:\n  only: { instructions: Judge the sentiment. }\n");
    const args = ["run", dag, "--text", text, "--model", "offline", "--json"];
    const slowly = ["--simulate", "gpt-4.1-mini", "--speed", "0.7"];
    const command = [
      process.execPath,
      "node_modules/jiti/lib/jiti-cli.mjs",
      "src/cli/main.ts",
      ...args,
      ...slowly,
    ];
    // The shell stays to say how it ended, the way it says it of any command: 128 and the signal.
    const line = command.map((one) => `'${one}'`).join(" ");
    const script = `trap "" HUP; ${line} > '${record}'; echo $? > '${status}.part'; mv '${status}.part' '${status}'`;
    const terminal = spawn("script", ["-qfc", script, "/dev/null"], {
      env: { ...process.env, NODE_OPTIONS: "", TERM: "xterm" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(terminal.stdout, "data");
    terminal.kill("SIGKILL");
    while (!existsSync(status)) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readFileSync(status, "utf8").trim()).toBe("129");
    expect((JSON.parse(readFileSync(record, "utf8")) as RunRecord).state).toBe("completed");
  },
);

it("refuses a --reuse file that is missing or holds no record", async () => {
  const dag = join(folder, "dag.yaml");
  for (const path of [join(folder, "none.json"), join(folder, "dag.yaml")]) {
    const result = await cli(["run", dag, "--text", "x", "--model", "offline", "--reuse", path]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/record/);
  }
});

it.each([
  ["what is told at once", ["run", "--help"]],
  ["a result", ["graph", "examples/review.yaml", "--format", "svg"]],
])("is not ended by a reader that goes away: %s", async (_, args) => {
  const child = spawn(process.execPath, ["node_modules/jiti/lib/jiti-cli.mjs", "src/cli/main.ts", ...args], {
    env: { ...process.env, NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.destroy();
  let notices = "";
  child.stderr.on("data", (part) => {
    notices += String(part);
  });
  const [status] = await once(child, "close");
  expect([status, notices]).toEqual([0, ""]);
});
