import { describe, expect, it } from "@jest/globals";
import {
  cancelled,
  completed,
  completedValue,
  failed,
  interrupted,
  notStarted,
  type Outcome,
  partsOf,
  reused,
  skipped,
  spanning,
  whyMissing,
} from "../../src/records/outcome.js";

const times = { readyAtMs: 1, startedAtMs: 2, endedAtMs: 3, attempts: 4 };
const error = { code: "X", message: "It broke." };

it("is made with its state, its times and what belongs to it", () => {
  expect(completed(times, 7)).toEqual({ ...times, state: "completed", value: 7 });
  expect(failed(times, error)).toEqual({ ...times, state: "failed", error });
  expect(failed(times, error, "timed-out")).toEqual({ ...times, state: "timed-out", error });
  const reason = { code: "c", message: "m" };
  expect(skipped(times, "c", "m")).toEqual({ ...times, state: "skipped", reason });
  expect(cancelled(times, "c", "m")).toEqual({ ...times, state: "cancelled", reason });
  expect(interrupted(times, "c", "m")).toEqual({ ...times, state: "interrupted", reason });
});

it("of work that was never started has no attempts", () => {
  expect(notStarted(9)).toEqual({ readyAtMs: null, startedAtMs: null, endedAtMs: 9, attempts: 0 });
  expect(notStarted(9, 5)).toEqual({ readyAtMs: 5, startedAtMs: null, endedAtMs: 9, attempts: 0 });
});

it("that is taken over is ready and over at one moment, and says so", () => {
  expect(reused(completed(times, 7), 50)).toEqual({
    state: "completed",
    value: 7,
    readyAtMs: 50,
    startedAtMs: null,
    endedAtMs: 50,
    attempts: 0,
    reused: true,
  });
});

it("has a value where it completed", () => {
  expect(completedValue(completed(times, 7))).toBe(7);
  expect(completedValue(failed(times, error))).toBeUndefined();
  expect(completedValue(undefined)).toBeUndefined();
});

it("is made of its items, its calls, its inner nodes and its rounds", () => {
  const of = (value: string) => completed(times, value);
  const whole: Outcome = {
    ...of("whole"),
    items: [of("i0"), of("i1")],
    invocations: [of("c0")],
    outcomes: { a: of("a"), b: of("b") },
    rounds: [{ a: of("r1a") }, { a: of("r2a"), b: of("r2b") }],
  };
  expect([...partsOf(whole)].map(completedValue)).toEqual(["i0", "i1", "c0", "a", "b", "r1a", "r2a", "r2b"]);
  expect([...partsOf(of("whole"))]).toEqual([]);
});

it("says in one line why it has no value", () => {
  expect(whyMissing(undefined)).toBe("not settled");
  expect(whyMissing(completed(times, 1))).toBe("completed");
  expect(whyMissing(failed(times, error))).toBe("failed (X): It broke.");
  expect(whyMissing(skipped(times, "join", "Too few."))).toBe("skipped (join): Too few.");
});

describe("times that span their parts", () => {
  const part = (readyAtMs: number | null, startedAtMs: number | null) => ({
    ...times,
    readyAtMs,
    startedAtMs,
  });

  it("begin with the earliest part that began earlier", () => {
    const own = { ...times, readyAtMs: 20, startedAtMs: 30, extra: "kept" };
    expect(spanning(own, [part(9, 10), part(3, 5), part(7, 8)])).toEqual({
      ...own,
      readyAtMs: 3,
      startedAtMs: 5,
    });
    expect(spanning(own, [part(null, 10)])).toEqual({ ...own, readyAtMs: 10, startedAtMs: 10 });
    expect(spanning(own, [part(25, 10)])).toEqual({ ...own, readyAtMs: 20, startedAtMs: 10 });
  });

  it("stay as they are where no part began earlier", () => {
    const own = { readyAtMs: 20, startedAtMs: 30 };
    expect(spanning(own, [part(1, 30), part(1, null), part(1, 31)])).toBe(own);
    expect(spanning(own, [])).toBe(own);
  });

  it("stay without a beginning where they have none", () => {
    const never = { readyAtMs: null, startedAtMs: null };
    expect(spanning(never, [part(1, 2)])).toBe(never);
    expect(spanning({ readyAtMs: null, startedAtMs: 30 }, [part(1, 2)])).toEqual({
      readyAtMs: null,
      startedAtMs: 2,
    });
  });
});
