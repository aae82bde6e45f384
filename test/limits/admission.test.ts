import { describe, expect, it } from "@jest/globals";
import {
  createAdmission,
  type Estimate,
  type Lease,
  type LimiterOptions,
} from "../../src/limits/admission.js";
import type { RateLimit } from "../../src/limits/rate-limit.js";
import { createVirtualClock } from "../support/virtual-clock.js";

const nothing = { inputTokens: 0, outputTokens: 0 };
const said = (limits: Partial<RateLimit>): RateLimit => ({
  limitRequests: null,
  limitTokens: null,
  remainingRequests: null,
  remainingTokens: null,
  resetRequestsMs: null,
  resetTokensMs: null,
  retryAfterMs: null,
  ...limits,
});

/** Requests by name, and when each was admitted. */
function setUp(options: LimiterOptions) {
  const clock = createVirtualClock();
  const admission = createAdmission(options, clock);
  const leases = new Map<string, Lease>();
  const admitted: string[] = [];
  const at = (name: string): Lease => {
    const lease = leases.get(name);
    if (lease === undefined) throw new Error(`"${name}" was not admitted.`);
    return lease;
  };
  return {
    clock,
    admission,
    admitted,
    at,
    settle: (name: string, usage = nothing) => {
      at(name).settle(usage);
      clock.advance(0);
    },
    enter: (name: string, estimate: Partial<Estimate> = {}) =>
      admission.enter({ model: "m", tokens: 1, ...estimate }, (lease) => {
        leases.set(name, lease);
        admitted.push(`${name}@${clock.now()}`);
      }),
  };
}

it("without limits admits before entering returns, and sets no timer", () => {
  const { admission, admitted, enter, clock } = setUp({});
  enter("a");
  expect(admitted).toEqual(["a@0"]);
  expect([admission.active, admission.waiting, clock.timers]).toEqual([1, 0, 0]);
});

it("counts as waiting only what a limit held back, not what the machine took", () => {
  const { enter, at, settle, clock } = setUp({ maxConcurrency: 2 });
  for (const name of ["a", "b", "c"]) enter(name);
  clock.advanceBusy(30);
  expect([at("a").waitedMs, at("b").waitedMs]).toEqual([0, 0]);
  settle("a");
  expect(at("c").waitedMs).toBe(30);
});

it("with empty limits of a model is without limits", () => {
  const { admitted, enter } = setUp({ models: { m: {} } });
  enter("a");
  expect(admitted).toEqual(["a@0"]);
});

it.each<[string, LimiterOptions]>([
  ["all models", { maxConcurrency: 1 }],
  ["one model", { models: { other: { maxConcurrency: 1 } } }],
])("with a limit of %s puts in order what comes at one moment", (_whose, options) => {
  const { admission, admitted, enter, clock } = setUp({ ...options });
  enter("later", { order: 1 });
  enter("sooner", { order: 0 });
  expect([admission.active, admission.waiting]).toEqual([0, 2]);
  clock.advance(0);
  expect(admitted[0]).toBe("sooner@0");
});

it("counts what waits and what is under way", () => {
  const { admission, enter, clock, settle } = setUp({ maxConcurrency: 2 });
  for (const name of ["a", "b", "c"]) enter(name);
  clock.advance(0);
  expect([admission.active, admission.waiting]).toEqual([2, 1]);
  settle("a");
  settle("a");
  expect([admission.active, admission.waiting]).toEqual([2, 0]);
  settle("b");
  settle("c");
  expect([admission.active, admission.waiting]).toEqual([0, 0]);
});

it("tells how long a request waited", () => {
  const { enter, clock, at, settle } = setUp({ maxConcurrency: 1 });
  enter("a");
  clock.advance(30);
  enter("b");
  clock.advance(70);
  settle("a");
  expect([at("a").waitedMs, at("b").waitedMs]).toEqual([0, 70]);
});

