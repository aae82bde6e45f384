import { describe, expect, it } from "@jest/globals";
import { instrumentation, type Place } from "../../../nodes/engine/instrument.js";
import type { NestedCalls } from "../../../nodes/engine/nested-calls.js";
import type { RunOptions } from "../../../nodes/engine/run-options.js";
import { DagError } from "../../../src/errors.js";
import { type Budget, createBudget } from "../../../src/limits/budget.js";
import { createLimiter, type Estimate, type Lease, type Limiter } from "../../../src/limits/limiter.js";
import type { Model, ModelMiddleware, ModelRequest } from "../../../src/models/port.js";
import type { RunEvent } from "../../../src/records/events.js";
import { nodeWork } from "../../../src/records/work-id.js";
import type { DagSpec } from "../../../src/spec/shape.js";
import type { LogEntry } from "../../../src/stores/thread-log.js";
import { type BareRun, bareContext } from "./bare-run.js";

const spec: DagSpec = {
  name: "d",
  nodes: {
    a: { instructions: "A", modelOptions: { maxTokens: 7 } },
    g: { needs: ["a"], dag: { name: "g", nodes: { in: { instructions: "I" } } } },
    f: { run: () => 1 },
  },
};

function scripted(id: string, part: Partial<Model> = {}) {
  const requests: ModelRequest[] = [];
  const model: Model = {
    id,
    async *call(request) {
      requests.push(request);
      yield { type: "text", text: id };
      yield { type: "usage", inputTokens: 10, outputTokens: 5 };
      yield { type: "finish", reason: "stop" };
    },
    ...part,
  };
  return Object.assign(model, { requests });
}

const request = (node: string): ModelRequest => ({
  messages: [{ role: "user", content: "Hi." }],
  tools: [],
  schema: null,
  modelOptions: {},
  ...nodeWork(node),
  turn: 0,
  attempt: 1,
  signal: new AbortController().signal,
});
const ask = async (model: Model, node = "a") => {
  let text = "";
  for await (const chunk of model.call(request(node))) if (chunk.type === "text") text += chunk.text;
  return text;
};
const scene = (options: RunOptions = {}, more: BareRun = {}, within = spec) => {
  const { run } = bareContext(within, { options, ...more });
  run.begin("x", []);
  const events = () => run.events.record().events;
  const say = async (path = "a", node = within.nodes[path] ?? {}, dag = within) =>
    ask(await run.models.modelFor(node, path, dag), path);
  return {
    run,
    models: run.models,
    events,
    say,
    notices: () => events().filter(({ type }) => type === "notice"),
  };
};

