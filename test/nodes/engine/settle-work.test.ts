import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { instrumentation, type Place } from "../../../nodes/engine/instrument.js";
import type { UserCodeHost } from "../../../nodes/engine/run-context.js";
import type { Perform, Performers, Work, WorkResult } from "../../../nodes/engine/scope.js";
import { brokeOffBefore, outcomeError, timedOut, workError } from "../../../nodes/engine/settle-work.js";
import { Suspension } from "../../../nodes/engine/suspension.js";
import { DagError } from "../../../src/errors.js";
import { completed, type Outcome } from "../../../src/records/outcome.js";
import type { RunRecord } from "../../../src/records/record.js";
import { nodeWork } from "../../../src/records/work-id.js";
import type { Policy } from "../../../src/spec/policy.js";
import type { DagSpec, Node } from "../../../src/spec/shape.js";
import { type BareRun, bareHost, bareRun, bareWork } from "./bare-run.js";

const dag = (node: object, more: Partial<DagSpec> = {}): DagSpec => ({
  name: "d",
  nodes: { a: node as Node },
  ...more,
});
const kinds: Record<string, object> = {
  agent: { instructions: "Say." },
  approval: { approve: { message: "Well?" } },
  function: { run: () => 1 },
  tool: { tool: {} },
  graph: { dag: dag({ run: () => 1 }) },
  runnable: { runnable: {} },
};
/** A run of one node of a kind, which does what `perform` says. */
const runOf = (kind: string, perform: Perform, policy?: Policy, how: BareRun = {}) =>
  bareRun(dag({ ...kinds[kind], ...(policy && { policy }) }), "x", {
    ...how,
    performers: { [kind]: perform } as Partial<Performers>,
  });
const attemptsIn = ({ events }: RunRecord) =>
  events.flatMap((event) =>
    event.type === "node-attempt" ? [`${event.attempt} ${event.error?.message ?? "done"}`] : [],
  );
/** A performer that fails so many times, then gives "done"; either at once or through a promise. */
function failing(times: number, { late = false, error = () => new Error("busy") as unknown } = {}) {
  let calls = 0;
  const once = (): WorkResult => {
    if (++calls <= times) throw error();
    return { value: "done" };
  };
  const perform: Perform = () => (late ? Promise.resolve().then(once) : once());
  return { perform, calls: () => calls };
}
const retry = { maxAttempts: 3, initialIntervalMs: 1, jitter: false };

describe("a policy that states retry does", () => {
  it.each([
    ["function", false],
    ["function", true],
    ["tool", false],
    ["tool", true],
    ["runnable", true],
  ])("a %s again (through a promise: %s), and tells each attempt as it ends", async (kind, late) => {
    const { perform, calls } = failing(2, { late });
    const record = await runOf(kind, perform, { retry });
    expect(record.outcomes.a).toMatchObject({ state: "completed", value: "done", attempts: 3 });
    expect(calls()).toBe(3);
    expect(attemptsIn(record)).toEqual(["1 busy", "2 busy", "3 done"]);
  });

  it.each([
    ["agent", false],
    ["approval", true],
    ["graph", false],
    ["graph", true],
  ])("no %s again as a whole (through a promise: %s)", async (kind, late) => {
    const { perform, calls } = failing(1, { late });
    const record = await runOf(kind, perform, { retry });
    expect(record.outcomes.a).toMatchObject({ state: "failed", error: { message: "busy" }, attempts: 1 });
    expect(calls()).toBe(1);
    expect(attemptsIn(record)).toEqual([]);
  });

  it.each([
    [undefined, 3],
    [5, 5],
    [1, 1],
  ])("with maxAttempts %p: %p attempts in all", async (maxAttempts, expected) => {
    const { perform, calls } = failing(99);
    const stated = { initialIntervalMs: 1, jitter: false, ...(maxAttempts && { maxAttempts }) };
    const record = await runOf("function", perform, { retry: stated });
    expect(calls()).toBe(expected);
    expect(record.outcomes.a).toMatchObject({ state: "failed", attempts: expected });
  });

  it("nothing again whose requests were sent again before, as often as they may be", async () => {
    const error = new Error("busy");
    const { perform, calls } = failing(9, { error: () => error });
    const prepare: BareRun["prepare"] = (run) => void run.retriedErrors.add(error);
    const record = await runOf("function", perform, { retry }, { prepare });
    expect([calls(), record.outcomes.a?.state]).toEqual([1, "failed"]);
  });

  it.each([["a text"], [null], [undefined], [7]])("what threw %p again, too", async (thrown) => {
    const { perform, calls } = failing(1, { error: () => thrown });
    expect((await runOf("function", perform, { retry })).outcomes.a?.state).toBe("completed");
    expect(calls()).toBe(2);
  });

  it.each([
    ["past the deadline", 1e9, { deadlineMs: 1e8 }],
    ["for ever", Infinity, {}],
  ])("nothing again that is asked to wait %s", async (_what, retryAfterMs, policy) => {
    const error = () => new DagError("BUSY", "busy", { retryable: true, retryAfterMs });
    const { perform, calls } = failing(1, { error });
    const record = await runOf("function", perform, { retry }, { options: { policy } });
    expect([calls(), record.outcomes.a?.state]).toEqual([1, "failed"]);
  });

  it("nothing again that was cancelled meanwhile: it ended with what it threw", async () => {
    const controller = new AbortController();
    const { perform, calls } = failing(9);
    const record = await runOf(
      "function",
      (work) => {
        controller.abort();
        return perform(work);
      },
      { retry },
      { options: { signal: controller.signal } },
    );
    expect(calls()).toBe(1);
    expect(record.outcomes.a).toMatchObject({ state: "failed", error: { message: "busy" } });
  });

  it.each([[false], [true]])(
    "nothing again that waits for an answer, and tells no attempt (%s)",
    async (late) => {
      const question = { node: "a", message: "Well?", value: null };
      const { perform, calls } = failing(9, { late, error: () => new Suspension(question) });
      const record = await runOf("function", perform, { retry });
      expect(calls()).toBe(1);
      expect(record.outcomes.a).toMatchObject({
        state: "interrupted",
        endedAtMs: null,
        reason: { code: "approval", message: "The run waits for an answer." },
      });
      expect(attemptsIn(record)).toEqual([]);
    },
  );
});