describe("its timer", () => {
  it("is set for the moment at which somebody may pass, in whole milliseconds", () => {
    const { admitted, enter, clock } = setUp({ requestsPerMinute: 1, minuteMs: 150 });
    enter("a");
    enter("b");
    clock.advance(151);
    expect(admitted).toEqual(["a@0"]);
    expect(clock.timers).toBe(1);
    clock.advance(1);
    expect(admitted).toEqual(["a@0", "b@152"]);
    expect(clock.timers).toBe(0);
  });

  it("is one, and none while only another's end can help", () => {
    const { enter, clock, settle } = setUp({ requestsPerMinute: 1, models: { slot: { maxConcurrency: 1 } } });
    enter("a", { model: "slot" });
    enter("b", { model: "slot" });
    clock.advance(0);
    expect(clock.timers).toBe(0);
    enter("c");
    enter("d");
    clock.advance(0);
    expect(clock.timers).toBe(1);
    settle("a");
    expect(clock.timers).toBe(1);
  });

  it("ends with the last that waits", () => {
    const { enter, clock, admission } = setUp({ requestsPerMinute: 1 });
    enter("a");
    const leave = enter("b");
    clock.advance(0);
    expect(clock.timers).toBe(1);
    leave();
    expect([clock.timers, admission.waiting]).toEqual([0, 0]);
    leave();
    expect(admission.waiting).toBe(0);
  });
});

describe("several limits", () => {
  it("let the others pass a model that has to wait", () => {
    const { admitted, enter, clock } = setUp({ models: { slow: { requestsPerMinute: 1 } } });
    for (const [name, model] of Object.entries({ a: "slow", b: "slow", c: "slow", d: "quick" })) {
      enter(name, { model });
    }
    clock.advance(0);
    expect(admitted).toEqual(["a@0", "d@0"]);
    clock.advance(60_600);
    expect(admitted).toEqual(["a@0", "d@0", "b@60600"]);
  });

  it("let nobody pass a request that waits for what all share", () => {
    const { admitted, enter, clock } = setUp({ tokensPerMinute: 100 });
    enter("a", { tokens: 60 });
    enter("large", { tokens: 90 });
    enter("small", { tokens: 1, model: "other" });
    enter("others", { tokens: 1, sharer: "x" });
    clock.advance(60_599);
    expect(admitted).toEqual(["a@0", "others@0"]);
    clock.advance(1);
    expect(admitted.slice(2)).toEqual(["large@60600", "small@60600"]);
  });

  it("let nobody pass one that waits as long for its own limit as for what all share", () => {
    const { admitted, enter, clock } = setUp({
      tokensPerMinute: 100,
      models: { m: { tokensPerMinute: 100 } },
    });
    enter("a", { tokens: 90 });
    enter("b", { tokens: 20 });
    enter("small", { tokens: 5, model: "other" });
    clock.advance(60_599);
    expect(admitted).toEqual(["a@0"]);
    clock.advance(1);
    expect(admitted.slice(1)).toEqual(["b@60600", "small@60600"]);
  });

  it("wait for the longer of both, but hold up others only where all share it", () => {
    const { admitted, enter, clock } = setUp({
      requestsPerMinute: 3,
      models: { slow: { requestsPerMinute: 1 } },
      minuteMs: 1000,
    });
    enter("a", { model: "slow" });
    clock.advance(500);
    for (const [name, model] of Object.entries({ b: "slow", c: "quick", d: "quick", e: "quick" })) {
      enter(name, { model });
    }
    clock.advance(510);
    expect(admitted).toEqual(["a@0", "c@500", "d@500", "b@1010"]);
    clock.advance(500);
    expect(admitted.at(-1)).toBe("e@1510");
  });

  it("of a model do not apply to one that is called like a method of objects", () => {
    const { admitted, enter, clock } = setUp({ models: { m: { maxConcurrency: 1 } } });
    enter("a", { model: "toString" });
    enter("b", { model: "toString" });
    clock.advance(0);
    expect(admitted).toEqual(["a@0", "b@0"]);
  });
});

