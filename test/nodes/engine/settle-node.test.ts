import { describe, expect, it } from "@jest/globals";
import { CancelError } from "../../../nodes/engine/cancel.js";
import { Scope } from "../../../nodes/engine/scope.js";
import { settleNode, withoutWork } from "../../../nodes/engine/settle-node.js";
import type { DagSpec, Node } from "../../../src/spec/shape.js";
import { type BareRun, bareContext, bareRun, bareWork, performers } from "./bare-run.js";

const dag = (nodes: Record<string, Node>, more: Partial<DagSpec> = {}): DagSpec => ({
  name: "d",
  nodes,
  ...more,
});
const boom = () => {
  throw new Error("no");
};
const never = () => new Promise<never>(() => {});

/** A scope whose nodes are settled one by one, as a topology does. */
function opened(spec: DagSpec, how: BareRun = {}) {
  const { run } = bareContext(spec, how);
  const scope = new Scope(spec, run, performers);
  run.begin("x", []);
  scope.open({ given: "x", parsed: "x" });
  const settled = () => run.events.record().events.filter(({ type }) => type === "node-settled");
  return { run, scope, settled };
}

describe("a node", () => {
  it("that has settled is not done again", async () => {
    let runs = 0;
    const { scope, settled } = opened(dag({ a: { run: () => ++runs } }));
    const first = await settleNode(scope, "a");
    expect(await settleNode(scope, "a")).toBe(first);
    expect([runs, settled().length]).toEqual([1, 1]);
  });

  it.each(["ask", "after"])("that waits for an answer is not told twice: %s", async (name) => {
    const { scope, settled } = opened(
      dag({ ask: { approve: { message: "Well?" } }, after: { needs: ["ask"], run: () => 1 } }),
    );
    await settleNode(scope, "ask");
    const first = await settleNode(scope, name);
    const { length } = settled();
    expect(first.state).toBe("interrupted");
    expect(await settleNode(scope, name)).toBe(first);
    expect(settled()).toHaveLength(length);
  });

  it("that was ready and is not needed any more is not begun", async () => {
    let runs = 0;
    const record = await bareRun(
      dag({
        fast: { run: () => 1 },
        other: { run: () => ++runs },
        out: { needs: ["fast", "other"], join: "any", run: ({ needs }) => needs.fast },
      }),
      "x",
      { pace: "one-by-one" },
    );
    expect(runs).toBe(0);
    expect(record.outcomes.other).toMatchObject({
      state: "cancelled",
      startedAtMs: null,
      reason: { code: "not-needed" },
    });
  });

  it("that runs and is not needed any more is told once", async () => {
    const record = await bareRun(
      dag({
        fast: { run: () => new Promise<number>((resolve) => setImmediate(() => resolve(1))) },
        other: { run: never },
        out: { needs: ["fast", "other"], join: "any", run: ({ needs }) => needs.fast },
      }),
    );
    const told = record.events.filter((event) => event.type === "node-settled" && event.node === "other");
    expect(told).toMatchObject([{ outcome: { state: "cancelled", startedAtMs: expect.any(Number) } }]);
  });

  it("is told only once it is written down", async () => {
    let written = () => {};
    const { scope, settled } = opened(dag({ a: { run: () => 1 } }), {
      log: [],
      append: (entry) =>
        entry.kind === "settled"
          ? new Promise((resolve) => {
              written = resolve;
            })
          : Promise.resolve(),
    });
    const settling = settleNode(scope, "a");
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled()).toEqual([]);
    expect(scope.frontier.outcomes).toEqual({});
    written();
    await settling;
    expect(settled()).toHaveLength(1);
  });

  it("that has settled is not cancelled by what comes later", async () => {
    const controller = new AbortController();
    let kept: AbortSignal | undefined;
    const { signal } = controller;
    await bareRun(
      dag({
        a: {
          run: (ctx) => {
            kept = ctx.signal;
            return 1;
          },
        },
        b: { needs: ["a"], run: () => controller.abort() as never },
      }),
      "x",
      { options: { signal } },
    );
    expect(kept?.aborted).toBe(false);
  });

  it("of a run that was cancelled is not taken over from an earlier record, nor skipped for the budget", async () => {
    const spec = dag({ a: { instructions: "Say." } });
    const reuse = await bareRun(spec);
    const options = { signal: AbortSignal.abort() };
    expect((await bareRun(spec, "x", { reuse })).outcomes.a).toMatchObject({ reused: true });
    expect((await bareRun(spec, "x", { reuse, options })).outcomes.a?.state).toBe("cancelled");
    const spent: BareRun["prepare"] = (run) => {
      run.budgetSpent = new CancelError("budget", "Spent.");
    };
    expect((await bareRun(spec, "x", { prepare: spent })).outcomes.a?.state).toBe("skipped");
    expect((await bareRun(spec, "x", { prepare: spent, options })).outcomes.a?.state).toBe("cancelled");
  });
});

