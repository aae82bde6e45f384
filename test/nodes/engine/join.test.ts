import { describe, expect, it } from "@jest/globals";
import { judgeJoin, judgeLateJoin, lateReason, unmetReason } from "../../../nodes/engine/join.js";
import { completed, failed, notStarted, type Outcome, skipped } from "../../../src/records/outcome.js";
import { joinRule } from "../../../src/spec/order.js";
import type { Join } from "../../../src/spec/shape.js";
import fc from "../../support/drawn.js";

const verdict = (join: Join | undefined, total: number, settled: number, done: number) =>
  judgeJoin(joinRule(join), { total, settled, completed: done });

describe("what a join says", () => {
  it.each<[Join | undefined, number, number, number, "wait" | "run" | "skip"]>([
    [undefined, 0, 0, 0, "run"],
    [undefined, 2, 1, 1, "wait"],
    [undefined, 2, 1, 0, "wait"],
    [undefined, 2, 2, 2, "run"],
    [undefined, 2, 2, 1, "skip"],
    ["all", 2, 2, 2, "run"],
    ["all", 2, 2, 0, "skip"],
    ["settled", 2, 1, 1, "wait"],
    ["settled", 2, 2, 0, "run"],
    ["any", 3, 0, 0, "wait"],
    ["any", 3, 1, 1, "run"],
    ["any", 3, 2, 0, "wait"],
    ["any", 3, 3, 0, "skip"],
    [{ atLeast: 2 }, 3, 1, 1, "wait"],
    [{ atLeast: 2 }, 3, 2, 2, "run"],
    [{ atLeast: 2 }, 3, 3, 3, "run"],
    [{ atLeast: 2 }, 3, 2, 1, "wait"],
    [{ atLeast: 2 }, 3, 2, 0, "skip"],
    [{ atLeast: 2 }, 3, 3, 1, "skip"],
  ])("%j with %i needs, %i settled, %i completed: %s", (join, total, settled, done, expected) => {
    expect(verdict(join, total, settled, done)).toBe(expected);
  });

  it("is final: once it runs or skips, no later outcome changes it", () => {
    const join = fc.oneof(
      fc.constantFrom<Join | undefined>(undefined, "all", "any", "settled"),
      fc.integer({ min: 1, max: 4 }).map((atLeast): Join => ({ atLeast })),
    );
    fc.assert(
      fc.property(join, fc.array(fc.boolean(), { minLength: 4, maxLength: 7 }), (rule, outcomes) => {
        let [done, first]: [number, string | null] = [0, null];
        for (let settled = 0; settled <= outcomes.length; settled++) {
          const now = verdict(rule, outcomes.length, settled, done);
          if (first !== null) expect(now).toBe(first);
          else if (now !== "wait") first = now;
          if (outcomes[settled]) done++;
        }
        expect(first).not.toBeNull();
      }),
    );
  });

  it("is waited for no longer than it has to be", () => {
    const counts = fc.record({
      atLeast: fc.integer({ min: 1, max: 4 }),
      settled: fc.nat(4),
      done: fc.nat(4),
    });
    fc.assert(
      fc.property(counts, ({ atLeast, settled, done }) => {
        fc.pre(done <= settled);
        const best = done + (4 - settled);
        const expected = done >= atLeast ? "run" : best < atLeast ? "skip" : "wait";
        expect(verdict({ atLeast }, 4, settled, done)).toBe(expected);
      }),
    );
  });
});

it("runs late with what there is where it takes whatever settled, else it skips", () => {
  expect(judgeLateJoin(joinRule({ mode: "settled", deadlineMs: 5 }))).toBe("run");
  expect(judgeLateJoin(joinRule({ mode: "any", deadlineMs: 5 }))).toBe("skip");
  expect(judgeLateJoin(joinRule({ atLeast: 2, deadlineMs: 5 }))).toBe("skip");
});

describe("why it was not met", () => {
  const needs: readonly (readonly [string, Outcome | undefined])[] = [
    ["a", completed(notStarted(1), 1)],
    ["b", failed(notStarted(1), { code: "X", message: "x" })],
    ["c", skipped(notStarted(1), "join", "x")],
    ["d", undefined],
  ];

  it("names the needs that settled without a value", () => {
    expect(unmetReason(joinRule("all"), needs)).toEqual({
      code: "join",
      message: "The join wants every need to complete; b failed, c skipped.",
    });
    expect(unmetReason(joinRule({ atLeast: 3 }), needs)).toEqual({
      code: "join",
      message: "The join wants at least 3 of 4 needs to complete; b failed, c skipped.",
    });
  });

  it("names the time that passed", () => {
    expect(
      lateReason(joinRule({ atLeast: 2, deadlineMs: 50 }), { total: 3, settled: 2, completed: 1 }),
    ).toEqual({
      code: "join",
      message: "The join wants at least 2 of 3 needs within 50 ms of the first; 1 completed.",
    });
  });
});
