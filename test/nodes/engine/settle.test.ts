import { getEventListeners } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { CancelError } from "../../../nodes/engine/cancel.js";
import { DagError } from "../../../src/errors.js";
import type { RunRecord } from "../../../src/records/record.js";
import { nodeWork, type WorkKey, workPath } from "../../../src/records/work-id.js";
import type { DagSpec, Node } from "../../../src/spec/shape.js";
import type { LogEntry } from "../../../src/stores/thread-log.js";
import { bareRun } from "./bare-run.js";

const dag = (nodes: Record<string, Node>, more: Partial<DagSpec> = {}): DagSpec => ({
  name: "d",
  nodes,
  ...more,
});
const soon = <T>(value: T) => new Promise<T>((resolve) => setImmediate(() => resolve(value)));
const boom =
  (message = "no") =>
  () => {
    throw new Error(message);
  };
/** What is told of works, in order: `ready a`, `started a[0]`, `settled a`. */
const told = ({ events }: RunRecord) =>
  events.flatMap((event) =>
    event.type.startsWith("node-")
      ? [`${event.type.slice("node-".length)} ${workPath(event as unknown as WorkKey)}`]
      : [],
  );

describe("the pace", () => {
  const diamond = (order: string[]) => {
    const node = (name: string, needs: string[], turns: number): Node => ({
      needs,
      run: async () => {
        order.push(`+${name}`);
        for (let turn = 0; turn < turns; turn++) await soon(0);
        order.push(`-${name}`);
        return name;
      },
    });
    return dag({
      a: node("a", [], 1),
      slow: node("slow", [], 6),
      b: node("b", ["a"], 1),
      c: node("c", ["b", "slow"], 1),
    });
  };

  it.each([
    ["one-by-one", "+a -a +slow -slow +b -b +c -c"],
    ["supersteps", "+a +slow -a -slow +b -b +c -c"],
    ["dataflow", "+a +slow -a +b -b -slow +c -c"],
  ] as const)("%s begins nodes so: %s", async (pace, expected) => {
    const order: string[] = [];
    const record = await bareRun(diamond(order), "x", { pace });
    expect(order.join(" ")).toBe(expected);
    expect(record).toMatchObject({ state: "completed", output: "c" });
  });
});

describe("a node is brought to its outcome", () => {
  it("by its join, its condition, then its work", async () => {
    const record = await bareRun(
      dag({
        a: { run: () => 1 },
        broken: { run: boom() },
        lacks: { needs: ["broken"], run: () => 1 },
        unwanted: { needs: ["a"], when: ({ needs }) => needs.a === 2, run: boom() },
        wanted: { needs: ["a"], when: ({ needs }) => needs.a === 1, run: ({ needs }) => [needs.a] },
        unclear: { when: (() => 7) as never, run: boom() },
      }),
    );
    const { a, broken, lacks, unwanted, wanted, unclear } = record.outcomes;
    expect(a).toMatchObject({ state: "completed", value: 1, attempts: 1 });
    expect(broken).toMatchObject({ state: "failed", error: { message: "no" }, attempts: 1 });
    expect(lacks).toMatchObject({
      state: "skipped",
      readyAtMs: null,
      startedAtMs: null,
      attempts: 0,
      reason: { code: "join", message: "The join wants every need to complete; broken failed." },
    });
    expect(unwanted).toMatchObject({
      state: "skipped",
      startedAtMs: null,
      reason: { code: "condition", message: "Its `when` is false." },
    });
    expect(unwanted?.readyAtMs).not.toBeNull();
    expect(wanted).toMatchObject({ state: "completed", value: [1] });
    expect(unclear).toMatchObject({
      state: "failed",
      startedAtMs: null,
      error: { code: "WHEN_NOT_BOOLEAN" },
    });
    expect(record.state).toBe("partial");
  });

  it("and told once: ready, started, settled", async () => {
    const record = await bareRun(dag({ a: { run: () => 1 }, b: { needs: ["a"], run: () => 2 } }), "x", {
      pace: "one-by-one",
    });
    expect(told(record)).toEqual([
      "ready a",
      "started a",
      "attempt a",
      "settled a",
      "ready b",
      "started b",
      "attempt b",
      "settled b",
    ]);
    for (const outcome of Object.values(record.outcomes)) {
      const { readyAtMs, startedAtMs, endedAtMs } = outcome;
      expect(readyAtMs as number).toBeLessThanOrEqual(startedAtMs as number);
      expect(startedAtMs as number).toBeLessThanOrEqual(endedAtMs as number);
    }
  });

  it("as JSON: what is no JSON fails it", async () => {
    const record = await bareRun(
      dag({ a: { run: () => new Map() as never }, b: { run: () => undefined as never } }),
    );
    expect(record.outcomes.a).toMatchObject({ state: "failed", error: { code: "VALUE_NOT_JSON" } });
    expect(record.outcomes.b).toMatchObject({ state: "completed", value: null });
  });
});

