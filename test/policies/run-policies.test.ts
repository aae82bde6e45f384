import { getEventListeners } from "node:events";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { topologyNames } from "../../graphs/topology.js";
import { DagError } from "../../src/errors.js";
import { createLimiter } from "../../src/limits/limiter.js";
import { faults } from "../../src/models/faults.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { replyModel } from "../support/reply-model.js";
import { leftOpen, openResources } from "./open-resources.js";

/** Topologies in which every node runs by itself; planners decide for themselves what runs. */
const scheduled = topologyNames.filter((name) => !name.startsWith("planned"));
const quick = { retry: { initialIntervalMs: 1, maxIntervalMs: 5 } };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** What never ends by itself: a run that waited for it would run into the timeout of its test. */
const never = () => new Promise<never>(() => {});

/** Timers go off when they are told to; everything else is as ever. */
const timersByHand = () =>
  jest.useFakeTimers({
    doNotFake: ["nextTick", "setImmediate", "queueMicrotask", "performance", "Date", "hrtime"],
  });
afterEach(() => {
  jest.useRealTimers();
});

const fan = defineDag({
  name: "fan",
  nodes: {
    a: { instructions: "A" },
    b: { instructions: "B" },
    c: { instructions: "C" },
    d: { instructions: "D" },
    report: {
      needs: ["a", "b", "c", "d"],
      join: "settled",
      run: ({ needs }) => Object.values(needs).filter(Boolean),
    },
  },
});

describe.each(scheduled)("%s: functions", (topology) => {
  it("are tried again whole where a policy states retry, and count their attempts", async () => {
    let tries = 0;
    const dag = defineDag({
      name: "flaky",
      nodes: {
        flaky: {
          run: () => {
            if (++tries < 3) throw new Error("not yet");
            return tries;
          },
          policy: quick,
        },
      },
    });
    const record = await run(dag, "x", { topology });
    expect(record.outcomes.flaky).toMatchObject({ state: "completed", value: 3, attempts: 3 });
  });

  it("are not tried again without one, whatever the error says", async () => {
    const tries = { plain: 0, declared: 0, refused: 0 };
    const dag = defineDag({
      name: "flaky",
      nodes: {
        plain: {
          run: () => {
            tries.plain++;
            throw new Error("no");
          },
        },
        declared: {
          run: () => {
            if (++tries.declared < 2) throw new DagError("BUSY", "busy", { retryable: true });
            return "done";
          },
        },
        refused: {
          policy: quick,
          run: () => {
            tries.refused++;
            throw Object.assign(new Error("forbidden"), { status: 403 });
          },
        },
      },
    });
    const record = await run(dag, "x", { topology });
    expect(tries).toEqual({ plain: 1, declared: 1, refused: 1 });
    expect(record.outcomes.plain).toMatchObject({ state: "failed", attempts: 1 });
    expect(record.outcomes.declared).toMatchObject({ state: "failed", attempts: 1 });
  });

  it("time out though they ignore their signal, and those that heed it are told", async () => {
    let told = false;
    const dag = defineDag({
      name: "slow",
      nodes: {
        deaf: { run: never, policy: { timeoutMs: 20, retry: { maxAttempts: 1 } } },
        heedful: {
          policy: { timeoutMs: 20, retry: { maxAttempts: 1 } },
          run: ({ signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener("abort", () => {
                told = true;
                reject(signal.reason);
              });
            }),
        },
      },
    });
    const record = await run(dag, "x", { topology });
    expect(record.outcomes.deaf).toMatchObject({ state: "timed-out", error: { code: "NODE_TIMEOUT" } });
    expect(record.outcomes.heedful.state).toBe("timed-out");
    expect(told).toBe(true);
  });
});

