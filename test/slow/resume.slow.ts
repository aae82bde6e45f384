import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  type CountingServer,
  countingServer,
  crashTopologies,
  essence,
  recordOf,
  startCrashProcess,
} from "../support/crash.js";

let server: CountingServer;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-dag-crash-"));
  server = await countingServer(15);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

describe.each(crashTopologies)("after SIGKILL in topology %s", (topology) => {
  const start = (mode: "run" | "resume", name: string, input = "in") => {
    const store = `sqlite:${join(folder, `${topology}-${name}.db`)}`;
    return startCrashProcess(mode, { topology, store, url: server.url, input });
  };

  it("finishes with the same outputs, and makes no call again whose result had been stored", async () => {
    server.asked.length = 0;
    const whole = await recordOf(start("run", "whole"));
    expect(whole.state).toBe("completed");
    const calls = server.asked.length;
    // Under a planner its two requests take the place of the last node's one.
    expect(calls).toBe(topology.startsWith("planned") ? 14 : 13);

    for (let killAfter = 1; killAfter < calls; killAfter += 3) {
      server.asked.length = 0;
      const first = start("run", `${killAfter}`);
      await new Promise<void>((resolve) => {
        server.onAnswer = (count) => {
          // A moment later, so that some kills come before the result is stored and some after.
          if (count === killAfter) setTimeout(resolve, (killAfter * 7) % 12);
        };
      });
      first.child.kill("SIGKILL");
      await first.end;
      server.onAnswer = () => {};
      const before = server.asked.map(({ path }) => path);

      const resumed = await recordOf(start("resume", `${killAfter}`));
      expect(essence(resumed)).toEqual(essence(whole));
      // What was in flight, or answered and not yet stored, may be asked again: at most what ran side by side.
      const paths = server.asked.map(({ path }) => path);
      const again = paths.slice(before.length).filter((path) => before.includes(path));
      expect(again.length).toBeLessThanOrEqual(topology === "sequential" ? 2 : 6);
      // Each of those is in the record twice: a request that was paid for counts, though its result was not stored.
      expect(resumed.calls.length).toBeGreaterThanOrEqual(paths.length);
      const ended = resumed.calls.filter(({ error }) => error === null).length;
      expect(ended).toBeGreaterThanOrEqual(calls);
      expect(ended).toBeLessThanOrEqual(calls + again.length);
    }
  });

  it("makes no call again after a run that had ended", async () => {
    server.asked.length = 0;
    const first = await recordOf(start("run", "ended"));
    const calls = server.asked.length;
    const again = await recordOf(start("resume", "ended"));
    expect(server.asked).toHaveLength(calls);
    expect(essence(again)).toEqual(essence(first));
  });

  it("refuses another input under the same thread", async () => {
    await recordOf(start("run", "other"));
    expect(await start("run", "other", "another input").end).toEqual({ refused: "CHECKPOINT_MISMATCH" });
  });
});