describe("who goes first", () => {
  const orderOf = (entries: readonly (readonly [string, Partial<Estimate>])[], maxConcurrency = 1) => {
    const { admitted, enter, clock, settle } = setUp({ maxConcurrency });
    for (const [name, estimate] of entries) enter(name, estimate);
    clock.advance(0);
    for (let n = 0; n < admitted.length; n++) settle((admitted[n] as string).split("@")[0] as string);
    return admitted.map((one) => one.split("@")[0]).join(" ");
  };

  it("of one sharer is the lowest order, then the highest priority, then the first", () => {
    const entries = [
      ["a", { order: 1, priority: 9 }],
      ["b", {}],
      ["c", { priority: 2 }],
      ["d", { priority: -1 }],
      ["e", { order: -1, priority: -5 }],
      ["f", { priority: 2 }],
      ["g", {}],
    ] as const;
    expect(orderOf(entries)).toBe("e c f b g d a");
  });

  it("of sharers is the one with the fewest under way", () => {
    const { admitted, enter, clock, settle } = setUp({ maxConcurrency: 4 });
    for (const name of ["x1", "x2", "x3"]) enter(name, { sharer: "x" });
    clock.advance(0);
    enter("y1", { sharer: "y" });
    clock.advance(0);
    enter("x4", { sharer: "x", priority: 9 });
    enter("y2", { sharer: "y" });
    settle("x1");
    expect(admitted.at(-1)).toBe("y2@0");
    settle("y1");
    expect(admitted.at(-1)).toBe("x4@0");
  });

  it("of sharers with equally many under way is the one that was served longest ago", () => {
    const entries = [
      ["x1", { sharer: "x" }],
      ["x2", { sharer: "x" }],
      ["x3", { sharer: "x" }],
      ["y1", { sharer: "y" }],
      ["y2", { sharer: "y" }],
      ["z1", { sharer: "z" }],
      ["none", {}],
    ] as const;
    expect(orderOf(entries)).toBe("x1 y1 z1 none x2 y2 x3");
  });

  it("is not changed by a sharer that comes back after all its requests have ended", () => {
    const { admitted, enter, clock, settle } = setUp({ maxConcurrency: 1 });
    enter("x1", { sharer: "x" });
    enter("y1", { sharer: "y" });
    clock.advance(0);
    settle("x1");
    enter("x2", { sharer: "x" });
    enter("y2", { sharer: "y" });
    clock.advance(0);
    settle("y1");
    settle("x2");
    expect(admitted.map((one) => one.split("@")[0])).toEqual(["x1", "y1", "x2", "y2"]);
  });

  it("is not always a sharer that asks again each time it is done", () => {
    const { admitted, enter, clock, settle } = setUp({ maxConcurrency: 1 });
    for (const name of ["a1", "d1", "b1", "b2", "c1", "c2"]) enter(name, { sharer: name.charAt(0) });
    clock.advance(0);
    const names = () => admitted.map((one) => one.split("@")[0] as string);
    for (let n = 0; n < 10; n++) {
      const last = names().at(-1) as string;
      settle(last);
      if (/[ad]/.test(last))
        enter(`${last.charAt(0)}${Number(last.slice(1)) + 1}`, { sharer: last.charAt(0) });
    }
    expect(names().join(" ")).toBe("a1 d1 b1 c1 a2 d2 b2 c2 a3 d3 a4");
  });

  it("is a new sharer before the one that was served last, and none that was away before one that has waited since", () => {
    const { admitted, enter, clock, settle } = setUp({ maxConcurrency: 1 });
    enter("away1", { sharer: "away" });
    for (const name of ["x1", "x2", "y1", "y2"]) enter(name, { sharer: name.charAt(0) });
    clock.advance(0);
    settle("away1");
    settle("x1");
    enter("away2", { sharer: "away" });
    settle("y1");
    settle("x2");
    enter("new1", { sharer: "new" });
    settle("away2");
    expect(admitted.map((one) => one.split("@")[0])).toEqual(["away1", "x1", "y1", "x2", "away2", "y2"]);
    settle("y2");
    expect(admitted.at(-1)).toBe("new1@0");
  });

  it("is, of sharers whose requests have ended, the one that has fewer under way now", () => {
    const { admitted, enter, clock, settle } = setUp({ maxConcurrency: 2 });
    enter("y1", { sharer: "y" });
    clock.advance(0);
    enter("x0", { sharer: "x" });
    clock.advance(0);
    for (let n = 0; n < 4; n++) {
      // Always one that waits: the sharer is not forgotten.
      enter(`x${n + 1}`, { sharer: "x" });
      settle(`x${n}`);
    }
    enter("x5", { sharer: "x" });
    enter("y2", { sharer: "y" });
    settle("x4");
    expect(admitted.at(-1)).toBe("x5@0");
  });

  it("keeps the standing of a sharer of which one request goes and another is under way", () => {
    const { admitted, enter, clock, settle } = setUp({ maxConcurrency: 2 });
    enter("x1", { sharer: "x" });
    enter("y1", { sharer: "y" });
    clock.advance(0);
    const leave = enter("x2", { sharer: "x" });
    clock.advance(0);
    leave();
    enter("x3", { sharer: "x" });
    enter("z1", { sharer: "z" });
    settle("y1");
    expect(admitted.at(-1)).toBe("z1@0");
  });
});