describe("a time limit", () => {
  afterEach(() => {
    jest.useRealTimers();
  });
  const fake = () => jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask", "performance"] });

  it.each([
    ["done at once", () => ({ value: 1 }), "completed"],
    ["done later", async () => ({ value: 1 }), "completed"],
    ["failed", () => Promise.reject(new Error("no")), "failed"],
  ])("leaves no timer behind where work is %s", async (_what, perform, state) => {
    fake();
    const record = await runOf("function", perform as Perform, { timeoutMs: 1e6 });
    expect([record.outcomes.a?.state, jest.getTimerCount()]).toEqual([state, 0]);
  });

  it("does not listen to the run any more once the work has ended", async () => {
    const seen: AbortSignal[] = [];
    const controller = new AbortController();
    const perform: Perform = async ({ canceller }) => {
      seen.push(canceller.signal);
      return { value: 1 };
    };
    const after = { needs: ["a"], instructions: "Then." };
    const spec = dag({ run: () => 1, policy: { timeoutMs: 1e6 } });
    await bareRun({ ...spec, nodes: { ...spec.nodes, after } }, "x", {
      options: { signal: controller.signal },
      performers: {
        function: perform,
        agent: () => {
          controller.abort();
          return { value: "then" };
        },
      },
    });
    expect(seen.map(({ aborted }) => aborted)).toEqual([false]);
  });

  it("does not keep the run's own end from the work", async () => {
    const controller = new AbortController();
    const heard: unknown[] = [];
    const perform: Perform = ({ canceller }) =>
      new Promise(() => {
        canceller.onCancel((reason) => heard.push(reason.code));
        setImmediate(() => controller.abort());
      });
    const options = { signal: controller.signal };
    const record = await runOf("function", perform, { timeoutMs: 1e6 }, { options });
    expect(heard).toEqual(["STOPPED_ABORTED"]);
    expect(record.outcomes.a?.state).toBe("cancelled");
  });

  /** A graph that ends only when it is cancelled, and tells what its nodes came to. */
  const inner: Outcome = completed({ readyAtMs: 0, startedAtMs: 0, endedAtMs: 1, attempts: 1 }, "kept");
  const untilTold = ({ canceller }: Work) =>
    new Promise<WorkResult>((resolve) => {
      canceller.onCancel((error) => setImmediate(() => resolve({ error, parts: { outcomes: { inner } } })));
    });

  it("ends a graph by its signal, and what its nodes came to is kept", async () => {
    const record = await runOf("graph", untilTold, { timeoutMs: 5 });
    expect(record.outcomes.a).toMatchObject({
      state: "timed-out",
      error: { code: "NODE_TIMEOUT", message: '"a" did not finish within 5 ms (`timeoutMs`).' },
      outcomes: { inner: { value: "kept" } },
    });
  });

  it("of the run's policy is each node's: a graph as a whole has only its own", async () => {
    const late: Perform = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { value: 1 };
    };
    const options = { policy: { timeoutMs: 5 } };
    expect((await runOf("graph", late, undefined, { options })).outcomes.a?.state).toBe("completed");
    expect((await runOf("function", late, undefined, { options })).outcomes.a?.state).toBe("timed-out");
  });

  it("and the run's end leave a graph the time to settle its nodes", async () => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    const record = await runOf("graph", untilTold, undefined, { options: { signal: controller.signal } });
    expect(record.outcomes.a).toMatchObject({
      state: "cancelled",
      reason: { code: "aborted" },
      outcomes: { inner: { value: "kept" } },
    });
  });
});

