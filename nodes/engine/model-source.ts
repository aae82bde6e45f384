import { errorCode } from "../../src/errors.js";
import {
  type Budget,
  type BudgetUsed,
  budgetSpentCode,
  createBudget,
  type TokenUsage,
} from "../../src/limits/budget.js";
import { createHedgeStatistics } from "../../src/limits/hedge-statistics.js";
import type { LimitOptions } from "../../src/limits/limit-options.js";
import { createLimiter } from "../../src/limits/limiter.js";
import { createPrefixWarmth } from "../../src/limits/prefix-warmth.js";
import { recordCalls } from "../../src/models/call-recorder.js";
import { callbackCalls } from "../../src/models/callback-calls.js";
import { chooseModel } from "../../src/models/choose.js";
import { answersAlone, deferModel, environmentModel } from "../../src/models/deferred-model.js";
import { guessedOutputTokens } from "../../src/models/limit-calls.js";
import { withPolicy } from "../../src/models/policy-calls.js";
import type { ChunkBatch, Model, ModelMiddleware, ModelRequest } from "../../src/models/port.js";
import { batchesOf, batchModel, wrapModel } from "../../src/models/port.js";
import { modelIdOf, resolveModel } from "../../src/models/resolve.js";
import type { RunEvent } from "../../src/records/events.js";
import { loadPriceTable } from "../../src/records/price.js";
import type { RunRecord } from "../../src/records/record.js";
import { declaredPath, type WorkKey } from "../../src/records/work-id.js";
import { namedIn } from "../../src/spec/names.js";
import type { Policy } from "../../src/spec/policy.js";
import { type DagSpec, kindOf, type ModelLike, type Node } from "../../src/spec/shape.js";
import { CancelError, type Canceller } from "./cancel.js";
import type { EventLog } from "./event-log.js";
import { streamWithin } from "./instrument.js";
import type { Journal } from "./journal.js";
import { type NestedCalls, nestedCalls } from "./nested-calls.js";
import { type RemainingPath, remainingPaths } from "./remaining-path.js";
import type { RunOptions } from "./run-options.js";

/** Gives every agent of a run its model, with the run's middleware and the node's policy around it. */
export interface ModelSource {
  /** The model of a node; `path` names the node in requests and records, `within` is the DAG it stands in. */
  modelFor(node: Pick<Node, "model" | "policy">, path: string, within?: DagSpec): Promise<Model>;
  /** The model that was chosen for a node, before it is resolved: the same value for the same model. */
  choiceFor(node: Pick<Node, "model">, path: string, within?: DagSpec): ModelLike | Model;
  /** `provider:name` of the model that was chosen for a node. */
  idFor(node: Pick<Node, "model">, path: string, within?: DagSpec): string;
  /** What becomes of the requests of a run that is started inside a piece of work. */
  nestedIn(key: WorkKey): NestedCalls;
  /** A LangChain callback handler that records a runnable's model requests, and holds them to the run's budget. */
  callbacksFor(key: WorkKey): object;
  /**
   * Resolves the models of every agent of the spec and of the graphs in it, fallback models included, and loads what
   * their first calls need, so that no node's time holds it; the planner's too where there is one.
   * @throws DagError what `resolveModel` throws: a missing key, an unknown provider, a bad name.
   */
  resolveAll(planned: boolean): Promise<void>;
}

/** What the run had asked for before it was resumed. */
export interface AskedBefore {
  /** The highest number in the ids of its calls: ids go on from there. */
  readonly callsBefore: number;
  /** What those calls had used of the run's budget. */
  readonly usedBefore?: BudgetUsed;
}

/** What a source needs of its run. */
export interface ModelRun {
  readonly id: string;
  readonly spec: DagSpec;
  readonly options: RunOptions;
  readonly events: EventLog;
  readonly journal: Journal;
  readonly canceller: Canceller;
  /** The run that this one was started in. */
  readonly around: NestedCalls | undefined;
  budgetSpent: CancelError | undefined;
  policyFor(node: Pick<Node, "policy">, within?: DagSpec): Policy;
  remainingMs(): number;
  noteRetry(key: WorkKey): void;
}