describe("a spent budget", () => {
  const spent: BareRun["prepare"] = (run) => {
    run.budgetSpent = new CancelError("budget", "The run's budget is spent.");
  };
  const reasonOf = async (nodes: Record<string, Node>, name: string) => {
    const outcome = (await bareRun(dag(nodes), "x", { prepare: spent })).outcomes[name];
    return outcome !== undefined && "reason" in outcome ? outcome.reason.code : outcome?.state;
  };
  const agent: Node = { instructions: "Say." };

  it("skips what lacks one of its needs for it", async () => {
    const nodes: Record<string, Node> = {
      agent,
      b: { run: () => 1 },
      both: { needs: ["b", "agent"], run: () => 1 },
    };
    expect(await reasonOf(nodes, "both")).toBe("budget");
  });

  it.each<[string, Node]>([
    ["failed", { run: boom }],
    ["was skipped by its condition", { when: () => false, run: () => 1 }],
  ])("is no reason where a need %s", async (_what, before) => {
    expect(await reasonOf({ before, after: { needs: ["before"], run: () => 1 } }, "after")).toBe("join");
  });

  it("is no reason where a need failed while another still runs", async () => {
    const after: Node = { needs: ["broken", "slow"], join: { atLeast: 2 }, run: () => 1 };
    const slow: Node = { run: () => new Promise<number>((resolve) => setImmediate(() => resolve(1))) };
    const other: Node = { needs: ["slow"], run: () => 1 };
    expect(await reasonOf({ broken: { run: boom }, slow, after, other }, "after")).toBe("join");
  });

  it("skips an agent when it was ready, before it has started", async () => {
    const { outcomes } = await bareRun(dag({ agent }), "x", { prepare: spent });
    expect(outcomes.agent).toMatchObject({
      state: "skipped",
      readyAtMs: expect.any(Number),
      startedAtMs: null,
      endedAtMs: expect.any(Number),
    });
  });
});

describe("fail-fast", () => {
  const policy = { onError: "fail-fast" } as const;

  it("ends nothing where nothing failed", async () => {
    const record = await bareRun(
      dag(
        {
          a: { run: () => 1 },
          no: { when: () => false, run: () => 1 },
          b: { run: () => new Promise<number>((resolve) => setImmediate(() => resolve(2))) },
          c: { needs: ["b"], run: ({ needs }) => needs.b },
        },
        { policy },
      ),
    );
    expect(record.outcomes).toMatchObject({ a: { value: 1 }, no: { state: "skipped" }, c: { value: 2 } });
  });

  it("ends what stands beside a node that ran out of time, too", async () => {
    const late = { run: never, policy: { timeoutMs: 5 } } as Node;
    const record = await bareRun(dag({ late, beside: { run: never } }, { policy }));
    expect(record.outcomes.beside).toMatchObject({
      state: "cancelled",
      reason: { code: "fail-fast", message: '"late" timed-out and its policy is fail-fast.' },
    });
  });
});

it("a call that is cancelled before its needs have settled is not begun", () => {
  const work = bareWork(dag({ a: { run: () => 1 } }), "a");
  const times = { readyAtMs: null, startedAtMs: null, endedAtMs: expect.any(Number), attempts: 0 };
  const outcome = (code: "aborted" | "deadline") =>
    withoutWork(work, { go: "cancel", cancel: new CancelError(code, "It ends."), atMs: 1 });
  expect(outcome("aborted")).toEqual({
    ...times,
    state: "cancelled",
    reason: { code: "aborted", message: "It ends." },
  });
  expect(outcome("deadline")).toEqual({
    ...times,
    state: "skipped",
    reason: { code: "deadline", message: "It ends." },
  });
});
