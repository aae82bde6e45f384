import { describe, expect, it } from "@jest/globals";
import { instrumentation, type Place } from "../../../nodes/engine/instrument.js";
import type { NestedCalls } from "../../../nodes/engine/nested-calls.js";
import type { RunOptions } from "../../../nodes/engine/run-options.js";
import { type Budget, createBudget } from "../../../src/limits/budget.js";
import { createLimiter, type Estimate, type Lease, type Limiter } from "../../../src/limits/limiter.js";
import type { ModelMiddleware } from "../../../src/models/port.js";
import type { RunEvent } from "../../../src/records/events.js";
import { nodeWork } from "../../../src/records/work-id.js";
import type { LogEntry } from "../../../src/stores/thread-log.js";
import { ask, request, scene, scripted } from "../../support/model-scene.js";

describe("a request", () => {
  it("is recorded under numbered ids, without its texts in what is persisted", async () => {
    const log: LogEntry[] = [];
    const { say, events } = scene({ model: scripted("m"), texts: true }, { log });
    await say();
    await say();
    const started = events().filter((event) => event.type === "call-started");
    expect(started.map((event) => event.type === "call-started" && event.call)).toEqual(["call-1", "call-2"]);
    expect(started[0]).toHaveProperty("messages");
    expect(events().find(({ type }) => type === "call-ended")).toMatchObject({
      call: { reply: expect.anything() },
    });
    const persisted = JSON.stringify(log.filter(({ kind }) => /call/.test(kind)));
    expect(persisted).toContain("call-1");
    expect(persisted).not.toContain("Hi.");
  });

  it("is persisted by its start and its end, and not by its pieces", async () => {
    const log: LogEntry[] = [];
    await scene({ model: scripted("m"), onEvent: () => {} }, { log }).say();
    const kinds = log.map(({ kind }) => kind).filter((kind) => kind.startsWith("call"));
    expect(kinds).toEqual(["call-started", "call-ended"]);
  });

  it("is told at the run's time, and its reply written down before its end where somebody waits for it", async () => {
    const log: LogEntry[] = [];
    const { say, run, events } = scene({ model: scripted("m") }, { log });
    run.journal.question(nodeWork("a"), { step: "s", turn: 0 }, () => "Hi.");
    const sinceMs = run.events.nowMs();
    await say();
    expect(log.map(({ kind }) => kind).filter((kind) => /call|reply/.test(kind))).toEqual([
      "call-started",
      "reply",
      "call-ended",
    ]);
    const ended = events().find(({ type }) => type === "call-ended");
    expect(ended?.atMs).toBeGreaterThanOrEqual(sinceMs);
    expect(ended?.atMs).toBeLessThanOrEqual(run.events.nowMs());
    expect(ended).toMatchObject({
      call: { startedAtMs: expect.any(Number), durationMs: expect.any(Number) },
    });
  });

  it("waits for the first token of one that begins alike where the run starts warm, across runs that share it", async () => {
    const asked: string[] = [];
    const warmth = {
      claim(key: string) {
        asked.push(key);
        return "warm" as const;
      },
    };
    const long = scripted("openai:gpt-4.1-mini");
    const prefix = { key: "k", tokens: 5000 };
    for (const [warm, expected] of [
      ["first-token", 1],
      ["off", 0],
    ] as const) {
      asked.length = 0;
      const { models } = scene({ model: long, warm, limits: { warmth: warmth as never } });
      const model = await models.modelFor({}, "a");
      for await (const _ of model.call({ ...request("a"), prefix } as never));
      expect(asked).toHaveLength(expected);
    }
  });

  it("is done inside whatever traces the run", async () => {
    const places: Place[] = [];
    const tracing = instrumentation({
      observeRun: () => ({
        onEvent() {},
        within(place, code) {
          places.push(place);
          return code();
        },
      }),
    });
    expect(await scene({ model: scripted("m"), use: [tracing] }).say()).toBe("m");
    expect(places.length).toBeGreaterThan(1);
    for (const place of places) expect(place).toEqual({ kind: "call", call: "call-1" });
  });

  it("counts against the budget together with those of an earlier process", async () => {
    const log: LogEntry[] = [
      { kind: "run", stamp: { id: "r", startedAt: "2026", topology: "bare", dag: "h" } } as never,
    ];
    const options = { model: scripted("m"), limits: { maxModelCalls: 2 } };
    await scene(options, { log }).say();
    const later = scene(options, { log });
    await later.say();
    await expect(later.say()).rejects.toMatchObject({ cancel: "budget" });
    const ids = later.events().flatMap((event) => (event.type === "call-started" ? [event.call] : []));
    expect(ids[0]).toBe("call-2");
  });

  it("has no texts where nobody wants them", async () => {
    const { say, events } = scene({ model: scripted("m") });
    await say();
    expect(events().find(({ type }) => type === "call-started")).not.toHaveProperty("messages");
  });

  it.each<[string, RunOptions, boolean]>([
    ["nobody reads it", {}, false],
    ["somebody listens", { onEvent: () => {} }, true],
    ["middleware reads it", { use: [(model) => model] }, true],
    ["a budget of tokens counts it", { limits: { maxTokens: 1e6 } }, true],
    ["a budget of dollars counts it", { limits: { maxCostUsd: 100 } }, true],
    ["a budget of calls counts it", { limits: { maxModelCalls: 5 } }, true],
    ["a shared budget counts it", { limits: { budget: createBudget({ maxModelCalls: 5 }) as Budget } }, true],
    ["an idle time is watched", { policy: { idleTimeoutMs: 1e6 } }, true],
    ["it is hedged", { policy: { hedge: { after: 1e6 } } }, true],
    ["only rates are limited", { limits: { maxConcurrency: 1 } }, false],
  ])("where %s: streams %p %p", async (_, options, streams) => {
    const model = scripted("offline");
    await scene({ model, ...options }).say();
    expect(model.requests[0]?.stream ?? true).toBe(streams);
  });

  it("goes through what stands in `use`, the first outermost", async () => {
    const order: string[] = [];
    const through =
      (name: string): ModelMiddleware =>
      (model) => ({
        ...model,
        call(given) {
          order.push(name);
          return model.call(given);
        },
      });
    await scene({ model: scripted("m"), use: [through("one"), through("two")] }).say();
    expect(order).toHaveLength(2);
    order.length = 0;
    await scene({ model: scripted("m"), use: [through("one")] }, { log: [] }).say();
    expect(order).toEqual(["one"]);
  });

  it("is sent once its start is written down", async () => {
    const log: LogEntry[] = [];
    const kinds: string[][] = [];
    const model = scripted("m", {
      async *call() {
        kinds.push(log.map(({ kind }) => kind));
        yield { type: "text", text: "ok" };
      },
    });
    await scene({ model }, { log }).say();
    expect(kinds[0]?.join(" ")).toMatch(/call/);
  });

  it("stands in line where its place and the path behind it put it", async () => {
    const estimates: Estimate[] = [];
    const inner = createLimiter();
    const limiter: Limiter = {
      acquire(estimate, signal) {
        estimates.push(estimate);
        return inner.acquire(estimate, signal);
      },
      waiting: 0,
      active: 0,
    };
    const one = scene({ model: scripted("m"), id: "run-1", limits: { limiter } } as RunOptions);
    await one.say("a");
    await one.say("g/in");
    expect(estimates.map(({ sharer, order, priority }) => [sharer, order, priority])).toEqual([
      ["run-1", 0, 519],
      ["run-1", 0, 512],
    ]);
    await scene({ model: scripted("m"), limits: { limiter, place: { sharer: "batch", order: 4 } } }).say();
    expect(estimates.at(-1)).toMatchObject({ sharer: "batch", order: 4, priority: 519 });
    const times = { calls: [], outcomes: { a: { startedAtMs: 0, endedAtMs: 70 } } };
    await scene({ model: scripted("m"), limits: { limiter }, times: times as never }).say();
    expect(estimates.at(-1)?.priority).toBe(70);
    await scene({ model: scripted("m"), limits: { limiter }, reuse: times as never }).say();
    expect(estimates.at(-1)?.priority).toBe(70);
    await scene({
      model: scripted("m"),
      limits: { limiter },
      reuse: { checkpointer: {}, thread: "t" } as never,
    }).say();
    expect(estimates.at(-1)?.priority).toBe(519);
  });

  it("that the budget has no room for ends with it, and the run knows", async () => {
    const { run, say } = scene({ model: scripted("m"), limits: { maxModelCalls: 1 } });
    await say();
    expect(run.budgetSpent).toBeUndefined();
    const error = await say().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ cancel: "budget" });
    expect(run.budgetSpent).toMatchObject({ cancel: "budget", cause: { code: "BUDGET_SPENT" } });
    const first = run.budgetSpent;
    await say().catch(() => {});
    expect(run.budgetSpent).toBe(first);
  });

  it("is told to the run around too, and held to its limits", async () => {
    const told: string[] = [];
    const limited: unknown[] = [];
    const through: string[] = [];
    const around: NestedCalls = {
      limit(own) {
        limited.push(own);
        return (model) => {
          through.push(model.id);
          return model;
        };
      },
      reserve: async () => ({ settle: () => {} }),
      tell: ({ type }) => void told.push(type),
    };
    const limits = { maxConcurrency: 3 };
    await scene({ model: scripted("m"), limits }, { around }).say();
    expect(through).toEqual(["m"]);
    expect(told).toEqual(["call-started", "call-delta", "call-ended"]);
    expect(limited).toEqual([limits]);
  });
});