/** A source for one run; each model is resolved once, and all share one limiter and one budget. */
export function createModelSource(run: ModelRun, { callsBefore, usedBefore }: AskedBefore): ModelSource {
  const { spec, options, events, journal } = run;
  const { limits = {}, use = [] } = options;
  const resolved = new Map<ModelLike | Model, Promise<Model>>();
  const alone = answersAlone(use);
  let calls = callsBefore;
  const emit = (event: RunEvent) => {
    // Texts belong to whoever watches: the journal is read to go on with a run.
    if (event.type === "call-started") {
      const { messages: _messages, ...kept } = event;
      journal.callStarted(kept);
    } else if (event.type === "call-ended") {
      const { reply: _reply, ...kept } = event.call;
      journal.callEnded(kept);
    }
    events.emit(event);
    run.around?.tell(event, events.nowMs());
  };
  const nextId = () => `call-${++calls}`;
  let priceTable: ReturnType<typeof loadPriceTable> | undefined;
  const prices = () => {
    priceTable ??= loadPriceTable(options.prices);
    return priceTable;
  };
  // Without anybody who reads pieces, replies are fetched whole: middleware and budgets read them too.
  const deltas = options.onEvent !== undefined || use.length > 0 || hasBudget(limits);
  const around = run.around?.limit(limits);
  const share = () => {
    const recorder = recordCalls({
      prices,
      emit,
      nowMs: () => events.nowMs(),
      nextId,
      replied: (request, call, reply) => journal.replied(request, call, reply),
      texts: options.texts === true,
      ...(events.isInstrumented && {
        around: (call: string, reply: AsyncIterable<ChunkBatch>) =>
          streamWithin(events.within.bind(events), { kind: "call", call }, reply),
      }),
    });
    const record: ModelMiddleware = around === undefined ? recorder : (model) => around(recorder(model));
    return {
      limiter: limits.limiter ?? createLimiter(limits),
      budget: budgetOf(limits, usedBefore),
      warmth: options.warm === "first-token" ? (limits.warmth ?? createPrefixWarmth()) : undefined,
      hedgeStatistics: limits.hedgeStatistics ?? createHedgeStatistics(),
      prices,
      record,
      remainingMs: () => run.remainingMs(),
      onRetry: (request: ModelRequest) => run.noteRetry(request),
      onBudgetSpent(error: Error) {
        const cancel = new CancelError("budget", error.message, { cause: error });
        run.budgetSpent ??= cancel;
        return cancel;
      },
    };
  };
  const noticed = new Set<string>();
  const notice = (text: string | null, code?: string) => {
    if (text === null || noticed.has(text)) return;
    noticed.add(text);
    events.notice(code ?? "MODEL_CHOSEN", text);
  };
  const environment = environmentModel(notice);
  let shared: ReturnType<typeof share> | undefined;

  const resolve = (choice: ModelLike | Model): Promise<Model> => {
    let model = resolved.get(choice);
    if (model === undefined) {
      model = (alone ? deferModel(choice) : resolveModel(choice)).then(async (found) => {
        await found.prepare?.();
        return wrapModel(found, journal.active ? [...use, writtenFirst(journal)] : use);
      });
      resolved.set(choice, model);
    }
    return model;
  };

  const optionFor = (path: string) => {
    const planner = path.startsWith("$") ? options.planner?.model : undefined;
    return namedIn(options.models ?? {}, declaredPath(path)) ?? planner ?? options.model;
  };
  const choose = (node: Pick<Node, "model">, path: string, within: DagSpec) => {
    const specModel = within.model ?? spec.model;
    const unchosen = alone && specModel === undefined ? environment : undefined;
    return chooseModel({ option: optionFor(path), node: node.model ?? unchosen, spec: specModel });
  };

  let remaining: RemainingPath | undefined;
  const placeOf = (path: string) => {
    const { times = reuseRecord(options) } = options;
    remaining ??= remainingPaths(spec, times);
    return { sharer: run.id, order: 0, ...limits.place, priority: remaining(path) };
  };

  const made = new Map<string, Made>();
  /** One for all items and rounds of a node; a function may ask with a model of its own. */
  const modelFor: ModelSource["modelFor"] = (node, workedPath, within = spec) => {
    const path = declaredPath(workedPath);
    const known = made.get(path);
    if (known?.within === within && known.choice === node.model && known.policy === node.policy)
      return known.model;
    const model = makeModel(node, path, within);
    made.set(path, { model, within, choice: node.model, policy: node.policy });
    return model;
  };

  const makeModel = async (node: Pick<Node, "model" | "policy">, path: string, within: DagSpec) => {
    const option = optionFor(path);
    const choice = choose(node, path, within);
    notice(choice.notice);
    const policy = run.policyFor(node, within);
    // A model that was given for the run replaces every other one: also what specs and nodes would fall back on.
    const { fallbackModels = [] } = option === undefined ? policy : (options.policy ?? {});
    const [model, ...fallbacks] = await Promise.all([choice.model, ...fallbackModels].map(resolve));
    shared ??= share();
    const stream = deltas || policy.idleTimeoutMs !== undefined || policy.hedge !== undefined;
    return withPolicy(model as Model, fallbacks, policy, { ...shared, stream, place: placeOf(path) });
  };

  const callbacksFor: ModelSource["callbacksFor"] = (key) => {
    const nowMs = () => events.nowMs();
    const before = (model: string, tokens: number) => {
      if (use.length > 0) notice(`"${declaredPath(key.node)}" ${unreached}`, "MODEL_NOT_REACHED");
      return reserve(model, tokens, {});
    };
    return callbackCalls(key, { emit, nowMs, nextId, before });
  };

  /** A request that only callbacks tell of waits for its part of the budget and for the limiter, as the others do. */
  const reserve: NestedCalls["reserve"] = async (model, inputTokens, within) => {
    shared ??= share();
    const { onBudgetSpent, limiter } = shared;
    const budget = within.budget === shared.budget ? null : shared.budget;
    const { signal } = run.canceller;
    const table = await prices();
    const costUsd = (usage: TokenUsage) => table(model, usage);
    const outer = await run.around?.reserve(model, inputTokens, limits);
    try {
      const reserved = await budget?.reserve({ model, inputTokens, outputTokens: 0, costUsd }, signal);
      const tokens = inputTokens + guessedOutputTokens;
      const lease =
        within.limiter === limiter
          ? undefined
          : await limiter.acquire({ model, tokens, patienceMs: run.remainingMs() }, signal).catch((error) => {
              reserved?.release();
              throw error;
            });
      return {
        settle(input, output) {
          const used = { inputTokens: input, outputTokens: output };
          reserved?.settle(used);
          lease?.settle(used);
          outer?.settle(input, output);
        },
      };
    } catch (error) {
      outer?.settle(0, 0);
      throw errorCode(error) === budgetSpentCode ? onBudgetSpent(error as Error) : error;
    }
  };

  const nestedIn: ModelSource["nestedIn"] = (key) => {
    shared ??= share();
    return nestedCalls(key, { ...shared, emit, nowMs: () => events.nowMs(), nextId, reserve });
  };

  return {
    modelFor,
    choiceFor: (node, path, within = spec) => choose(node, path, within).model,
    idFor: (node, path, within = spec) => modelIdOf(choose(node, path, within).model),
    callbacksFor,
    nestedIn,
    async resolveAll(planned) {
      for (const { path, node, within } of agentsOf(spec)) await modelFor(node, path, within);
      if (planned) await modelFor({}, "$planner");
      if (options.warm === "first-token") await prices();
    },
  };
}