describe("retry", () => {
  const retry = { maxAttempts: 3, initialIntervalMs: 1, jitter: false };
  const failing = (times: number, error: () => unknown = () => new Error("busy")) => {
    const attempts: number[] = [];
    const run = (ctx: { readonly attempt: number }) => {
      attempts.push(ctx.attempt);
      if (attempts.length <= times) throw error();
      return "done";
    };
    return { attempts, run: run as Node["run"] };
  };

  it("does a function again until it completes, and counts and tells each attempt", async () => {
    const { attempts, run } = failing(2);
    const record = await bareRun(dag({ a: { run, policy: { retry } } as Node }));
    expect(attempts).toEqual([1, 2, 3]);
    expect(record.outcomes.a).toMatchObject({ state: "completed", value: "done", attempts: 3 });
    const ends = record.events.flatMap((event) =>
      event.type === "node-attempt" ? [[event.attempt, event.error?.message ?? null]] : [],
    );
    expect(ends).toEqual([
      [1, "busy"],
      [2, "busy"],
      [3, null],
    ]);
  });

  it("ends with the last attempt's error", async () => {
    const { attempts, run } = failing(9);
    const record = await bareRun(dag({ a: { run, policy: { retry } } as Node }));
    expect(attempts).toHaveLength(3);
    expect(record.outcomes.a).toMatchObject({ state: "failed", error: { message: "busy" }, attempts: 3 });
  });

  it.each<[string, Node["policy"], () => unknown]>([
    ["without a policy that states it", undefined, () => new Error("busy")],
    [
      "for an error that says it will not help",
      { retry },
      () => new DagError("X", "x", { retryable: false }),
    ],
    [
      "where the wait would outlast the deadline",
      { retry: { ...retry, initialIntervalMs: 1e9, maxIntervalMs: 1e9 } },
      () => new Error("busy"),
    ],
  ])("is none %s", async (_what, policy, error) => {
    const { attempts, run } = failing(1, error);
    const record = await bareRun(
      dag({ a: { run, ...(policy && { policy }) } as Node }, { policy: { deadlineMs: 1e8 } }),
    );
    expect(attempts).toEqual([1]);
    expect(record.outcomes.a?.state).toBe("failed");
  });

  it("of a promise that rejects is as good", async () => {
    let calls = 0;
    const run = async () => {
      if (++calls < 2) throw new Error("busy");
      return "done";
    };
    const record = await bareRun(dag({ a: { run, policy: { retry } } as Node }));
    expect(record.outcomes.a).toMatchObject({ state: "completed", attempts: 2 });
  });
});

describe("time", () => {
  const never = () => new Promise(() => {});

  it("of a node that does not end in it runs out, and the rest goes on", async () => {
    const record = await bareRun(
      dag({
        a: { run: never, policy: { timeoutMs: 5 } } as Node,
        b: { needs: ["a"], join: "settled", run: () => "b" },
      }),
    );
    expect(record.outcomes.a).toMatchObject({
      state: "timed-out",
      error: { code: "NODE_TIMEOUT", message: '"a" did not finish within 5 ms (`timeoutMs`).' },
    });
    expect(record.output).toBe("b");
  });

  it("of the run that passes ends what runs and skips what has not begun", async () => {
    const record = await bareRun(
      dag({ a: { run: never } as Node, b: { needs: ["a"], join: "settled", run: () => 1 } }),
      "x",
      {
        options: { policy: { deadlineMs: 20 } },
      },
    );
    const message = "The run's deadline of 20 ms passed.";
    expect(record.outcomes.a).toMatchObject({ state: "timed-out", error: { code: "DEADLINE", message } });
    expect(record.outcomes.b).toMatchObject({ state: "skipped", reason: { code: "deadline", message } });
  });

  it("is told to the work by its signal", async () => {
    let heard: unknown;
    const run = ({ signal }: { readonly signal: AbortSignal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          heard = signal.reason;
          reject(signal.reason);
        });
      });
    await bareRun(dag({ a: { run, policy: { timeoutMs: 5 } } as unknown as Node }));
    expect(heard).toMatchObject({
      code: "NODE_TIMEOUT",
      timedOut: true,
      retryable: true,
      facts: { node: "a", timeoutMs: 5 },
    });
  });
});

