import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { RunRecord } from "../../src/records/record.js";

let server: Server;
let url: string;
let folder: string;
/** Requests that the server answered, in order. */
let answered: string[] = [];
/** Called when the server has answered so many. */
let onAnswer: (count: number) => void = () => {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-crash-"));
  server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "");
    setTimeout(() => {
      answered.push(path);
      response.end(`answer to ${path}`);
      onAnswer(answered.length);
    }, 15);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function start(
  mode: "run" | "resume",
  topology: string,
  file: string,
  input = "the input",
): { child: ChildProcess; output: Promise<string> } {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const args = [
    "node_modules/jiti/lib/jiti-cli.mjs",
    "test/slow/crash-run.mts",
    mode,
    topology,
    file,
    url,
    input,
  ];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const text = { out: "", err: "" };
  child.stdout?.on("data", (chunk) => {
    text.out += String(chunk);
  });
  child.stderr?.on("data", (chunk) => {
    text.err += String(chunk);
  });
  const output = new Promise<string>((resolve, reject) => {
    child.on("close", (code, signal) =>
      code === 0 || signal !== null ? resolve(text.out) : reject(new Error(text.err)),
    );
  });
  return { child, output };
}

const essence = ({ outcomes, output, state }: RunRecord) => ({
  state,
  output,
  values: Object.entries(outcomes).map(([name, outcome]) => [
    name,
    "value" in outcome ? outcome.value : outcome.state,
  ]),
});

const topologies = ["sequential", "deterministic", "dataflow", "planned", "planned-dag"];

describe.each(topologies)("after SIGKILL in topology %s", (topology) => {
  it("finishes with the same outputs, and makes no call again whose result had been stored", async () => {
    answered = [];
    const whole = JSON.parse(
      await start("run", topology, join(folder, `${topology}.db`)).output,
    ) as RunRecord;
    expect(whole.state).toBe("completed");
    const calls = answered.length;
    // Under a planner its two requests take the place of the last node's one.
    expect(calls).toBe(topology.startsWith("planned") ? 10 : 9);

    for (let killAfter = 1; killAfter < calls; killAfter += 2) {
      answered = [];
      const file = join(folder, `${topology}-${killAfter}.db`);
      const { child, output } = start("run", topology, file);
      await new Promise<void>((resolve) => {
        onAnswer = (count) => {
          // A moment later, so that some kills come before the result is stored and some after.
          if (count === killAfter) setTimeout(resolve, (killAfter * 7) % 12);
        };
      });
      child.kill("SIGKILL");
      await output;
      onAnswer = () => {};
      const before = [...answered];

      const resumed = JSON.parse(await start("resume", topology, file).output) as RunRecord;
      expect(essence(resumed)).toEqual(essence(whole));
      // What was in flight, or answered and not yet stored, may be asked again: at most what ran side by side.
      const again = answered.slice(before.length).filter((path) => before.includes(path));
      const sideBySide = topology === "sequential" ? 2 : 5;
      expect(again.length).toBeLessThanOrEqual(sideBySide);
      // Each of those is in the record twice: a request that was paid for counts, though its result was not stored.
      expect(resumed.calls.length).toBeGreaterThanOrEqual(answered.length);
      const ended = resumed.calls.filter(({ error }) => error === null).length;
      expect(ended).toBeGreaterThanOrEqual(calls);
      expect(ended).toBeLessThanOrEqual(calls + again.length);
      expect(new Set(answered).size).toBe(calls);
    }
  });

  it("makes no call again after a run that had ended", async () => {
    answered = [];
    const file = join(folder, `${topology}-ended.db`);
    const first = JSON.parse(await start("run", topology, file).output) as RunRecord;
    const calls = answered.length;
    const again = JSON.parse(await start("resume", topology, file).output) as RunRecord;
    expect(answered).toHaveLength(calls);
    expect(essence(again)).toEqual(essence(first));
  });

  it("refuses another input under the same thread", async () => {
    const file = join(folder, `${topology}-other.db`);
    await start("run", topology, file).output;
    await expect(start("run", topology, file, "another input").output).rejects.toThrow(/another input/i);
  });
});
