import { describe, expect, it } from "@jest/globals";
import { nestedCalls, type SurroundingRun } from "../../../nodes/engine/nested-calls.js";
import { DagError } from "../../../src/errors.js";
import { type Budget, createBudget } from "../../../src/limits/budget.js";
import { createLimiter, type Limiter } from "../../../src/limits/limiter.js";
import type { Model, ModelRequest } from "../../../src/models/port.js";
import type { CallRecord, RunEvent } from "../../../src/records/events.js";
import { nodeWork } from "../../../src/records/work-id.js";

const key = nodeWork("outer");
const request: ModelRequest = {
  messages: [{ role: "user", content: "Hi." }],
  tools: [],
  schema: null,
  modelOptions: {},
  ...nodeWork("inner"),
  turn: 0,
  attempt: 1,
  signal: new AbortController().signal,
};
const model: Model = {
  id: "scripted:model",
  async *call() {
    yield { type: "text", text: "ok" };
  },
};

/** A limiter that counts who asked it. */
function countedLimiter(): Limiter & { readonly asked: string[] } {
  const asked: string[] = [];
  const inner = createLimiter();
  return {
    asked,
    acquire(estimate, signal) {
      asked.push(estimate.model);
      return inner.acquire(estimate, signal);
    },
    waiting: 0,
    active: 0,
  };
}

function scene(part: Partial<SurroundingRun> = {}) {
  const told: RunEvent[] = [];
  const spent: Error[] = [];
  const limiter = countedLimiter();
  let calls = 7;
  const outer: SurroundingRun = {
    limiter,
    budget: null,
    emit: (event) => told.push(event),
    nowMs: () => 1000,
    nextId: () => `call-${++calls}`,
    reserve: async () => ({ settle: () => {} }),
    onBudgetSpent: (error) => spent.push(error),
    prices: async () => () => 0,
    remainingMs: () => Number.POSITIVE_INFINITY,
    ...part,
  };
  return { told, spent, limiter, outer };
}

const texts = async (limited: Model) => {
  const pieces: string[] = [];
  for await (const chunk of limited.call(request)) if (chunk.type === "text") pieces.push(chunk.text);
  return pieces;
};

describe("limits of the run around", () => {
  it("hold a nested run's requests", async () => {
    const { limiter, outer } = scene();
    const limited = nestedCalls(key, outer).limit({ limiter: createLimiter() })(model);
    expect(limited.id).toBe("scripted:model");
    expect(await texts(limited)).toEqual(["ok"]);
    expect(limiter.asked).toEqual(["scripted:model"]);
  });

  it("that are the nested run's own too are passed once", async () => {
    const { limiter, outer } = scene();
    expect(await texts(nestedCalls(key, outer).limit({ limiter })(model))).toEqual(["ok"]);
    expect(limiter.asked).toEqual([]);
  });

  it("count against the outer budget, unless it is the nested run's own", async () => {
    const budget = createBudget({ maxModelCalls: 1 }) as Budget;
    const { outer, spent } = scene({ budget });
    expect(await texts(nestedCalls(key, outer).limit({ budget })(model))).toEqual(["ok"]);
    expect(budget.spent).toBe(false);
    expect(await texts(nestedCalls(key, outer).limit({})(model))).toEqual(["ok"]);
    expect(budget.spent).toBe(true);
    await expect(texts(nestedCalls(key, outer).limit({})(model))).rejects.toMatchObject({
      code: "BUDGET_SPENT",
    });
    expect(spent).toMatchObject([{ code: "BUDGET_SPENT" }]);
  });

  it("pass on what a request fails with, and the outer run is told of spent budgets only", async () => {
    const { outer, spent } = scene();
    const failure = new DagError("MODEL_FAILED", "It fails.");
    const failing: Model = {
      id: "m",
      // biome-ignore lint/correctness/useYield: a request that fails before it brings anything
      async *call() {
        throw failure;
      },
    };
    await expect(texts(nestedCalls(key, outer).limit({})(failing))).rejects.toBe(failure);
    expect(spent).toEqual([]);
  });

  it("are asked through the outer run's own door where callbacks tell of a request", () => {
    const { outer } = scene();
    expect(nestedCalls(key, outer).reserve).toBe(outer.reserve);
  });
});

describe("events of nested calls", () => {
  const started: RunEvent = {
    seq: 3,
    type: "call-started",
    call: "call-1",
    ...nodeWork("inner"),
    model: "m",
    turn: 0,
    attempt: 1,
    atMs: 5,
    messages: [{ role: "user", content: "secret" }],
  } as unknown as RunEvent;
  const delta = {
    seq: 4,
    type: "call-delta",
    call: "call-1",
    ...nodeWork("inner"),
    text: "o",
    atMs: 6,
  } as unknown as RunEvent;
  const call = {
    id: "call-1",
    ...nodeWork("inner"),
    model: "m",
    startedAtMs: 5,
    durationMs: 3,
    error: null,
    reply: { text: "secret" },
  } as unknown as CallRecord;
  const ended: RunEvent = { type: "call-ended", atMs: 8, call };

  it("are those of the surrounding work: its ids, its times, no texts", () => {
    const { outer, told } = scene();
    const { tell } = nestedCalls({ ...nodeWork("outer"), item: 2 }, outer);
    tell(started, 5);
    tell(delta, 6);
    tell(ended, 8);
    expect(told).toEqual([
      {
        type: "call-started",
        call: "call-8",
        ...nodeWork("outer[2]/inner"),
        model: "m",
        turn: 0,
        attempt: 1,
        atMs: 1000,
      },
      { type: "call-delta", call: "call-8", ...nodeWork("outer[2]/inner"), text: "o", atMs: 1000 },
      {
        type: "call-ended",
        atMs: 1000,
        call: {
          id: "call-8",
          ...nodeWork("outer[2]/inner"),
          model: "m",
          startedAtMs: 997,
          durationMs: 3,
          error: null,
        },
      },
    ]);
    for (const event of told) expect(Object.keys(event)).not.toContain("seq");
  });

  it("of a call that was never told to begin are not told, nor an end twice", () => {
    const { outer, told } = scene();
    const { tell } = nestedCalls(key, outer);
    tell(delta, 6);
    tell(ended, 8);
    expect(told).toEqual([]);
    tell(started, 5);
    tell(ended, 8);
    tell(ended, 8);
    tell(delta, 8);
    expect(told.map(({ type }) => type)).toEqual(["call-started", "call-ended"]);
  });

  it("of other kinds stay inside", () => {
    const { outer, told } = scene();
    nestedCalls(key, outer).tell({ type: "notice", atMs: 1, code: "C", message: "m" }, 1);
    nestedCalls(key, outer).tell({ type: "node-ready", ...nodeWork("inner"), atMs: 1 }, 1);
    expect(told).toEqual([]);
  });
});
