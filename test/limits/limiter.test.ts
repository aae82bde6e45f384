import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { createLimiter, type Estimate, type Lease, type LimiterOptions } from "../../src/limits/limiter.js";
import type { RateLimit } from "../../src/limits/rate-limit.js";
import fc from "../support/drawn.js";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

const never = new AbortController().signal;
const nothing = { inputTokens: 0, outputTokens: 0 };
const untold: RateLimit = {
  limitRequests: null,
  limitTokens: null,
  remainingRequests: null,
  remainingTokens: null,
  resetRequestsMs: null,
  resetTokensMs: null,
  retryAfterMs: null,
};

/** A limiter and the order in which named requests were admitted. */
function setUp(options: LimiterOptions) {
  const limiter = createLimiter(options);
  const admitted: string[] = [];
  const leases = new Map<string, Lease>();
  const ask = (
    name: string,
    {
      tokens = 1,
      model = "m",
      signal = never,
      patienceMs = Infinity,
      ...place
    }: Partial<Estimate> & { signal?: AbortSignal } = {},
  ) =>
    limiter.acquire({ model, tokens, patienceMs, ...place }, signal).then((lease) => {
      admitted.push(name);
      leases.set(name, lease);
      return lease;
    });
  const settle = async (name: string, usage = nothing) => {
    leases.get(name)?.settle(usage);
    await jest.advanceTimersByTimeAsync(0);
  };
  return { limiter, admitted, leases, ask, settle };
}

describe("who goes first", () => {
  /** The order in which everything that waits at once is admitted, one at a time. */
  async function orderOf(asked: readonly (readonly [name: string, place: Partial<Estimate>])[]) {
    const { ask, admitted, settle } = setUp({ maxConcurrency: 1 });
    void ask("first");
    await jest.advanceTimersByTimeAsync(0);
    for (const [name, place] of asked) void ask(name, place);
    await jest.advanceTimersByTimeAsync(0);
    for (let done = 0; done <= asked.length; done++) await settle(admitted[done] ?? "");
    return admitted.slice(1).join(" ");
  }

  it("is what has the longest path to come, then who came first", async () => {
    const asked = [
      ["a", { priority: 1 }],
      ["b", { priority: 3 }],
      ["c", { priority: 3 }],
      ["d", {}],
    ] as const;
    expect(await orderOf(asked)).toBe("b c a d");
  });

  it("puts in order what comes at one moment, before the first takes a slot", async () => {
    const { ask, admitted } = setUp({ maxConcurrency: 1 });
    void ask("a");
    void ask("b", { priority: 1 });
    await jest.advanceTimersByTimeAsync(0);
    expect(admitted).toEqual(["b"]);
  });

  it("gets a freed slot before what waits, where it comes at the moment at which the slot is freed", async () => {
    const { ask, admitted, leases } = setUp({ maxConcurrency: 1 });
    void ask("first");
    await jest.advanceTimersByTimeAsync(0);
    void ask("waits", { priority: 1 });
    await jest.advanceTimersByTimeAsync(0);
    leases.get("first")?.settle(nothing);
    // What needed the first request asks a chain of promises later.
    void Promise.resolve()
      .then(() => {})
      .then(() => ask("follows", { priority: 2 }));
    await jest.advanceTimersByTimeAsync(0);
    expect(admitted).toEqual(["first", "follows"]);
    leases.get("follows")?.settle(nothing);
    await jest.advanceTimersByTimeAsync(0);
    expect(admitted).toEqual(["first", "follows", "waits"]);
    leases.get("waits")?.settle(nothing);
  });

  it("is the earlier row of a batch, whatever is to come", async () => {
    const row = (order: number, priority: number) => ({ sharer: "batch", order, priority });
    const asked = [
      ["r2a", row(2, 9)],
      ["r1a", row(1, 1)],
      ["r1b", row(1, 2)],
      ["r2b", row(2, 1)],
    ] as const;
    expect(await orderOf(asked)).toBe("r1b r1a r2a r2b");
  });

  it("takes turns among runs that share a limiter", async () => {
    const asked = [
      ...["x1", "x2", "x3", "x4"].map((name) => [name, { sharer: "x", priority: 9 }] as const),
      ["y1", { sharer: "y" }] as const,
      ["y2", { sharer: "y" }] as const,
    ];
    expect(await orderOf(asked)).toBe("x1 y1 x2 y2 x3 x4");
  });

  it("lets no waiting request starve where slots are many: sharers have equally many under way", async () => {
    const { ask, admitted } = setUp({ maxConcurrency: 4 });
    for (let n = 0; n < 6; n++) void ask(`x${n}`, { sharer: "x" });
    await jest.advanceTimersByTimeAsync(0);
    for (let n = 0; n < 2; n++) void ask(`y${n}`, { sharer: "y" });
    await jest.advanceTimersByTimeAsync(0);
    expect(admitted).toEqual(["x0", "x1", "x2", "x3"]);
  });
});