/** A node's model with all that is around it, and what it was made for. */
interface Made {
  readonly model: Promise<Model>;
  readonly within: DagSpec;
  readonly choice: Node["model"];
  readonly policy: Node["policy"];
}

const unreached =
  "has a model that LangChain asks by itself: what stands in `use` (a cassette, faults …) and retries of requests do not reach " +
  "it. Give its agent or chain `runModel(…)` as its model.";

/** Lets a request be sent only once its start is written down, so that a request of a process that is killed is counted. */
function writtenFirst(journal: Journal): ModelMiddleware {
  return (model) =>
    batchModel(model.id, async function* (request) {
      await journal.flushed();
      yield* batchesOf(model, request);
    });
}

const hasBudget = ({ budget, maxTokens, maxCostUsd, maxModelCalls }: LimitOptions) =>
  budget !== undefined || maxTokens !== undefined || maxCostUsd !== undefined || maxModelCalls !== undefined;

/** The budget that the run shares with others, told what its earlier part had used, or one of its own. */
function budgetOf(limits: LimitOptions, used: BudgetUsed | undefined): Budget | null {
  if (limits.budget === undefined) return createBudget(limits, used === undefined ? {} : { used });
  if (used !== undefined) limits.budget.enter(used);
  return limits.budget;
}
/** The record that a run reuses also tells how long its nodes take. */
function reuseRecord({ reuse }: RunOptions): RunRecord | undefined {
  return reuse === undefined || "checkpointer" in reuse ? undefined : reuse;
}

interface AgentPlace {
  readonly path: string;
  readonly node: Node;
  /** The DAG that it stands in. */
  readonly within: DagSpec;
}

const agents = new WeakMap<DagSpec, readonly AgentPlace[]>();

/** Every agent of a spec, those of graph nodes included; looked for once in a frozen spec. */
function agentsOf(spec: DagSpec): readonly AgentPlace[] {
  const known = agents.get(spec);
  if (known !== undefined) return known;
  const found = [...findAgents(spec, "")];
  if (Object.isFrozen(spec)) agents.set(spec, found);
  return found;
}

function* findAgents(within: DagSpec, prefix: string): Generator<AgentPlace> {
  for (const [name, node] of Object.entries(within.nodes)) {
    if (kindOf(node) === "agent") yield { path: prefix + name, node, within };
    if (node.dag !== undefined) yield* findAgents(node.dag, `${prefix}${name}/`);
  }
}
