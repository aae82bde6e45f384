import { type BudgetUsed, createBudget } from "../../src/limits/budget.js";
import { createHedgeStatistics } from "../../src/limits/hedge-statistics.js";
import type { LimitOptions } from "../../src/limits/limit-options.js";
import { createLimiter } from "../../src/limits/limiter.js";
import { recordCalls } from "../../src/models/call-recorder.js";
import { chooseModel, noticeOnce } from "../../src/models/choose.js";
import { answersAlone, deferModel, environmentModel } from "../../src/models/deferred-model.js";
import { withPolicy } from "../../src/models/policy-calls.js";
import type { Model, ModelRequest } from "../../src/models/port.js";
import { wrapModel } from "../../src/models/port.js";
import { resolveModel } from "../../src/models/resolve.js";
import type { RunEvent } from "../../src/records/events.js";
import { loadPriceTable } from "../../src/records/price.js";
import type { Policy } from "../../src/spec/policy.js";
import { type DagSpec, kindOf, type ModelLike, type Node } from "../../src/spec/shape.js";
import type { RunOptions } from "./run-options.js";
import { StopError } from "./stop.js";

/** Gives every agent of a run its model, with the run's middleware and the node's policy around it. */
export interface ModelSource {
  /** The model of a node; `path` names the node in requests and records, `within` is the DAG it stands in. */
  modelFor(node: Pick<Node, "model" | "policy">, path: string, within?: DagSpec): Promise<Model>;
  /**
   * Resolves the models of every agent of the spec and of the graphs in it, fallback models included, and loads what
   * their first calls need, so that no node's time holds it.
   * @throws DagError what `resolveModel` throws: a missing key, an unknown provider, a bad name.
   */
  resolveAll(): Promise<void>;
}

/** What a source needs of its run. */
export interface ModelSourceRun {
  emit(event: RunEvent): void;
  nowMs(): number;
  remainingMs(): number;
  policyFor(node: Pick<Node, "policy">, within?: DagSpec): Policy;
  onRetry(request: ModelRequest): void;
  onBudgetSpent(stop: StopError): void;
  /** How many calls the run had made before it was resumed: ids go on from there. */
  readonly callsBefore: number;
  /** What those calls had used of the run's budget. */
  readonly usedBefore?: BudgetUsed;
}

/** A source for one run; each model is resolved once, and all share one limiter and one budget. */
export function createModelSource(spec: DagSpec, options: RunOptions, run: ModelSourceRun): ModelSource {
  const { limits = {}, use = [] } = options;
  const resolved = new Map<ModelLike | Model, Promise<Model>>();
  const alone = answersAlone(use);
  let calls = run.callsBefore;
  let priceTable: ReturnType<typeof loadPriceTable> | undefined;
  const prices = () => {
    priceTable ??= loadPriceTable(options.prices);
    return priceTable;
  };
  // Without anybody who reads pieces, replies are fetched whole: middleware and budgets read them too.
  const deltas = options.onEvent !== undefined || use.length > 0 || hasBudget(limits);
  const share = () => ({
    limiter: limits.limiter ?? createLimiter(limits),
    budget: createBudget(limits, run.usedBefore),
    hedgeStatistics: limits.hedgeStatistics ?? createHedgeStatistics(),
    prices,
    record: recordCalls({ prices, emit: run.emit, nowMs: run.nowMs, nextId: () => `call-${++calls}` }),
    remainingMs: run.remainingMs,
    onRetry: run.onRetry,
    onBudgetSpent(error: Error) {
      const stop = new StopError("budget", error.message, { cause: error });
      run.onBudgetSpent(stop);
      return stop;
    },
  });
  let shared: ReturnType<typeof share> | undefined;

  const resolve = (choice: ModelLike | Model): Promise<Model> => {
    let model = resolved.get(choice);
    if (model === undefined) {
      model = (alone ? deferModel(choice) : resolveModel(choice)).then(async (found) => {
        await found.prepare?.();
        return wrapModel(found, use);
      });
      resolved.set(choice, model);
    }
    return model;
  };

  const modelFor: ModelSource["modelFor"] = async (node, path, within = spec) => {
    const planner = path.startsWith("$") ? options.planner?.model : undefined;
    const option = options.models?.[path.replace(itemOf, "")] ?? planner ?? options.model;
    const specModel = within.model ?? spec.model;
    const unchosen = alone && specModel === undefined ? environmentModel : undefined;
    const choice = chooseModel({ option, node: node.model ?? unchosen, spec: specModel });
    noticeOnce(choice.notice);
    const policy = run.policyFor(node, within);
    // A model that was given for the run replaces every other one: also what specs and nodes would fall back on.
    const { fallbackModels = [] } = option === undefined ? policy : (options.policy ?? {});
    const [model, ...fallbacks] = await Promise.all([choice.model, ...fallbackModels].map(resolve));
    shared ??= share();
    const stream = deltas || policy.idleTimeoutMs !== undefined || policy.hedge !== undefined;
    return withPolicy(model as Model, fallbacks, policy, { ...shared, stream });
  };

  return {
    modelFor,
    async resolveAll() {
      for (const { path, node, within } of agentsOf(spec)) await modelFor(node, path, within);
    },
  };
}

const hasBudget = ({ maxTokens, maxCostUsd, maxModelCalls }: LimitOptions) =>
  maxTokens !== undefined || maxCostUsd !== undefined || maxModelCalls !== undefined;

/** `[3]` in `outer[3]/inner`: models are chosen for nodes, not for items. */
const itemOf = /[[#]\d+\]?(?=\/)/g;

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
