import { describe, expect, it } from "@jest/globals";
import { type Topology, topologyNames } from "../../graphs/topology.js";
import type { Model } from "../../src/models/port.js";
import type { RunRecord } from "../../src/records/record.js";
import { run } from "../../src/run/run.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { replyModel } from "../support/reply-model.js";

/** A named DAG and what has to come of it in every deterministic topology. */
interface Case {
  readonly claim: string;
  readonly spec: DagSpec;
  readonly input?: unknown;
  readonly model?: Model;
  readonly check: (record: RunRecord) => void;
}

const value = (result: unknown) => ({ run: () => result });
const failing = {
  run: () => {
    throw new Error("it broke");
  },
};
const later = (ms: number, result: unknown) => ({
  run: async ({ signal }: { signal: AbortSignal }) => {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return result;
  },
});

const states = (record: RunRecord) =>
  Object.fromEntries(
    Object.entries(record.outcomes).map(([name, outcome]) => [
      name,
      "reason" in outcome ? `${outcome.state}: ${outcome.reason.code}` : outcome.state,
    ]),
  );

const cases: Case[] = [
  {
    claim: "gives each node the values of its needs and the run its output",
    spec: {
      name: "sum",
      nodes: {
        a: value(1),
        b: value(2),
        sum: { needs: ["a", "b"], run: ({ needs }) => needs.a + needs.b },
      },
    },
    check: (record) => {
      expect(record).toMatchObject({ state: "completed", output: 3, error: null });
      expect(Object.keys(record.outcomes)).toEqual(["a", "b", "sum"]);
    },
  },
  {
    claim: "keeps siblings running when one agent fails, and names what is missing to a settled join",
    spec: {
      name: "isolation",
      nodes: {
        good: { instructions: "Say something." },
        bad: { instructions: "Fail." },
        merge: { needs: ["good", "bad"], join: "settled", instructions: "Merge." },
      },
    },
    model: replyModel(({ node, messages }) => {
      if (node === "bad") throw new Error("no reply today");
      return node === "merge" ? String(messages[1]?.content) : "fine";
    }),
    check: (record) => {
      expect(states(record)).toEqual({ good: "completed", bad: "failed", merge: "completed" });
      expect(record.state).toBe("partial");
      expect(record.output).toContain("fine");
      expect(record.output).toMatch(
        /missing bad\]\nNothing came from bad: failed \(ERROR\): no reply today\n/,
      );
    },
  },
  {
    claim: "skips a node whose `all` join cannot be met, and what needs it, and fails without an output",
    spec: {
      name: "unmet",
      nodes: {
        good: value(1),
        bad: failing,
        merge: { needs: ["good", "bad"], run: () => 2 },
        after: { needs: ["merge"], run: () => 3 },
      },
    },
    check: (record) => {
      expect(states(record)).toEqual({
        good: "completed",
        bad: "failed",
        merge: "skipped: join",
        after: "skipped: join",
      });
      expect(record).toMatchObject({ state: "failed", output: null, error: { code: "NO_OUTPUT" } });
      expect(record.outcomes.good).toMatchObject({ value: 1 });
    },
  },
  {
    claim: "runs an `any` join on the first need and cancels the slower one as not needed",
    spec: {
      name: "race",
      nodes: {
        fast: value("fast"),
        slow: later(5000, "slow"),
        first: { needs: ["fast", "slow"], join: "any", run: ({ needs }) => needs.fast ?? needs.slow },
      },
    },
    check: (record) => {
      expect(states(record)).toEqual({
        fast: "completed",
        slow: "cancelled: not-needed",
        first: "completed",
      });
      expect(record).toMatchObject({ state: "completed", output: "fast" });
    },
  },
  {
    claim: "runs a quorum once enough needs completed, whatever failed",
    spec: {
      name: "quorum",
      nodes: {
        a: value(1),
        b: failing,
        c: value(3),
        most: { needs: ["a", "b", "c"], join: { atLeast: 2 }, run: ({ needs }) => Object.keys(needs).length },
      },
    },
    check: (record) => {
      expect(record.outcomes.most).toMatchObject({ state: "completed", value: 3 });
      expect(record.state).toBe("partial");
    },
  },
  {
    claim: "does not start a node that is needed only by a quorum that can no longer be met",
    spec: {
      name: "lost-quorum",
      nodes: {
        a: failing,
        b: failing,
        both: { needs: ["a", "b"], join: { atLeast: 1 }, run: () => 1 },
      },
    },
    check: (record) => {
      expect(record.outcomes.both).toMatchObject({ state: "skipped", reason: { code: "join" } });
    },
  },
  {
    claim: "skips a node whose condition is false without calling that damage",
    spec: {
      name: "condition",
      nodes: {
        kind: value({ label: "billing" }),
        billing: {
          needs: ["kind"],
          when: { node: "kind", path: "label", equals: "billing" },
          run: () => "bill",
        },
        other: { needs: ["kind"], when: ({ needs }) => needs.kind.label === "other", run: () => "other" },
        answer: {
          needs: ["billing", "other"],
          join: "settled",
          run: ({ needs }) => needs.billing ?? needs.other,
        },
      },
    },
    check: (record) => {
      expect(states(record).other).toBe("skipped: condition");
      expect(record).toMatchObject({ state: "completed", output: "bill" });
    },
  },
  {
    claim: "maps over an array, in item order, with one item's failure isolated",
    spec: {
      name: "map",
      input: { type: "object", properties: { names: { type: "array", items: { type: "string" } } } },
      nodes: {
        each: {
          forEach: { items: { input: true, path: "names" }, maxConcurrency: 2 },
          run: async ({ item }) => {
            if (item === "b") throw new Error("not b");
            await new Promise((resolve) => setTimeout(resolve, item === "a" ? 20 : 1));
            return String(item).toUpperCase();
          },
        },
      },
    },
    input: { names: ["a", "b", "c"] },
    check: (record) => {
      expect(record.output).toEqual(["A", null, "C"]);
      expect(record.outcomes.each?.items?.map(({ state }) => state)).toEqual([
        "completed",
        "failed",
        "completed",
      ]);
    },
  },
  {
    claim: "completes a map over nothing with an empty list and fails one whose items all failed",
    spec: {
      name: "empty-map",
      nodes: {
        none: value([]),
        two: value([1, 2]),
        over: { needs: ["none"], forEach: { node: "none" }, run: () => 1 },
        broken: { needs: ["two"], forEach: { node: "two" }, ...failing },
      },
    },
    check: (record) => {
      expect(record.outcomes.over).toMatchObject({ state: "completed", value: [], items: [] });
      expect(record.outcomes.broken).toMatchObject({ state: "failed", error: { code: "ITEMS_FAILED" } });
      expect(record.output).toEqual({ over: [] });
    },
  },
  {
    claim: "settles a node whose `when` throws as failed, with the siblings' work kept",
    spec: {
      name: "bad-when",
      nodes: {
        a: value(1),
        b: {
          needs: ["a"],
          when: () => {
            throw new Error("cannot say");
          },
          run: () => 2,
        },
        c: { needs: ["a"], run: () => 3 },
      },
    },
    check: (record) => {
      expect(record.outcomes.b).toMatchObject({ state: "failed", error: { message: "cannot say" } });
      expect(record.output).toEqual({ c: 3 });
    },
  },
  {
    claim: "refuses a value that JSON cannot hold instead of making the record unwritable",
    spec: { name: "bigint", nodes: { big: value(1n), fine: value(2) } },
    check: (record) => {
      expect(record.outcomes.big).toMatchObject({ state: "failed", error: { code: "VALUE_NOT_JSON" } });
      expect(() => JSON.stringify(record)).not.toThrow();
    },
  },
  {
    claim: "refuses a map inside a value, of which JSON would keep nothing",
    spec: { name: "map", nodes: { held: value({ by: new Map([["a", 1]]) }), fine: value(2) } },
    check: (record) => {
      expect(record.outcomes.held).toMatchObject({ state: "failed", error: { code: "VALUE_NOT_JSON" } });
    },
  },
  {
    claim: "runs a chain of 60 nodes",
    spec: {
      name: "chain",
      nodes: Object.fromEntries(
        Array.from({ length: 60 }, (_, i) => [
          `n${i}`,
          i === 0 ? value(0) : { needs: [`n${i - 1}`], run: ({ needs }: any) => needs[`n${i - 1}`] + 1 },
        ]),
      ),
    },
    check: (record) => expect(record.output).toBe(59),
  },
];

const deterministic = topologyNames.filter((name) => !name.startsWith("planned"));

describe.each(deterministic)("in topology %s", (topology: Topology) => {
  it.each(cases.map((one) => [one.claim, one] as const))("%s", async (_claim, one) => {
    const record = await run(one.spec, one.input ?? "some text", {
      topology,
      model: one.model ?? replyModel(),
    });
    one.check(record);
    for (const outcome of Object.values(record.outcomes)) {
      expect(outcome.endedAtMs).not.toBeNull();
      if (outcome.startedAtMs !== null)
        expect(outcome.startedAtMs).toBeGreaterThanOrEqual(outcome.readyAtMs ?? 0);
    }
  });
});