it("gives a freed slot to whoever is worth most of all who ask at that moment", () => {
  const { admitted, enter, clock, at } = setUp({ maxConcurrency: 1 });
  enter("a");
  enter("b");
  clock.advance(0);
  at("a").settle(nothing);
  enter("c", { priority: 1 });
  clock.advance(0);
  expect(admitted).toEqual(["a@0", "c@0"]);
});

describe("what a provider says", () => {
  it("in a reply's headers may let others go at once", () => {
    const { admitted, enter, clock, at } = setUp({});
    enter("a");
    at("a").observe(said({ remainingRequests: 0, resetRequestsMs: 5000 }));
    enter("b");
    expect(admitted).toEqual(["a@0"]);
    clock.advance(10);
    at("a").observe(said({ remainingRequests: 1, resetRequestsMs: 5000 }));
    expect(admitted).toEqual(["a@0", "b@10"]);
    expect(clock.timers).toBe(0);
  });

  it("counts against its own model only", () => {
    const { admitted, enter, clock, at } = setUp({});
    enter("a");
    at("a").refused(2000);
    enter("b");
    enter("c", { model: "other" });
    expect(admitted).toEqual(["a@0", "c@0"]);
    clock.advance(2000);
    expect(admitted.at(-1)).toBe("b@2000");
  });

  it("is waited for by one that has as much patience, and by those behind it", () => {
    const { admitted, enter, at } = setUp({});
    enter("a");
    at("a").refused(2000);
    enter("patient", { patienceMs: 2000 });
    expect(admitted).toEqual(["a@0"]);
    enter("hurried", { patienceMs: 1999 });
    expect(admitted).toEqual(["a@0"]);
  });

  it("is tried against at once by one that has no patience", () => {
    const { admitted, enter, at } = setUp({});
    enter("a");
    at("a").refused(2000);
    enter("hurried", { patienceMs: 1999 });
    expect(admitted).toEqual(["a@0", "hurried@0"]);
  });
});

it("corrects tokens by what was used, input and output together", () => {
  const { admitted, enter, clock, settle } = setUp({
    tokensPerMinute: 100,
    models: { m: { tokensPerMinute: 90 } },
  });
  enter("a", { tokens: 80 });
  enter("b", { tokens: 50 });
  clock.advance(0);
  settle("a", { inputTokens: 20, outputTokens: 20 });
  expect(admitted).toEqual(["a@0", "b@0"]);
  enter("c", { tokens: 5 });
  clock.advance(0);
  expect(admitted).toHaveLength(2);
  enter("d", { tokens: 10, model: "other", sharer: "x" });
  clock.advance(0);
  expect(admitted.at(-1)).toBe("d@0");
});