describe.each(scheduled)("%s: a deadline", (topology) => {
  it("times out what runs, skips what had not started, and keeps what is done", async () => {
    const before = openResources();
    timersByHand();
    const dag = defineDag({
      name: "late",
      nodes: {
        done: { run: () => "kept" },
        slow: {
          needs: ["done"],
          run: () => {
            jest.advanceTimersByTime(60_000);
            return never();
          },
        },
        never: { needs: ["slow"], instructions: "Answer." },
      },
    });
    const record = await run(dag, "x", { topology, model: replyModel(), policy: { deadlineMs: 60_000 } });
    jest.useRealTimers();
    expect(record.outcomes.done).toMatchObject({ state: "completed", value: "kept" });
    expect(record.outcomes.slow).toMatchObject({ state: "timed-out", error: { code: "DEADLINE" } });
    expect(record.outcomes.never).toMatchObject({ state: "skipped", reason: { code: "deadline" } });
    expect(record.state).toBe("failed");
    expect((await leftOpen(before)).timers).toBe(0);
  });

  it("ends requests that wait for a slot", async () => {
    timersByHand();
    const limiter = createLimiter({ requestsPerMinute: 1 });
    const passWhenAllWait = () => {
      if (limiter.waiting > 0 && limiter.active === 0) jest.advanceTimersByTime(30_000);
      else setImmediate(passWhenAllWait);
    };
    setImmediate(passWhenAllWait);
    const record = await run(fan, "x", {
      topology,
      model: replyModel(),
      limits: { limiter },
      policy: { deadlineMs: 30_000 },
    });
    const states = ["a", "b", "c", "d"].map((name) => record.outcomes[name as "a"].state).sort();
    expect(states[0]).toBe("completed");
    expect(states).toContain("timed-out");
    expect(record.calls).toHaveLength(1);
    expect(limiter.waiting + limiter.active).toBe(0);
  });
});

describe.each(scheduled)("%s: an abort", (topology) => {
  it("ends the run though a request never answers, keeps finished outcomes, and records the calls that it cut", async () => {
    const controller = new AbortController();
    const model = replyModel(({ node }) => {
      if (node === "first") return "done";
      setImmediate(() => controller.abort());
      return never();
    });
    const dag = defineDag({
      name: "cut",
      nodes: {
        first: { instructions: "One" },
        second: { needs: ["first"], instructions: "Two" },
        third: { needs: ["second"], instructions: "Three" },
      },
    });
    const record = await run(dag, "x", { topology, model, signal: controller.signal });
    expect(record.state).toBe("cancelled");
    expect(record.outcomes.first.state).toBe("completed");
    expect(record.outcomes.second).toMatchObject({ state: "cancelled", reason: { code: "aborted" } });
    expect(record.outcomes.third).toMatchObject({ state: "cancelled", reason: { code: "aborted" } });
    expect(record.calls.map(({ node, error }) => [node, error?.code ?? null])).toEqual([
      ["first", null],
      ["second", "STOPPED_ABORTED"],
    ]);
    expect(record.events.at(-1)?.type).toBe("run-ended");
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("ends a backoff", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 40);
    const record = await run(fan, "x", {
      topology,
      model: replyModel(),
      use: [faults([{ fault: "server-error" }])],
      policy: { retry: { initialIntervalMs: 300_000, maxIntervalMs: 300_000 } },
      signal: controller.signal,
    });
    expect(record.state).toBe("cancelled");
  });
});

describe.each(scheduled)("%s: a failure", (topology) => {
  it("leaves siblings alone", async () => {
    const record = await run(fan, "x", {
      topology,
      model: replyModel(),
      use: [faults([{ node: "b", fault: "unauthorized" }])],
    });
    expect(record.outcomes.b).toMatchObject({ state: "failed", error: { code: "MODEL_UNAUTHORIZED" } });
    expect(record.output).toHaveLength(3);
    expect(record.state).toBe("partial");
  });

  it("cancels what is left under fail-fast", async () => {
    const record = await run(fan, "x", {
      topology,
      model: replyModel(({ node }) => (node === "a" ? "a" : never())),
      use: [faults([{ node: "a", fault: "unauthorized" }])],
      policy: { onError: "fail-fast" },
    });
    expect(record.outcomes.a.state).toBe("failed");
    expect(record.outcomes.d).toMatchObject({ state: "cancelled", reason: { code: "fail-fast" } });
  });
});