describe("maxConcurrency", () => {
  it("of 1 admits one after another, in order of arrival", async () => {
    const { ask, admitted, settle } = setUp({ maxConcurrency: 1 });
    for (const name of ["a", "b", "c"]) void ask(name);
    await jest.advanceTimersByTimeAsync(0);
    expect(admitted).toEqual(["a"]);
    await settle("a");
    expect(admitted).toEqual(["a", "b"]);
    await settle("a");
    expect(admitted).toEqual(["a", "b"]);
    await settle("b");
    expect(admitted).toEqual(["a", "b", "c"]);
  });

  it("of one model leaves the others alone", async () => {
    const { ask, admitted } = setUp({ models: { slow: { maxConcurrency: 1 } } });
    void ask("a", { model: "slow" });
    void ask("b", { model: "slow" });
    void ask("c", { model: "quick" });
    await jest.advanceTimersByTimeAsync(0);
    expect(admitted).toEqual(["a", "c"]);
  });
});

describe("requestsPerMinute", () => {
  it("lets no more than the limit pass in any 60 seconds", async () => {
    const { ask, admitted, settle } = setUp({ requestsPerMinute: 3 });
    for (const name of ["a", "b", "c", "d"]) void ask(name).then(() => settle(name));
    await jest.advanceTimersByTimeAsync(60_000);
    expect(admitted).toEqual(["a", "b", "c"]);
    await jest.advanceTimersByTimeAsync(700);
    expect(admitted).toEqual(["a", "b", "c", "d"]);
  });
});

describe("tokensPerMinute", () => {
  it("counts the estimate until the real usage is known", async () => {
    const { ask, admitted, settle } = setUp({ tokensPerMinute: 1000 });
    for (const name of ["a", "b", "c"]) void ask(name, { tokens: 600 });
    await jest.advanceTimersByTimeAsync(0);
    expect(admitted).toEqual(["a"]);
    await settle("a", { inputTokens: 100, outputTokens: 50 });
    expect(admitted).toEqual(["a", "b"]);
    await settle("b", { inputTokens: 500, outputTokens: 500 });
    expect(admitted).toEqual(["a", "b"]);
    await jest.advanceTimersByTimeAsync(61_000);
    expect(admitted).toEqual(["a", "b", "c"]);
  });

  it("admits a request larger than the limit when nothing else counts", async () => {
    const { ask, admitted } = setUp({ tokensPerMinute: 10 });
    void ask("large", { tokens: 5000 });
    await jest.advanceTimersByTimeAsync(0);
    expect(admitted).toEqual(["large"]);
  });

  it("does not let small requests overtake a large one that waits", async () => {
    const { ask, admitted } = setUp({ tokensPerMinute: 100 });
    void ask("a", { tokens: 60 });
    void ask("large", { tokens: 90 });
    void ask("small", { tokens: 1 });
    await jest.advanceTimersByTimeAsync(1000);
    expect(admitted).toEqual(["a"]);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(admitted).toEqual(["a", "large", "small"]);
  });
});

it("leaves neither clock nor listener behind, whether a request had to wait, was given up, or went at once", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const free = createLimiter();
  for (let n = 0; n < 3; n++) (await free.acquire({ model: "m", tokens: 1 }, signal)).settle(nothing);
  expect(getEventListeners(signal, "abort")).toEqual([]);
  const { ask, admitted } = setUp({ requestsPerMinute: 1 });
  void ask("first", { signal });
  void ask("waits", { signal });
  const givenUp = ask("given up", { signal: AbortSignal.any([signal]) });
  await jest.advanceTimersByTimeAsync(61_000);
  expect(admitted).toEqual(["first", "waits"]);
  expect(jest.getTimerCount()).toBe(1);
  expect(getEventListeners(signal, "abort")).toEqual([]);
  controller.abort(new Error("no more"));
  await expect(givenUp).rejects.toThrow("no more");
  expect(jest.getTimerCount()).toBe(0);
});

it("is not made of what is no object of limits", () => {
  expect(() => createLimiter(3 as never)).toThrow(/createLimiter.*options.*3.*an object of limits/s);
});