it.each([
  ["outcomes", (part: Outcome) => ({ outcomes: { part } })],
  ["rounds", (part: Outcome) => ({ rounds: [{ part }] })],
])("work begins no later than its %s, which may have been done before", async (_what, parts) => {
  const before: Outcome = completed({ readyAtMs: -9, startedAtMs: -8, endedAtMs: 1, attempts: 1 }, 1);
  const record = await runOf("graph", () => ({ value: 1, parts: parts(before) }));
  expect(record.outcomes.a).toMatchObject({ state: "completed", readyAtMs: -9, startedAtMs: -8 });
});

it.each([[false], [true]])("each attempt is done inside whatever traces the run (late: %s)", async (late) => {
  const places: Place[] = [];
  let depth = 0;
  const tracing = instrumentation({
    observeRun: () => ({
      onEvent() {},
      within(place, code) {
        places.push(place);
        depth++;
        try {
          return code();
        } finally {
          depth--;
        }
      },
    }),
  });
  const { perform } = failing(1, { late });
  const depths: number[] = [];
  const traced: Perform = (work) => {
    depths.push(depth);
    return perform(work);
  };
  const record = await runOf("function", traced, { retry }, { options: { use: [tracing] } });
  expect(record.outcomes.a).toMatchObject({ state: "completed", value: "done" });
  const place = { kind: "attempt", key: nodeWork("a"), atMs: expect.any(Number) };
  expect(places).toEqual([
    { ...place, attempt: 1 },
    { ...place, attempt: 2 },
  ]);
  expect(depths).toEqual([1, 1]);
});

describe("what went wrong with work is told", () => {
  it("with its code, its message, and the model's text where there is one", () => {
    expect(outcomeError(new DagError("X", "no", { text: "half an answer" }))).toEqual({
      code: "X",
      message: "no",
      text: "half an answer",
    });
    expect(outcomeError(new DagError("X", "no"))).toStrictEqual({ code: "X", message: "no" });
    expect(outcomeError(Object.assign(new Error("no"), { text: "somebody else's" }))).toStrictEqual({
      code: "ERROR",
      message: "no",
    });
  });

  const thrown = Object.assign(new Error("GraphInterrupt"), { lc_error_code: "MISSING_CHECKPOINTER" });
  const host: UserCodeHost = Object.assign(<T>(_answers: readonly unknown[], code: () => T): T => code(), {
    ...bareHost,
    payloadOf: (error: unknown) => (error === thrown ? { value: "Well?" } : undefined),
  });

  it("as a question in the wrong place, where LangGraph's `interrupt` asked one", async () => {
    const error = {
      code: "INTERRUPT_MISPLACED",
      message:
        '"a" called `interrupt` where no question can be asked: ask in a function, a tool or a runnable.',
    };
    expect(workError(bareWork(dag(kinds.agent as object), "a", { host }), thrown)).toEqual(error);
    const perform = () => Promise.reject(thrown);
    expect((await runOf("agent", perform, undefined, { host })).outcomes.a).toMatchObject({
      state: "failed",
      error,
    });
  });

  it("as a missing checkpointer, where there is none to wait at", () => {
    const work = bareWork(dag(kinds.function as object), "a");
    expect(workError(work, thrown)).toEqual({
      code: "CHECKPOINTER_MISSING",
      message: '"a" asked a question with `interrupt`, and the run has no checkpointer to wait at.',
    });
    const other = Object.assign(new Error("no"), { lc_error_code: "GRAPH_RECURSION_LIMIT" });
    expect(workError(work, other)).toEqual({ code: "ERROR", message: "no" });
  });

  it("as run out of time only where the error says so", () => {
    expect(timedOut(new DagError("X", "x", { timedOut: true }))).toBe(true);
    expect(timedOut(new DagError("X", "x"))).toBe(false);
    expect(timedOut({ timedOut: true })).toBe(false);
  });
});

describe("work that breaks off before it is begun", () => {
  const work = () => bareWork(dag(kinds.function as object), "a");

  it("fails without having started", () => {
    expect(brokeOffBefore(work(), 5, new Error("no"))).toMatchObject({
      state: "failed",
      readyAtMs: 5,
      startedAtMs: null,
      endedAtMs: expect.any(Number),
      attempts: 0,
      error: { code: "ERROR", message: "no" },
    });
  });

  it("has not ended where it waits for an answer", () => {
    const question = { node: "a", message: "Well?", value: null, kind: "question" as const };
    expect(brokeOffBefore(work(), 5, new Suspension(question as never))).toEqual({
      state: "interrupted",
      readyAtMs: 5,
      startedAtMs: null,
      endedAtMs: null,
      attempts: 1,
      reason: { code: "question", message: "The run waits for an answer." },
    });
  });
});
