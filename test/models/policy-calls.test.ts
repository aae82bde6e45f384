import { getEventListeners } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { DagError } from "../../src/errors.js";
import type { BudgetLimits } from "../../src/limits/budget.js";
import { createBudget } from "../../src/limits/budget.js";
import { createHedgeStatistics } from "../../src/limits/hedge-statistics.js";
import { createLimiter, type LimiterOptions } from "../../src/limits/limiter.js";
import { recordCalls } from "../../src/models/call-recorder.js";
import { withPolicy } from "../../src/models/policy-calls.js";
import type { Model, ModelChunk, ModelRequest } from "../../src/models/port.js";
import { collectReply } from "../../src/models/port.js";
import type { CallRecord } from "../../src/records/events.js";
import type { Policy } from "../../src/spec/policy.js";
import { leftOpen, openResources } from "../policies/open-resources.js";
import { request } from "./requests.js";

type Behaviour = (request: ModelRequest, nth: number) => AsyncIterable<ModelChunk>;

const overloaded = new DagError("MODEL_SERVER_ERROR", "it broke", {
  retryable: true,
  facts: { status: 500 },
});
const refused = new DagError("MODEL_UNAUTHORIZED", "no key", { facts: { status: 401 } });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function* says(text: string, afterMs = 0): AsyncGenerator<ModelChunk> {
  await pause(afterMs);
  yield { type: "text", text };
  yield { type: "usage", inputTokens: 10, outputTokens: 5 };
  yield { type: "finish", reason: "stop" };
}

/** A model that pays no heed to its signal. */
function modelOf(behaviour: Behaviour, id = "test:m"): Model & { readonly seen: ModelRequest[] } {
  const seen: ModelRequest[] = [];
  return {
    id,
    seen,
    call(one) {
      seen.push(one);
      return behaviour(one, seen.length);
    },
  };
}

function setUp(
  behaviour: Behaviour,
  policy: Policy = {},
  options: { limits?: LimiterOptions & BudgetLimits; fallbacks?: Model[]; remainingMs?: number } = {},
) {
  const calls: CallRecord[] = [];
  const retried: number[] = [];
  const model = modelOf(behaviour);
  const hedgeStatistics = createHedgeStatistics();
  const limiter = createLimiter(options.limits);
  let id = 0;
  const origin = performance.now();
  const wrapped = withPolicy(
    model,
    options.fallbacks ?? [],
    { retry: { initialIntervalMs: 1, jitter: false }, ...policy },
    {
      limiter,
      budget: createBudget(options.limits ?? {}),
      hedgeStatistics,
      prices: async () => () => null,
      record: recordCalls({
        emit: (event) => {
          if (event.type === "call-ended") calls.push(event.call);
        },
        nowMs: () => performance.now() - origin,
        nextId: () => String(++id),
      }),
      remainingMs: () => options.remainingMs ?? Infinity,
      onRetry: ({ attempt }) => retried.push(attempt),
      onBudgetSpent: (error) => error,
    },
  );
  const ask = (parts: Partial<ModelRequest> = {}) => collectReply(wrapped.call(request(parts)));
  return { ask, wrapped, model, calls, retried, hedgeStatistics, limiter };
}

describe("retries", () => {
  it("send a request again until it succeeds, each attempt a call of its own", async () => {
    const { ask, calls, retried } = setUp((_, nth) => {
      if (nth < 3) throw overloaded;
      return says("fine");
    });
    expect((await ask()).text).toBe("fine");
    expect(calls.map(({ attempt, error }) => [attempt, error?.code ?? null])).toEqual([
      [1, "MODEL_SERVER_ERROR"],
      [2, "MODEL_SERVER_ERROR"],
      [3, null],
    ]);
    expect(retried).toEqual([2, 3]);
  });

  it("forget what a failed attempt had already streamed", async () => {
    const { ask, wrapped } = setUp(async function* (_, nth) {
      yield { type: "text", text: "half " };
      if (nth % 2 === 1) throw overloaded;
      yield* says("whole");
    });
    expect((await ask()).text).toBe("half whole");
    const types: string[] = [];
    for await (const { type } of wrapped.call(request())) types.push(type);
    expect(types).toEqual(["text", "restart", "text", "text", "usage", "finish"]);
  });

  it("are not made for what cannot get better", async () => {
    const { ask, model } = setUp(() => {
      throw refused;
    });
    await expect(ask()).rejects.toBe(refused);
    expect(model.seen).toHaveLength(1);
  });

  it("keep code and facts of the last error, and say how many attempts there were", async () => {
    const { ask } = setUp(() => {
      throw overloaded;
    });
    await expect(ask()).rejects.toMatchObject({
      code: "MODEL_SERVER_ERROR",
      message: "After 3 attempts: it broke",
      facts: { status: 500, attempts: 3 },
    });
  });

  it("end in their wait when the signal is aborted, and leave no listener", async () => {
    const { ask, model } = setUp(
      () => {
        throw overloaded;
      },
      { retry: { initialIntervalMs: 60_000 } },
    );
    const controller = new AbortController();
    const before = openResources();
    const asked = ask({ signal: controller.signal });
    setTimeout(() => controller.abort(new Error("stop")), 20);
    await expect(asked).rejects.toThrow("stop");
    expect(model.seen).toHaveLength(1);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    expect(await leftOpen(before)).toEqual({ timers: 0, sockets: 0 });
  });

  it("are not waited for beyond the deadline", async () => {
    const limited = new DagError("MODEL_RATE_LIMITED", "slow down.", {
      retryable: true,
      facts: { status: 429, retryAfterMs: 5000 },
    });
    const { ask } = setUp(
      () => {
        throw limited;
      },
      {},
      { remainingMs: 4000 },
    );
    await expect(ask()).rejects.toThrow(
      /slow down\. Not tried again: the wait of 5000 ms is longer than the 4000 ms/,
    );
  });
});