describe("a request that waits", () => {
  it("ends at once when its signal is aborted, and makes room for those behind it", async () => {
    const { ask, admitted, limiter } = setUp({ tokensPerMinute: 100 });
    const controller = new AbortController();
    void ask("a", { tokens: 60 });
    const large = ask("large", { tokens: 90, signal: controller.signal });
    void ask("small", { tokens: 1 });
    controller.abort(new Error("no longer"));
    await expect(large).rejects.toThrow("no longer");
    await jest.advanceTimersByTimeAsync(0);
    expect(admitted).toEqual(["a", "small"]);
    expect(limiter.waiting).toBe(0);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("is not begun with a signal that was aborted before", async () => {
    const { ask, limiter } = setUp({});
    await expect(ask("a", { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
    expect(limiter.active).toBe(0);
  });
});

it("tells how many requests wait and how many are under way", async () => {
  const { ask, limiter, settle } = setUp({ maxConcurrency: 1 });
  const { signal } = new AbortController();
  void ask("a", { signal });
  void ask("b", { signal });
  await jest.advanceTimersByTimeAsync(0);
  expect([limiter.active, limiter.waiting]).toEqual([1, 1]);
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  await settle("a");
  expect([limiter.active, limiter.waiting]).toEqual([1, 0]);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

describe("what the provider says", () => {
  it("holds its model back after a 429 for as long as it asks, and the others not", async () => {
    const { ask, admitted, leases } = setUp({});
    await ask("a");
    leases.get("a")?.refused(2000);
    leases.get("a")?.settle(nothing);
    void ask("b");
    void ask("c", { model: "other" });
    await jest.advanceTimersByTimeAsync(1990);
    expect(admitted).toEqual(["a", "c"]);
    await jest.advanceTimersByTimeAsync(20);
    expect(admitted).toEqual(["a", "c", "b"]);
  });

  it("holds back for twice as long at each further 429 that does not say how long", async () => {
    const { ask, leases } = setUp({});
    const waits: number[] = [];
    for (const name of ["a", "b", "c"]) {
      const waiting = ask(name);
      await jest.advanceTimersByTimeAsync(10_000);
      waits.push(Math.round((await waiting).waitedMs));
      leases.get(name)?.refused(null);
      leases.get(name)?.settle(nothing);
    }
    expect(waits).toEqual([0, 500, 1000]);
  });

  it("holds back once for 429s of requests that were under way together", async () => {
    const { ask, admitted, leases } = setUp({});
    const names = ["a", "b", "c", "d"];
    for (const name of names) await ask(name);
    await jest.advanceTimersByTimeAsync(10);
    for (const name of names) leases.get(name)?.refused(null);
    void ask("next");
    await jest.advanceTimersByTimeAsync(510);
    expect(admitted).toContain("next");
  });

  it("is tried against at once by a request that cannot wait so long", async () => {
    const { ask, admitted, leases } = setUp({});
    await ask("a");
    leases.get("a")?.refused(30_000);
    void ask("hurried", { patienceMs: 1000 });
    await jest.advanceTimersByTimeAsync(0);
    expect(admitted).toEqual(["a", "hurried"]);
  });

  it("in its rate-limit headers counts below our own limits, with what was sent since", async () => {
    const { ask, admitted, leases } = setUp({ requestsPerMinute: 1000 });
    await ask("a");
    await ask("b");
    leases.get("a")?.observe({ ...untold, limitRequests: 10, remainingRequests: 2, resetRequestsMs: 8000 });
    void ask("c");
    void ask("d");
    await jest.advanceTimersByTimeAsync(900);
    expect(admitted).toEqual(["a", "b", "c"]);
    await jest.advanceTimersByTimeAsync(200);
    expect(admitted).toEqual(["a", "b", "c", "d"]);
  });

  it("of tokens is waited for until they are back", async () => {
    const { ask, admitted, leases } = setUp({});
    await ask("a", { tokens: 100 });
    leases.get("a")?.observe({ ...untold, remainingTokens: 50, resetTokensMs: 5000 });
    void ask("b", { tokens: 80 });
    await jest.advanceTimersByTimeAsync(4900);
    expect(admitted).toEqual(["a"]);
    await jest.advanceTimersByTimeAsync(200);
    expect(admitted).toEqual(["a", "b"]);
  });
});

it("holds its limits for any load, and admits everything in the end", async () => {
  const load = fc.record({
    rpm: fc.integer({ min: 1, max: 5 }),
    tpm: fc.integer({ min: 10, max: 60 }),
    concurrency: fc.integer({ min: 1, max: 3 }),
    requests: fc.array(
      fc.record({
        tokens: fc.integer({ min: 1, max: 80 }),
        real: fc.integer({ min: 0, max: 80 }),
        atMs: fc.integer({ min: 0, max: 90_000 }),
        lastsMs: fc.integer({ min: 0, max: 20_000 }),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(load, async ({ rpm, tpm, concurrency, requests }) => {
      const limiter = createLimiter({
        requestsPerMinute: rpm,
        tokensPerMinute: tpm,
        maxConcurrency: concurrency,
      });
      const sent: { atMs: number; weight: number }[] = [];
      let active = 0;
      let peak = 0;
      const done = requests.map(async ({ tokens, real, atMs, lastsMs }) => {
        await new Promise((resolve) => setTimeout(resolve, atMs));
        const lease = await limiter.acquire({ model: "m", tokens }, never);
        const entry = { atMs: performance.now(), weight: Math.min(tokens, tpm) };
        const inWindow = sent.filter((one) => one.atMs > entry.atMs - 60_000);
        expect(inWindow.length).toBeLessThan(rpm);
        const sum = inWindow.reduce((total, one) => total + one.weight, 0);
        if (inWindow.length > 0) expect(sum + entry.weight).toBeLessThanOrEqual(tpm);
        sent.push(entry);
        peak = Math.max(peak, ++active);
        await new Promise((resolve) => setTimeout(resolve, lastsMs));
        active--;
        entry.weight = real;
        lease.settle({ inputTokens: real, outputTokens: 0 });
      });
      await jest.advanceTimersByTimeAsync(3_600_000);
      await Promise.all(done);
      expect(peak).toBeLessThanOrEqual(concurrency);
      expect(limiter.active + limiter.waiting).toBe(0);
    }),
    { numRuns: 60 },
  );
});