describe("cancelling", () => {
  it("by the user's signal ends what runs, and leaves no listener", async () => {
    const controller = new AbortController();
    const run = () => {
      setImmediate(() => controller.abort(new Error("enough")));
      return new Promise(() => {});
    };
    const spec = dag({
      a: { run } as Node,
      b: { needs: ["a"], join: "settled", run: () => 1 },
      done: { run: () => 2 },
    });
    const record = await bareRun(spec, "x", { options: { signal: controller.signal } });
    const reason = { code: "aborted", message: "The run was aborted: enough." };
    expect(record.outcomes).toMatchObject({
      a: { state: "cancelled", reason },
      b: { state: "cancelled", reason, startedAtMs: null },
      done: { state: "completed" },
    });
    expect(record.state).toBe("cancelled");
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("by a signal that was aborted before begins nothing", async () => {
    let runs = 0;
    const record = await bareRun(dag({ a: { run: () => ++runs } }), "x", {
      options: { signal: AbortSignal.abort() },
    });
    expect([runs, record.outcomes.a?.state, record.state]).toEqual([0, "cancelled", "cancelled"]);
  });

  it.each([
    [{ onError: "fail-fast" }, "cancelled"],
    [{}, "completed"],
  ] as const)("with policy %j: what stands beside a node that failed is %s", async (policy, state) => {
    const late = async () => {
      for (let turn = 0; turn < 5; turn++) await soon(0);
      return 1;
    };
    const record = await bareRun(dag({ a: { run: boom() }, b: { run: late } }, { policy }));
    expect(record.outcomes.b?.state).toBe(state);
    if (state === "cancelled") {
      expect(record.outcomes.b).toMatchObject({
        reason: { code: "fail-fast", message: '"a" failed and its policy is fail-fast.' },
      });
    }
  });

  it("of what is no longer needed ends it at once", async () => {
    const record = await bareRun(
      dag({
        fast: { run: () => soon("fast") },
        never: { run: () => new Promise<never>(() => {}) },
        out: { needs: ["fast", "never"], join: "any", run: ({ needs }) => needs.fast },
      }),
    );
    expect(record.outcomes.never).toMatchObject({
      state: "cancelled",
      reason: { code: "not-needed", message: 'No longer needed: the join of "out" was decided without it.' },
    });
    expect(record).toMatchObject({ state: "completed", output: "fast" });
  });
});

describe("a spent budget", () => {
  it("skips agents, and functions that lack a need for it; others put together what there is", async () => {
    const spec = dag({
      before: { run: () => 1 },
      agent: { instructions: "Say." },
      lacks: { needs: ["agent"], run: () => 1 },
      sums: { needs: ["before"], run: ({ needs }) => needs.before },
      takes: { needs: ["agent", "before"], join: "settled", run: ({ needs }) => needs },
    });
    const record = await bareRun(spec, "x", {
      prepare: (run) => {
        run.budgetSpent = new CancelError("budget", "The run's budget is spent.");
      },
    });
    const reason = { code: "budget", message: "The run's budget is spent." };
    expect(record.outcomes).toMatchObject({
      agent: { state: "skipped", reason, startedAtMs: null },
      lacks: { state: "skipped", reason, readyAtMs: null },
      sums: { state: "completed", value: 1 },
      takes: { state: "completed", value: { before: 1 } },
    });
    expect(record.state).toBe("partial");
  });
});

describe("a question", () => {
  const spec = dag({
    ask: { approve: { message: "Well?" } },
    after: { needs: ["ask"], run: ({ needs }) => needs.ask },
    beside: { run: () => 1 },
  });

  it("makes what needs its answer wait, and nothing else", async () => {
    const record = await bareRun(spec);
    expect(record.state).toBe("interrupted");
    expect(record.interrupts).toEqual([{ node: "ask", message: "Well?", value: null }]);
    expect(record.outcomes).toMatchObject({
      ask: { state: "interrupted", endedAtMs: null, reason: { code: "approval" } },
      after: {
        state: "interrupted",
        startedAtMs: null,
        reason: { code: "waiting", message: "It waits for a node that waits for an answer." },
      },
      beside: { state: "completed" },
    });
  });

  it("is answered in a later process, which does only what is left", async () => {
    const log: LogEntry[] = [];
    let runs = 0;
    const counted = dag({ ...spec.nodes, beside: { run: () => ++runs } });
    const first = await bareRun(counted, "x", { log });
    const asked = log.find(({ kind }) => kind === "asked");
    log.push({ kind: "answered", id: asked?.id, value: "yes", answer: {} });
    const second = await bareRun(counted, "x", { log });
    expect(second).toMatchObject({ id: first.id, startedAt: first.startedAt, interrupts: [] });
    expect(second.outcomes.after).toMatchObject({ state: "completed", value: "yes" });
    expect(runs).toBe(1);
  });
});

describe("what is persisted", () => {
  it("is every settled node, and none of it is done again on the same input", async () => {
    const log: LogEntry[] = [];
    const runs: string[] = [];
    const spec = dag({
      a: { run: ({ input }) => runs.push(`a ${input}`) },
      b: { needs: ["a"], run: () => runs.push("b") },
    });
    await bareRun(spec, "x", { log });
    await bareRun(spec, "x", { log });
    expect(runs).toEqual(["a x", "b"]);
    expect(log.filter(({ kind }) => kind === "settled").map(({ key }) => key)).toEqual([
      nodeWork("a"),
      nodeWork("b"),
    ]);
    await bareRun(spec, "y", { log });
    expect(runs).toEqual(["a x", "b", "a y", "b"]);
  });

  it("is not what the user's signal ended", async () => {
    const log: LogEntry[] = [];
    await bareRun(dag({ a: { run: () => 1 } }), "x", { log, options: { signal: AbortSignal.abort() } });
    expect(log.filter(({ kind }) => kind === "settled")).toEqual([]);
  });
});

describe("what a function sees", () => {
  it("is copies of its own of input and needs, who it is, and the context", async () => {
    const seen: Record<string, unknown>[] = [];
    const context = { secret: 1 };
    const record = await bareRun(
      dag(
        {
          a: { run: () => ({ list: [1] }) },
          b: {
            needs: ["a"],
            run: (ctx) => {
              (ctx.needs.a as { list: number[] }).list.push(2);
              (ctx.input as { x: number[] }).x.push(2);
              seen.push({ ...ctx, needs: ctx.needs, outcomes: ctx.outcomes });
              return 1;
            },
          },
          c: { needs: ["a", "b"], run: ({ needs, input }) => ({ a: needs.a, input }) },
        } as Record<string, Node>,
        { input: { type: "object" } as never },
      ),
      { x: [1] },
      { options: { context } },
    );
    expect(record.outcomes.c).toMatchObject({ value: { a: { list: [1] }, input: { x: [1] } } });
    expect(seen[0]).toMatchObject({ runId: record.id, node: "b", attempt: 1, context });
    expect(seen[0]?.index).toBeUndefined();
    expect(seen[0]?.outcomes).toMatchObject({ a: { state: "completed", value: { list: [1] } } });
    expect(record.outcomes.a).toMatchObject({ value: { list: [1] } });
  });

  it("is a key that is the same for the same work of the same run, and of no other", async () => {
    const keys: string[] = [];
    const keep = ({ idempotencyKey }: { readonly idempotencyKey: string }) => keys.push(idempotencyKey);
    const spec = dag({ a: { run: keep as never }, b: { run: keep as never } });
    await bareRun(spec, "x", { options: { id: "one" } });
    await bareRun(spec, "x", { options: { id: "one" } });
    await bareRun(spec, "x", { options: { id: "two" } });
    expect(keys.slice(0, 2)).toEqual(keys.slice(2, 4));
    expect(new Set(keys).size).toBe(4);
  });

  it("is a way to tell how far it is", async () => {
    const record = await bareRun(dag({ a: { run: ({ progress }) => progress({ done: 1 }) as never } }));
    expect(record.events.find(({ type }) => type === "node-progress")).toMatchObject({
      node: "a",
      value: { done: 1 },
    });
  });
});
