import { describe, expect, it } from "@jest/globals";
import { run } from "../../src/run/run.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { scriptedModel } from "../../src/testing/index.js";
import { article, brief, replies } from "../testing/three-layers.js";
import { fixedRecord } from "./fixed-record.js";

const record = fixedRecord();
/** A loop that stopped in its second round, and one that used up its rounds. */
const looped = await (async () => {
  const inner: DagSpec = {
    name: "inner",
    input: { type: "object" },
    nodes: { draft: { run: ({ input }) => input.round >= input.stop } },
  };
  const loop = (stop: number) => ({
    dag: inner,
    input: { round: { $ref: { round: true } }, stop },
    repeat: { until: { node: "draft", equals: true }, maxRounds: 3 },
  });
  return run({ name: "loops", nodes: { second: loop(2), never: loop(9) } } as DagSpec, "x");
})();
const unpriced = fixedRecord({ costUsd: null });

/** For each matcher: a claim that holds, and claims that do not. */
const claims: Record<string, { holds: () => void; fails: Record<string, () => void> }> = {
  toHaveCompleted: {
    holds: () => expect(record).toHaveCompleted("read", "search"),
    fails: {
      "a node failed": () => expect(record).toHaveCompleted("read", "reply", "refund"),
      "the run failed": () => expect(record).toHaveCompleted(),
      "it completed": () => expect(record).not.toHaveCompleted("read"),
    },
  },
  toHaveOutcome: {
    holds: () => expect(record).toHaveOutcome("reply", "failed", { code: "MODEL_RATE_LIMITED" }),
    fails: {
      "another state": () => expect(record).toHaveOutcome("reply", "completed"),
      "another code": () => expect(record).toHaveOutcome("reply", "failed", { code: "MODEL_TIMEOUT" }),
      "that state": () => expect(record).not.toHaveOutcome("read", "completed"),
    },
  },
  toHaveSkipped: {
    holds: () => expect(record).toHaveSkipped("refund", { reason: "condition" }),
    fails: {
      "it ran": () => expect(record).toHaveSkipped("read"),
      "for another reason": () => expect(record).toHaveSkipped("refund", { reason: "budget" }),
      "it was skipped": () => expect(record).not.toHaveSkipped("refund"),
    },
  },
  toHaveRunBefore: {
    holds: () => expect(record).toHaveRunBefore("search", "reply"),
    fails: {
      "they overlapped": () => expect(record).toHaveRunBefore("read", "search"),
      "one never ran": () => expect(record).toHaveRunBefore("read", "refund"),
      "it ran before": () => expect(record).not.toHaveRunBefore("read", "reply"),
    },
  },
  toHaveRunInParallel: {
    holds: () => expect(record).toHaveRunInParallel("read", "search"),
    fails: {
      "one after the other": () => expect(record).toHaveRunInParallel("search", "reply"),
      "one never ran": () => expect(record).toHaveRunInParallel("read", "refund"),
      "they overlapped": () => expect(record).not.toHaveRunInParallel("read", "search"),
    },
  },
  toHaveRunRounds: {
    holds: () => {
      expect(looped).toHaveRunRounds("second", 2, { exhausted: false });
      expect(looped).toHaveRunRounds("never", 3, { exhausted: true });
      expect(looped).toHaveOutcome("second@2/draft", "completed");
      expect(looped).not.toHaveRunRounds("second", 3);
    },
    fails: {
      "more rounds": () => expect(looped).toHaveRunRounds("second", 1),
      "it was exhausted": () => expect(looped).toHaveRunRounds("never", 3, { exhausted: false }),
      "no loop": () => expect(record).toHaveRunRounds("read", 0),
      "so many rounds": () => expect(looped).not.toHaveRunRounds("second", 2),
    },
  },
  toHaveCalledModelTimes: {
    holds: () => {
      expect(record).toHaveCalledModelTimes(5);
      expect(record).toHaveCalledModelTimes(2, { node: "search" });
    },
    fails: {
      "more calls": () => expect(record).toHaveCalledModelTimes(4),
      "more calls of the node": () => expect(record).toHaveCalledModelTimes(1, { node: "reply" }),
      "that many calls": () => expect(record).not.toHaveCalledModelTimes(5),
    },
  },
  toHaveCalledTools: {
    holds: () => {
      expect(record).toHaveCalledTools(["count", "lookup"]);
      expect(record).toHaveCalledTools(["lookup", "count"], { order: "exact" });
      expect(record).toHaveCalledTools(["count", { name: "lookup", args: { page: 3 } }], { node: "search" });
      expect(record).toHaveCalledTools([], { node: "read" });
    },
    fails: {
      "another order": () => expect(record).toHaveCalledTools(["count", "lookup"], { order: "exact" }),
      "one more was called": () => expect(record).toHaveCalledTools(["lookup"]),
      "other arguments": () =>
        expect(record).toHaveCalledTools([{ name: "lookup", args: { page: 4 } }, "count"]),
      "by another node": () => expect(record).toHaveCalledTools(["lookup", "count"], { node: "read" }),
      "these were called": () => expect(record).not.toHaveCalledTools(["lookup", "count"]),
    },
  },
  toCostLessThan: {
    holds: () => expect(record).toCostLessThan(0.0031),
    fails: {
      "as much": () => expect(record).toCostLessThan(0.003),
      "unknown price": () => expect(unpriced).toCostLessThan(100),
      "unknown price, negated": () => expect(unpriced).not.toCostLessThan(0),
      less: () => expect(record).not.toCostLessThan(1),
    },
  },
  toUseFewerTokensThan: {
    holds: () => expect(record).toUseFewerTokensThan(361),
    fails: {
      "as many": () => expect(record).toUseFewerTokensThan(360),
      fewer: () => expect(record).not.toUseFewerTokensThan(1000),
    },
  },
  toBeWithinCriticalPath: {
    holds: () => expect(record).toBeWithinCriticalPath(1.05),
    fails: {
      longer: () => expect(record).toBeWithinCriticalPath(1.04),
      within: () => expect(record).not.toBeWithinCriticalPath(2),
    },
  },
};

describe.each(Object.entries(claims))("%s", (_name, { holds, fails }) => {
  it("passes when its claim is true", holds);

  it.each(Object.entries(fails))(
    "fails and says what happened when its claim is false: %s",
    (_case, claim) => {
      expect(claim).toThrowErrorMatchingSnapshot();
    },
  );
});

describe("every matcher", () => {
  it("fails for a node that was never declared, under .not too, and says which was meant", () => {
    expect(() => expect(record).not.toHaveCompleted("serch")).toThrow('Did you mean "search"?');
    expect(() => expect(record).toHaveCalledModelTimes(0, { node: "serch" })).toThrow("has no node");
  });

  it("fails for what is not a record, under .not too", () => {
    expect(() => expect({ state: "completed" }).not.toHaveCompleted("a")).toThrow("reads a RunRecord");
    expect(() => expect(Promise.resolve(record)).toUseFewerTokensThan(1)).toThrow("Await the run first.");
  });

  it("is typed by the record: a misspelt node is a type error", async () => {
    const typed = await run(brief, article, { model: scriptedModel(replies) });
    expect(typed).toHaveCompleted("facts", "tone", "weigh", "headline");
    expect(typed).toHaveRunBefore("weigh", "headline");
    // @ts-expect-error: the graph has no such node
    expect(() => expect(typed).toHaveCompleted("heading")).toThrow("has no node");
  });
});
