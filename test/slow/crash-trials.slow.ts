import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import {
  countingServer,
  essence,
  recordOf,
  startCrashProcess,
  crashTopologies as topologies,
} from "../support/crash.js";

/** SIGKILLs in all; the whole measure is 200 (`TRIALS=200 npm run test:slow -- crash-trials`). */
const trials = Number(process.env.TRIALS ?? 15);
/** A call that ended so long before the kill has to be safe, on a machine that is not kept waiting itself. */
const safeMs = 100;
/** Many kills take their time, on a busy machine more of it. */
const longestMs = 600_000 + 10_000 * trials;

it(
  `loses and miscounts nothing, and repeats no finished work, when it is killed at a random moment and two processes resume it (${trials} kills)`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "agent-dag-trials-"));
    const server = await countingServer(30);
    const start = (mode: "run" | "resume", topology: string, name: string | number) =>
      startCrashProcess(mode, { topology, store: `sqlite:${join(folder, `${name}.db`)}`, url: server.url });
    const draw = drawer(Number(process.env.SEED ?? 7));
    const sums = { killed: 0, differing: 0, repeated: 0, uncounted: 0 };
    const faults: string[] = [];
    // How late a timer of this process was: on a busy machine the killed process heard of an answer that much later.
    let lateMs = 0;
    let judgedMs = safeMs;
    let beat = performance.now();
    const watch = setInterval(() => {
      lateMs = Math.max(lateMs, performance.now() - beat - 5);
      beat = performance.now();
    }, 5);
    try {
      const whole: Record<string, unknown> = {};
      for (const topology of topologies) {
        const record = await recordOf(start("run", topology, topology));
        expect(record.state).toBe("completed");
        whole[topology] = essence(record);
      }
      for (let trial = 0; trial < trials; trial++) {
        const topology = topologies[trial % topologies.length] ?? "";
        server.asked.length = 0;
        lateMs = 0;
        const first = start("run", topology, trial);
        while (server.asked.length === 0) await wait(2);
        await wait(draw() * 350);
        first.child.kill("SIGKILL");
        const killedAt = performance.now();
        const windowMs = safeMs + 4 * lateMs;
        judgedMs = Math.max(judgedMs, windowMs);
        if ((await first.end) === null) sums.killed++;
        const before = server.asked.filter(
          ({ endedAt }) => endedAt !== null && endedAt < killedAt - windowMs,
        );
        const sentBefore = server.asked.length;
        const both = await Promise.all(
          [start("resume", topology, trial), start("resume", topology, trial)].map(({ end }) => end),
        );
        const finished = both.flatMap((one) => (one !== null && !("refused" in one) ? [one] : []));
        for (const one of both) if (one !== null && "refused" in one) expect(one.refused).toBe("THREAD_BUSY");
        const [record] = finished;
        if (record === undefined) throw new Error("Neither of the two went on.");
        const [told, expected] = [essence(record), whole[topology]].map((one) => JSON.stringify(one));
        if (told !== expected) {
          sums.differing++;
          faults.push(`${topology}: ${told} instead of ${expected}; ${JSON.stringify(record.error)}`);
        }
        const after = server.asked.slice(sentBefore).map(({ path }) => path);
        for (const { path, endedAt } of before) {
          if (!after.includes(path)) continue;
          sums.repeated++;
          faults.push(`${topology}: ${path}, ended ${Math.round(killedAt - (endedAt ?? 0))} ms before`);
        }
        sums.uncounted += Math.max(0, server.asked.length - record.calls.length);
      }
    } finally {
      clearInterval(watch);
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
    const judged = `judged ${Math.round(judgedMs)} ms before the kill`;
    process.stdout.write(
      `${[`${trials} trials: ${JSON.stringify(sums)}, ${judged}`, ...faults].join("\n")}\n`,
    );
    expect(sums).toMatchObject({ differing: 0, repeated: 0, uncounted: 0 });
    expect(sums.killed).toBeGreaterThan(trials / 3);
  },
  longestMs,
);

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Numbers from 0 to 1, the same ones for a seed (mulberry32). */
function drawer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