describe("the model of a node", () => {
  it("is the run's, by node, for the planner, or for all", async () => {
    const [all, own, planner, named] = ["all", "own", "planner", "named"].map((id) => scripted(id));
    const { say, models } = scene({
      model: all as Model,
      models: { a: own as Model, $joiner: named as Model },
      planner: { model: planner as Model },
    });
    expect(await say("a")).toBe("own");
    expect(await say("a[2]", {})).toBe("own");
    expect(await say("g/in", { model: "openai:never" } as never)).toBe("all");
    expect([await say("$planner"), await say("$joiner")]).toEqual(["planner", "named"]);
    expect(await scene({ model: all as Model }).say("$planner")).toBe("all");
    expect(models.choiceFor({}, "a")).toBe(own);
    expect(models.idFor({}, "b")).toBe("all");
  });

  it("is else the node's, then that of the DAG it stands in, then the outermost one's", () => {
    const chat = (id: string) => Object.assign(scripted(id), { _llmType: () => id });
    const [inner, outer] = [chat("inner"), chat("outer")];
    const { models } = scene({}, {}, { ...spec, model: outer as never });
    const within = { ...spec, model: inner as never };
    expect(models.idFor({ model: scripted("node") as never }, "a", within)).toBe("node");
    expect(models.idFor({}, "a", within)).toBe("inner");
    expect(models.idFor({}, "a")).toBe("outer");
    expect(models.idFor({}, "a", spec)).toBe("outer");
    expect(models.choiceFor({}, "a")).toBe(outer);
  });

  it("is made once for all items and rounds of a node, and anew for another choice, policy or DAG", async () => {
    const { models } = scene({ model: scripted("m") });
    const node = { policy: { retry: { maxAttempts: 2 } } };
    const made = models.modelFor(node, "g/in");
    for (const path of ["g/in", "g[7]/in", "g#2/in[3]"]) expect(models.modelFor(node, path)).toBe(made);
    expect(models.modelFor({ ...node }, "g/in")).toBe(made);
    const others = [
      models.modelFor({ policy: { retry: { maxAttempts: 2 } } }, "g/in"),
      models.modelFor({ ...node, model: scripted("own") as never }, "g/in"),
      models.modelFor(node, "g/in", { ...spec }),
      models.modelFor(node, "g/on"),
    ];
    for (const other of others) expect(other).not.toBe(made);
    await Promise.all([made, ...others]);
  });

  it("is prepared once, however many nodes have it", async () => {
    let prepared = 0;
    const model = scripted("m", {
      prepare: async () => {
        prepared++;
      },
    });
    const { models } = scene({ model, planner: { model } });
    await models.resolveAll(true);
    await models.resolveAll(false);
    expect(prepared).toBe(1);
  });

  it("is resolved for every agent, those of graphs too, and for a planner where there is one", async () => {
    const asked: string[] = [];
    const model = (id: string) => scripted(id, { prepare: async () => void asked.push(id) });
    const options = {
      models: { a: model("a"), "g/in": model("in"), f: model("f") },
      planner: { model: model("planner") },
    };
    await scene(options, {}, spec).models.resolveAll(false);
    expect(asked.sort()).toEqual(["a", "in"]);
    asked.length = 0;
    await scene(options, {}, spec).models.resolveAll(true);
    expect(asked.sort()).toEqual(["a", "in", "planner"]);
    const frozen = Object.freeze({ ...spec });
    for (const _ of [1, 2]) {
      asked.length = 0;
      await scene(options, {}, frozen).models.resolveAll(false);
      expect(asked).toHaveLength(2);
    }
  });

  it("is the environment's, chosen when it is asked, under middleware that answers by itself", () => {
    const alone = Object.assign<ModelMiddleware, object>((model) => model, { answersAlone: true });
    expect(scene({ use: [alone] }).models.idFor({}, "a")).toBe("default");
    expect(scene({ use: [alone] }, {}, { ...spec, model: "openai:x" }).models.idFor({}, "a")).toBe(
      "openai:x",
    );
    expect(scene({ use: [alone] }).models.idFor({ model: "openai:y" }, "a")).toBe("openai:y");
  });

  it("is told of once where nobody chose it", async () => {
    const { AGENT_DAG_MODEL, OPENAI_API_KEY, ...others } = process.env;
    const before = process.env;
    process.env = others;
    try {
      const { models, notices } = scene();
      for (const path of ["a", "g/in"]) await models.modelFor({}, path);
      expect(notices()).toMatchObject([
        { code: "MODEL_CHOSEN", message: expect.stringMatching(/^No model was chosen: "offline"/) },
      ]);
    } finally {
      process.env = before;
    }
  });

  it("falls back as the node's policy says, or, where the run names the model, as the run's does", async () => {
    const failing = (id: string) =>
      scripted(id, {
        // biome-ignore lint/correctness/useYield: a request that fails before it brings anything
        async *call() {
          throw new DagError("MODEL_UNAUTHORIZED", "No.", { retryable: false });
        },
      });
    const fallback = (id: string) => ({ policy: { fallbackModels: [scripted(id)] } });
    const node = { instructions: "A", model: failing("n") as never, ...fallback("nodes") } as never;
    expect(await scene().say("a", node)).toBe("nodes");
    expect(await scene({ model: failing("m"), ...fallback("runs") } as never).say("a", node)).toBe("runs");
    await expect(scene({ model: failing("m") }).say("a", node)).rejects.toMatchObject({
      code: "MODEL_UNAUTHORIZED",
    });
  });
});

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
    const around: NestedCalls = {
      limit(own) {
        limited.push(own);
        return (model) => model;
      },
      reserve: async () => ({ settle: () => {} }),
      tell: ({ type }) => void told.push(type),
    };
    const limits = { maxConcurrency: 3 };
    await scene({ model: scripted("m"), limits }, { around }).say();
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
