import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import { topologyNames } from "../../graphs/topology.js";
import { createLimiter } from "../../src/limits/limiter.js";
import { faults } from "../../src/models/faults.js";
import { run } from "../../src/run/run.js";
import { defineDag, extendDag } from "../../src/spec/define.js";
import { leftOpen, openResources } from "../policies/open-resources.js";
import { replyModel } from "../support/reply-model.js";

const runs = 10_000;
const lanes = 8;
const warmUp = 2000;
/** Longest that a run takes which nothing ends early. */
const longestMs = 1000;
/**
 * Most turns of this process's own event loop, of a millisecond or longer, between a run's deadline or abort and its end. A busy
 * machine makes a turn longer, and not more of them, so that only a run that goes on counts as late: `endless` would take
 * hundreds.
 */
const graceTurns = 50;

const dag = defineDag({
  name: "soak",
  nodes: {
    a: { instructions: "A" },
    b: { instructions: "B", policy: { hedge: { after: 2, maxExtraShare: 0.5 } } },
    items: { run: () => [1, 2, 3] },
    each: { needs: ["items"], forEach: { node: "items" }, instructions: "Each" },
    deaf: { run: () => new Promise((resolve) => setTimeout(resolve, 6, "done")), policy: { timeoutMs: 5 } },
    first: { needs: ["a", "b"], join: "any", instructions: "First" },
    report: { needs: ["a", "b", "each", "deaf", "first"], join: "settled", run: () => "report" },
  },
});
/** The same with a node that only the end of the run ends. */
const unending = extendDag(dag, {
  nodes: {
    endless: {
      policy: { timeoutMs: 60_000 },
      run: ({ signal }) =>
        new Promise((resolve) => {
          const timer = setTimeout(resolve, 5000, "late");
          signal.addEventListener("abort", () => clearTimeout(timer));
        }),
    },
  },
});
const scheduled = topologyNames.filter((name) => !name.startsWith("planned"));

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const heapMb = () => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
};

const lateMs = (startedAt: number, boundMs: number) => Math.round(performance.now() - startedAt - boundMs);

/** Whole numbers from 0 to below `below`, the same for the same seed. */
function drawer(seed: number) {
  let state = seed * 2654435761;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("10,000 runs with random faults, aborts and deadlines", () => {
  it("all settle within their bounds, lose no outcome, leave nothing open and no memory behind", async () => {
    const limiter = createLimiter({ maxConcurrency: 20 });
    const before = openResources();
    const states = new Map<string, number>();
    let lost = 0;
    let late = 0;
    let worst = { run: -1, turns: 0, wallMs: 0 };
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    let baseMb = 0;
    let next = 0;

    const one = async (seed: number) => {
      const draw = drawer(seed + 1);
      const controller = new AbortController();
      const abortMs = draw(5) === 0 ? draw(12) : null;
      const deadlineMs = draw(5) === 0 ? 1 + draw(12) : null;
      const timer = abortMs === null ? undefined : setTimeout(() => controller.abort(), abortMs);
      const spec = abortMs === null && deadlineMs === null ? dag : draw(2) === 0 ? dag : unending;
      const boundMs = Math.min(abortMs ?? Infinity, deadlineMs ?? Infinity, longestMs);
      const startedAt = performance.now();
      let turnsAtBound: number | undefined;
      const bound = setTimeout(() => {
        turnsAtBound = turns;
      }, boundMs);
      const record = await run(spec, "x", {
        topology: scheduled[draw(scheduled.length)] ?? "deterministic",
        model: replyModel(undefined, { delayMs: () => draw(4) }),
        limits: { limiter, ...(draw(6) === 0 && { maxModelCalls: 1 + draw(6) }) },
        policy: {
          retry: { initialIntervalMs: 1, maxIntervalMs: 3 },
          timeoutMs: 30,
          idleTimeoutMs: 20,
          onError: draw(8) === 0 ? "fail-fast" : "isolate",
          ...(deadlineMs !== null && { deadlineMs }),
        },
        use: [
          faults(
            [
              { fault: "server-error", rate: 0.1 },
              { fault: "stream-cut", rate: 0.15 },
              { fault: "stalled", rate: 0.17 },
              { fault: "unauthorized", rate: 0.2 },
              { fault: "rate-limited", rate: 0.22, retryAfterMs: 1 },
            ],
            { seed },
          ),
        ],
        signal: controller.signal,
      });
      clearTimeout(timer);
      clearTimeout(bound);
      const lateTurns = turns - (turnsAtBound ?? turns);
      if (lateTurns > graceTurns) late++;
      if (lateTurns > worst.turns)
        worst = { run: seed, turns: lateTurns, wallMs: lateMs(startedAt, boundMs) };
      lost += Object.keys(spec.nodes).filter((name) => record.outcomes[name as "a"] === undefined).length;
      const started = record.events.filter(({ type }) => type === "call-started").length;
      lost += started - record.calls.length;
      states.set(record.state, (states.get(record.state) ?? 0) + 1);
    };
    const lane = async (upTo: number) => {
      while (next < upTo) await one(next++);
    };
    await Promise.all(Array.from({ length: lanes }, () => lane(warmUp)));
    baseMb = heapMb();
    await Promise.all(Array.from({ length: lanes }, () => lane(runs)));
    clearInterval(counting);
    const endMb = heapMb();

    console.log(`heap ${baseMb.toFixed(1)} → ${endMb.toFixed(1)} MB; states ${JSON.stringify([...states])}`);
    console.log(`latest end after its bound: ${JSON.stringify(worst)}, of ${turns} turns in all`);
    expect({ lost, late }).toEqual({ lost: 0, late: 0 });
    expect([...states.values()].reduce((sum, count) => sum + count, 0)).toBe(runs);
    expect(limiter.active + limiter.waiting).toBe(0);
    expect(await leftOpen(before)).toEqual({ timers: 0, sockets: 0 });
    expect(endMb).toBeLessThan(baseMb * 1.1);
  }, 900_000);
});
