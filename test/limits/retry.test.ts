import { describe, expect, it } from "@jest/globals";
import { DagError } from "../../src/errors.js";
import { retryWaitMs } from "../../src/limits/retry-schedule.js";
import { declaredRetryable, retriesOn, retryAfterMsOf } from "../../src/limits/retryable.js";
import { mergePolicies } from "../../src/spec/policy.js";

const low = () => 0;
const high = () => 0.999999;

describe("the wait before an attempt", () => {
  it("grows by the factor up to the longest interval", () => {
    const policy = { initialIntervalMs: 100, backoffFactor: 3, maxIntervalMs: 1000, jitter: false };
    expect([1, 2, 3, 4].map((failed) => retryWaitMs(policy, failed))).toEqual([100, 300, 900, 1000]);
  });

  it("is drawn from the upper half of the interval", () => {
    expect(retryWaitMs({ initialIntervalMs: 100 }, 1, { random: low })).toBe(50);
    expect(retryWaitMs({ initialIntervalMs: 100 }, 1, { random: high })).toBeCloseTo(100, 2);
  });

  it("never undercuts Retry-After, also above the longest interval, and spreads it by a tenth", () => {
    const asked = { retryAfterMs: 90_000 };
    expect(retryWaitMs({ maxIntervalMs: 1000 }, 1, { ...asked, random: low })).toBe(90_000);
    expect(retryWaitMs({ maxIntervalMs: 1000 }, 1, { ...asked, random: high })).toBeCloseTo(99_000, 0);
    expect(retryWaitMs({ jitter: false }, 1, asked)).toBe(90_000);
  });

  it("backs off all the same when Retry-After is 0", () => {
    expect(retryWaitMs({ initialIntervalMs: 400, jitter: false }, 1, { retryAfterMs: 0 })).toBe(400);
  });

  it("is what holds where a policy states nothing", () => {
    expect([1, 2, 3, 7, 8].map((failed) => retryWaitMs({}, failed, { random: low }))).toEqual([
      250, 500, 1000, 15_000, 15_000,
    ]);
    expect(retryWaitMs({}, 1, { random: () => 0.5 })).toBe(375);
    expect(retryWaitMs({ jitter: false }, 7)).toBe(30_000);
  });

  it("is drawn by chance of its own", () => {
    for (let n = 0; n < 20; n++) {
      const waitMs = retryWaitMs({ initialIntervalMs: 100 }, 1);
      expect(waitMs).toBeGreaterThanOrEqual(50);
      expect(waitMs).toBeLessThan(100);
    }
  });

  it("keeps a first interval above the default longest one", () => {
    expect(retryWaitMs({ initialIntervalMs: 60_000, jitter: false }, 1)).toBe(60_000);
  });
});

describe("an error's class", () => {
  it.each([
    [Object.assign(new Error("x"), { status: 429 }), true],
    [Object.assign(new Error("x"), { status: 408 }), true],
    [Object.assign(new Error("x"), { status: 409 }), true],
    [Object.assign(new Error("x"), { statusCode: 503 }), true],
    [Object.assign(new Error("x"), { status: 400 }), false],
    [Object.assign(new Error("x"), { status: 401 }), false],
    [Object.assign(new Error("x"), { status: 403 }), false],
    [Object.assign(new Error("x"), { status: 404 }), false],
    [new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code: "ECONNRESET" }) }), true],
    [new DOMException("too slow", "TimeoutError"), true],
    [new DagError("X", "x", { retryable: true }), true],
    [new DagError("X", "x"), false],
    [Object.assign(new Error("x"), { status: 425 }), true],
    [Object.assign(new Error("x"), { status: 500 }), true],
    [Object.assign(new Error("x"), { status: 499 }), false],
    [Object.assign(new Error("x"), { status: 399 }), undefined],
    [Object.assign(new Error("x"), { status: "503" }), undefined],
    [Object.assign(new Error("x"), { retryable: true, status: 400 }), true],
    [Object.assign(new Error("x"), { retryable: false, status: 503 }), false],
    [Object.assign(new Error("x"), { retryable: "yes" }), undefined],
    [Object.assign(new Error("x"), { code: "EACCES" }), undefined],
    [Object.assign(new Error("x"), { code: 7 }), undefined],
    [Object.assign(new Error("x"), { cause: null }), undefined],
    [null, undefined],
    [undefined, undefined],
    [new Error("no idea"), undefined],
    [new TypeError("cannot read properties of undefined"), undefined],
    ["a string", undefined],
  ])("of %s says %s", (error, expected) => {
    expect(declaredRetryable(error)).toBe(expected);
  });

  it.each([
    ...["ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "ENOTFOUND"],
    ...["EHOSTUNREACH", "ENETUNREACH", "UND_ERR_SOCKET", "UND_ERR_CONNECT_TIMEOUT"],
    ...["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"],
  ])("of a connection's end by %s says true", (code) => {
    expect(declaredRetryable(Object.assign(new Error("x"), { code }))).toBe(true);
  });

  it("is looked for in eight links of causes, so that a circle of them ends", () => {
    const behind = (links: number): unknown =>
      links === 0 ? { status: 503 } : new Error("x", { cause: behind(links - 1) });
    expect(declaredRetryable(behind(7))).toBe(true);
    expect(declaredRetryable(behind(8))).toBeUndefined();
    const circle: { cause?: unknown } = {};
    circle.cause = circle;
    expect(declaredRetryable(circle)).toBeUndefined();
  });

  it("decides where the policy does not, and the caller where neither does", () => {
    const lost = Object.assign(new Error("x"), { status: 503 });
    const bad = Object.assign(new Error("x"), { status: 400 });
    for (const whenSilent of [true, false]) {
      expect(retriesOn({}, lost, { whenSilent })).toBe(true);
      expect(retriesOn({}, bad, { whenSilent })).toBe(false);
      expect(retriesOn({}, new Error("no idea"), { whenSilent })).toBe(whenSilent);
    }
  });

  it("tells how long the server asked to wait, where it is one of ours that does", () => {
    expect(retryAfterMsOf(new DagError("X", "x", { retryAfterMs: 70 }))).toBe(70);
    expect(retryAfterMsOf(new DagError("X", "x"))).toBeNull();
    expect(retryAfterMsOf(Object.assign(new Error("x"), { retryAfterMs: 70 }))).toBeNull();
  });

  it("is overruled by retryOn, as codes or as a function", () => {
    const refused = new DagError("MODEL_UNAUTHORIZED", "x");
    expect(retriesOn({ retryOn: ["MODEL_UNAUTHORIZED"] }, refused, { whenSilent: false })).toBe(true);
    expect(
      retriesOn({ retryOn: [] }, new DagError("X", "x", { retryable: true }), { whenSilent: true }),
    ).toBe(false);
    expect(retriesOn({ retryOn: () => true }, refused, { whenSilent: false })).toBe(true);
  });
});

describe("merged policies", () => {
  it("take each field from the most specific, and retry and hedge field by field", () => {
    const node = { retry: { maxAttempts: 5 }, timeoutMs: 1 };
    const run = { retry: { maxAttempts: 2, initialIntervalMs: 7 }, timeoutMs: 2, idleTimeoutMs: 3 };
    const spec = { retry: { jitter: false }, onError: "fail-fast" as const };
    expect(mergePolicies(node, run, undefined, spec)).toEqual({
      retry: { maxAttempts: 5, initialIntervalMs: 7, jitter: false },
      timeoutMs: 1,
      idleTimeoutMs: 3,
      onError: "fail-fast",
    });
    expect(node).toEqual({ retry: { maxAttempts: 5 }, timeoutMs: 1 });
  });
});