describe("fallback models", () => {
  it("are tried in order, each with its own attempts, which count on", async () => {
    const second = modelOf(() => {
      throw refused;
    }, "test:second");
    const third = modelOf(() => says("from the third"), "test:third");
    const { ask, calls } = setUp(
      () => {
        throw overloaded;
      },
      { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
      { fallbacks: [second, third] },
    );
    expect((await ask()).text).toBe("from the third");
    expect(calls.map(({ model, attempt }) => [model, attempt])).toEqual([
      ["test:m", 1],
      ["test:m", 2],
      ["test:second", 3],
      ["test:third", 4],
    ]);
  });

  it("are not tried after an abort", async () => {
    const second = modelOf(() => says("late"), "test:second");
    const controller = new AbortController();
    const { ask } = setUp(
      () => {
        controller.abort(new Error("stop"));
        throw overloaded;
      },
      {},
      { fallbacks: [second] },
    );
    await expect(ask({ signal: controller.signal })).rejects.toThrow();
    expect(second.seen).toEqual([]);
  });
});

describe("clocks", () => {
  it("end an attempt that takes too long, though the model pays no heed", async () => {
    const before = openResources();
    const { ask, calls } = setUp((_, nth) => says("late", nth === 1 ? 300 : 0), { timeoutMs: 40 });
    expect((await ask()).text).toBe("late");
    expect(calls.map(({ error }) => error?.code ?? null)).toEqual(["MODEL_TIMEOUT", null]);
    expect(await leftOpen(before)).toEqual({ timers: 0, sockets: 0 });
  });

  it("end a reply that falls silent, and let one go on that keeps talking", async () => {
    const { ask, calls } = setUp(
      async function* (_, nth) {
        for (let piece = 0; piece < 4; piece++) {
          yield { type: "text", text: `${piece}` };
          await pause(nth === 1 && piece === 1 ? 500 : 25);
        }
      },
      { idleTimeoutMs: 70 },
    );
    expect((await ask()).text).toBe("0123");
    expect(calls.map(({ error }) => error?.code ?? null)).toEqual(["MODEL_STALLED", null]);
  });

  it("end a reply that falls silent in its thoughts", async () => {
    const { ask, calls } = setUp(
      async function* (_, nth) {
        yield { type: "thought", text: "Hm." };
        await pause(nth === 1 ? 500 : 5);
        yield { type: "text", text: "fine" };
      },
      { idleTimeoutMs: 70 },
    );
    expect((await ask()).text).toBe("fine");
    expect(calls.map(({ error }) => error?.code ?? null)).toEqual(["MODEL_STALLED", null]);
  });

  it("stand still while a request waits for a slot", async () => {
    const { ask, calls } = setUp(
      () => says("fine", 60),
      { timeoutMs: 150 },
      { limits: { maxConcurrency: 1 } },
    );
    const replies = await Promise.all(Array.from({ length: 5 }, () => ask()));
    expect(replies.map(({ text }) => text)).toEqual(Array(5).fill("fine"));
    expect(calls).toHaveLength(5);
  });
});

describe("limits", () => {
  it("give a slot back however a request ends", async () => {
    const { ask, wrapped, limiter } = setUp((_, nth) => {
      if (nth === 1) throw refused;
      return says("fine");
    });
    await expect(ask()).rejects.toBe(refused);
    for await (const _ of wrapped.call(request())) break;
    await ask();
    expect(limiter.active).toBe(0);
  });

  it("never let parallel requests use more than the budget", async () => {
    const { ask, calls } = setUp(
      (one) => {
        const { maxTokens = 1000 } = one.modelOptions;
        return (async function* (): AsyncGenerator<ModelChunk> {
          await pause(2);
          yield { type: "text", text: "x" };
          yield { type: "usage", inputTokens: 10, outputTokens: Math.min(maxTokens, 700) };
        })();
      },
      {},
      { limits: { maxTokens: 3000 } },
    );
    const settled = await Promise.allSettled(Array.from({ length: 10 }, () => ask()));
    const used = calls.reduce((sum, call) => sum + call.inputTokens + call.outputTokens, 0);
    expect(used).toBeLessThanOrEqual(3000);
    expect(used).toBeGreaterThan(2000);
    const reasons = settled.flatMap((one) => (one.status === "rejected" ? [one.reason.code] : []));
    expect(new Set(reasons)).toEqual(new Set(["BUDGET_SPENT"]));
  });

  it("end an answer that outgrows the budget, and keep what came", async () => {
    const { ask } = setUp(
      async function* () {
        for (let piece = 0; piece < 100; piece++) yield { type: "text", text: "word ".repeat(20) };
      },
      {},
      { limits: { maxTokens: 500 } },
    );
    const reply = await ask();
    expect(reply.finishReason).toBe("length");
    expect(reply.text.length).toBeGreaterThan(500);
    expect(reply.text.length).toBeLessThan(2000);
  });
});

describe("hedging", () => {
  /** Whoever waited for it would wait for ever. */
  const never = (): AsyncIterable<ModelChunk> => ({
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
  });
  const slowFirst: Behaviour = (one) => (one.hedged ? says("second") : never());

  it("sends a second request after the time, takes the first token, and aborts the loser", async () => {
    const before = openResources();
    const { ask, calls, model } = setUp(slowFirst, { hedge: { after: 30, maxExtraShare: 1 } });
    expect((await ask()).text).toBe("second");
    expect(model.seen.map(({ hedged }) => hedged ?? false)).toEqual([false, true]);
    expect(model.seen.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(calls.map(({ hedged, error }) => [hedged, error?.code ?? null]).sort()).toEqual([
      [false, "HEDGE_LOST"],
      [true, null],
    ]);
    expect(await leftOpen(before)).toEqual({ timers: 0, sockets: 0 });
  });

  it("does nothing when the first token comes in time", async () => {
    const { ask, model } = setUp(() => says("first"), { hedge: { after: 60_000, maxExtraShare: 1 } });
    await ask();
    expect(model.seen).toHaveLength(1);
  });

  it("keeps its share of all requests, and one is always allowed", async () => {
    const { ask, model } = setUp(() => says("slow", 25), { hedge: { after: 5 } });
    for (let round = 0; round < 8; round++) await ask();
    expect(model.seen.filter(({ hedged }) => hedged)).toHaveLength(1);
  });

  it("stops by itself when all requests are slow", async () => {
    const { ask, model } = setUp(() => says("slow", 12), { hedge: { after: 3, maxExtraShare: 1 } });
    for (let round = 0; round < 30; round++) await ask();
    expect(model.seen.filter(({ hedged }) => hedged).length).toBeLessThan(12);
  });

  it("at the 95th percentile waits for 50 samples", async () => {
    const { ask, model } = setUp((one, nth) => (nth > 50 && !one.hedged ? never() : says("x")), {
      hedge: { after: "p95" },
    });
    for (let round = 0; round < 50; round++) await ask();
    expect(model.seen).toHaveLength(50);
    await ask();
    expect(model.seen).toHaveLength(52);
  });

  it("takes a slot for the second request too", async () => {
    const { ask, model } = setUp(
      (one) => says(one.hedged ? "second" : "first", 40),
      { hedge: { after: 10, maxExtraShare: 1 } },
      { limits: { maxConcurrency: 1 } },
    );
    expect((await ask()).text).toBe("first");
    expect(model.seen).toHaveLength(1);
  });

  it("does not count time in the queue as slowness", async () => {
    const { ask, model } = setUp(
      () => says("x", 30),
      { hedge: { after: 100, maxExtraShare: 1 } },
      { limits: { maxConcurrency: 1 } },
    );
    await Promise.all(Array.from({ length: 6 }, () => ask()));
    expect(model.seen).toHaveLength(6);
  });

  it("goes on with the one that is left when the other fails, and fails with the first's error when both do", async () => {
    const one = setUp(
      (sent) => {
        if (sent.hedged) throw overloaded;
        return says("first", 60);
      },
      { hedge: { after: 10, maxExtraShare: 1 } },
    );
    expect((await one.ask()).text).toBe("first");

    const both = setUp(
      async function* (sent) {
        await pause(sent.hedged ? 5 : 40);
        yield { type: "usage", inputTokens: 1, outputTokens: 0 };
        throw sent.hedged ? overloaded : refused;
      },
      { hedge: { after: 10, maxExtraShare: 1 } },
    );
    await expect(both.ask()).rejects.toBe(refused);
  });
});