describe("a request that only callbacks tell of", () => {
  const budget = () => createBudget({ maxModelCalls: 1 }) as Budget;

  it("waits for budget and limiter, and gives back what it did not use", async () => {
    const [own, limiter] = [budget(), createLimiter()];
    const { models, run } = scene({ limits: { budget: own, limiter } });
    const nested = models.nestedIn(nodeWork("f"));
    const held = await nested.reserve("m", 10, {});
    expect([limiter.active, own.spent]).toEqual([1, false]);
    held.settle(3, 4);
    expect([limiter.active, own.spent]).toEqual([0, true]);
    await expect(nested.reserve("m", 10, {})).rejects.toMatchObject({ cancel: "budget" });
    expect(run.budgetSpent).toMatchObject({ cancel: "budget" });
  });

  it("passes a limiter or budget that is its own once", async () => {
    const [own, limiter] = [budget(), createLimiter()];
    const nested = scene({ limits: { budget: own, limiter } }).models.nestedIn(nodeWork("f"));
    const held = await nested.reserve("m", 10, { budget: own, limiter });
    expect(limiter.active).toBe(0);
    held.settle(1, 1);
    expect(own.spent).toBe(false);
  });

  it("asks the run around first, and tells it what was used", async () => {
    const settled: number[][] = [];
    const asked: unknown[][] = [];
    const around: NestedCalls = {
      limit: () => (model) => model,
      async reserve(...args) {
        asked.push(args);
        return { settle: (...used) => void settled.push(used) };
      },
      tell: () => {},
    };
    const limits = { maxModelCalls: 1 };
    const nested = scene({ limits }, { around }).models.nestedIn(nodeWork("f"));
    (await nested.reserve("m", 10, {})).settle(3, 4);
    expect([asked, settled]).toEqual([[["m", 10, limits]], [[3, 4]]]);
    await expect(nested.reserve("m", 10, {})).rejects.toBeDefined();
    expect(settled).toEqual([
      [3, 4],
      [0, 0],
    ]);
  });

  it("tells the limiter what it takes, how long it can wait, and what it took", async () => {
    const estimates: Estimate[] = [];
    const used: unknown[] = [];
    const lease = { settle: (usage: unknown) => void used.push(usage) } as unknown as Lease;
    const limiter: Limiter = {
      acquire: async (estimate) => {
        estimates.push(estimate);
        return lease;
      },
      waiting: 0,
      active: 0,
    };
    const { models, run } = scene({ limits: { limiter }, policy: { deadlineMs: 1e6 } });
    const held = await models.nestedIn(nodeWork("f")).reserve("m", 1000, {});
    held.settle(3, 4);
    run.release();
    expect(estimates).toEqual([{ model: "m", tokens: 1000 + 1024, patienceMs: expect.any(Number) }]);
    expect(estimates[0]?.patienceMs).toBeLessThanOrEqual(1e6);
    expect(used).toEqual([{ inputTokens: 3, outputTokens: 4 }]);
  });

  it("counts in dollars by the run's prices, and only what it used", async () => {
    const prices = { m: { inputPerMillion: 1e6, outputPerMillion: 1e6 } };
    const { models } = scene({ prices, limits: { maxCostUsd: 10 } });
    const nested = models.nestedIn(nodeWork("f"));
    (await nested.reserve("m", 8, {})).settle(3, 2);
    (await nested.reserve("m", 5, {})).settle(3, 2);
    await expect(nested.reserve("m", 5, {})).rejects.toMatchObject({ cancel: "budget" });
  });

  it("of a nested run is told at this run's time, and its own requests are held to this run's budget", async () => {
    const { models, events } = scene({ limits: { maxModelCalls: 1 } });
    const nested = models.nestedIn(nodeWork("f"));
    nested.tell({ type: "call-started", atMs: 0, call: "c", attempt: 1, model: "m", ...nodeWork("in") }, 0);
    expect(events().at(-1)).toMatchObject({ call: "call-1", node: "f/in", atMs: expect.any(Number) });
    const limited = nested.limit({})(scripted("m"));
    await ask(limited);
    await expect(ask(limited)).rejects.toBeDefined();
  });

  it("fails as the limiter refuses it where there is no budget, too", async () => {
    const failure = new Error("no slot");
    const limiter: Limiter = { acquire: () => Promise.reject(failure), waiting: 0, active: 0 };
    const nested = scene({ limits: { limiter } }).models.nestedIn(nodeWork("f"));
    await expect(nested.reserve("m", 100, {})).rejects.toBe(failure);
  });

  it("gives its part of the budget back where the limiter refuses", async () => {
    const own = createBudget({ maxTokens: 100 }) as Budget;
    const failure = new Error("no slot");
    const limiter: Limiter = { acquire: () => Promise.reject(failure), waiting: 0, active: 0 };
    const nested = scene({ limits: { budget: own, limiter } }).models.nestedIn(nodeWork("f"));
    await expect(nested.reserve("m", 100, {})).rejects.toBe(failure);
    await expect(nested.reserve("m", 100, {})).rejects.toBe(failure);
  });

  it("is told of where `use` does not reach it", async () => {
    const start = async (use: ModelMiddleware[]) => {
      const { models, events } = scene({ use });
      const handler = models.callbacksFor(nodeWork("f")) as {
        handleLLMStart?(llm: unknown, prompts: string[], id: string): Promise<void>;
        handleChatModelStart(llm: unknown, messages: unknown[][], id: string): Promise<void>;
      };
      await handler.handleChatModelStart({ id: ["x"] }, [[{ text: "Hi." }]], "1");
      await handler.handleChatModelStart({ id: ["x"] }, [[{ text: "Hi." }]], "2");
      const times = events().map(({ atMs }) => atMs);
      expect(times).toEqual(times.map(() => expect.any(Number)));
      return events().filter((event: RunEvent) => event.type === "notice");
    };
    expect(await start([])).toEqual([]);
    expect(await start([(model) => model])).toMatchObject([
      {
        code: "MODEL_NOT_REACHED",
        message: expect.stringMatching(
          /^"f" has a model that LangChain asks by itself.* Give its agent or chain `runModel\(…\)` as its model\.$/,
        ),
      },
    ]);
  });
});