describe.each(scheduled)("%s: a budget", (topology) => {
  it("of calls is kept to exactly; what is left is skipped, and what is done is put together", async () => {
    const record = await run(fan, "x", {
      topology,
      model: replyModel(undefined, { delayMs: 5 }),
      limits: { maxModelCalls: 2 },
    });
    expect(record.calls).toHaveLength(2);
    const outcomes = ["a", "b", "c", "d"].map((name) => record.outcomes[name as "a"]);
    expect(outcomes.filter(({ state }) => state === "completed")).toHaveLength(2);
    for (const outcome of outcomes.filter(({ state }) => state !== "completed")) {
      expect(outcome).toMatchObject({ state: "skipped", reason: { code: "budget" } });
    }
    expect(record.output).toHaveLength(2);
    expect(record.state).toBe("partial");
  });

  it("counts retries, and names itself as the reason along the whole chain", async () => {
    const dag = defineDag({
      name: "chain",
      nodes: {
        one: { instructions: "1" },
        two: { needs: ["one"], instructions: "2" },
        three: { needs: ["two"], instructions: "3" },
      },
    });
    const record = await run(dag, "x", {
      topology,
      model: replyModel(),
      use: [faults([{ node: "one", call: 1, fault: "server-error" }])],
      policy: quick,
      limits: { maxModelCalls: 2 },
    });
    expect(record.calls).toHaveLength(2);
    expect(record.outcomes.one).toMatchObject({ state: "completed", attempts: 2 });
    expect(record.outcomes.two).toMatchObject({ state: "skipped", reason: { code: "budget" } });
    expect(record.outcomes.three).toMatchObject({ state: "skipped", reason: { code: "budget" } });
  });

  it("of tokens is never exceeded by parallel calls", async () => {
    const record = await run(fan, "x", {
      topology,
      model: replyModel(undefined, { delayMs: 5 }),
      limits: { maxTokens: 500 },
    });
    const { inputTokens, outputTokens } = record.usage;
    expect(inputTokens + outputTokens).toBeLessThanOrEqual(500);
    expect(record.usage.modelCalls).toBe(4);
  });
});

describe.each(scheduled)("%s: a limit", (topology) => {
  it("holds over maps and runs that share it", async () => {
    let active = 0;
    let peak = 0;
    const model = replyModel(async () => {
      peak = Math.max(peak, ++active);
      await pause(5);
      active--;
      return "x";
    });
    const dag = defineDag({
      name: "map",
      nodes: {
        items: { run: () => [1, 2, 3, 4, 5, 6] },
        each: { needs: ["items"], forEach: { node: "items" }, instructions: "Each" },
        other: { needs: ["items"], instructions: "Other" },
      },
    });
    const limits = { limiter: createLimiter({ maxConcurrency: 2 }) };
    const records = await Promise.all([1, 2].map(() => run(dag, "x", { topology, model, limits })));
    expect(records.map(({ state }) => state)).toEqual(["completed", "completed"]);
    expect(peak).toBe(2);
  });
});

it("looks a policy up at the node, then the run, then the spec, field by field", async () => {
  const dag = defineDag({
    name: "levels",
    policy: { retry: { maxAttempts: 2, initialIntervalMs: 1, jitter: false } },
    nodes: {
      own: { instructions: "1", policy: { retry: { maxAttempts: 4 } } },
      inherits: { instructions: "2" },
    },
  });
  const use = [faults([{ fault: "server-error" }])];
  const bySpec = await run(dag, "x", { model: replyModel(), use });
  expect([bySpec.outcomes.own.attempts, bySpec.outcomes.inherits.attempts]).toEqual([4, 2]);
  const byRun = await run(dag, "x", { model: replyModel(), use, policy: { retry: { maxAttempts: 3 } } });
  expect([byRun.outcomes.own.attempts, byRun.outcomes.inherits.attempts]).toEqual([4, 3]);
});

it("draws the same faults from the same seed, in whatever order requests come", async () => {
  const failed = async (seed: number, topology: (typeof scheduled)[number]) => {
    const use = [faults([{ fault: "unauthorized", rate: 0.5 }], { seed })];
    const { outcomes } = await run(fan, "x", { topology, model: replyModel(), use });
    return ["a", "b", "c", "d"].map((name) => outcomes[name as "a"].state);
  };
  const draws = await Promise.all([1, 2, 3, 4].map((seed) => failed(seed, "deterministic")));
  expect(await Promise.all([1, 2, 3, 4].map((seed) => failed(seed, "sequential")))).toEqual(draws);
  expect(new Set(draws.map(String)).size).toBeGreaterThan(1);
});

it("replaces fallback models of the spec by the run's model", async () => {
  const dag = defineDag({
    name: "fallbacks",
    policy: { fallbackModels: ["openai:gpt-4.1-mini"] },
    nodes: { one: { instructions: "1" } },
  });
  const record = await run(dag, "x", { model: replyModel() });
  expect(record.state).toBe("completed");
});
