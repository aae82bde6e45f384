import { type Topology, topologyNames } from "../../graphs/topology.js";
import { remainingTimes } from "../../nodes/engine/remaining-path.js";
import { DagError } from "../errors.js";
import type { LimiterOptions } from "../limits/admission.js";
import { validateLimits } from "../limits/limit-rules.js";
import { type LatencyProfile, latencyProfiles } from "../models/latency-profile.js";
import { cachedTokens, prefixCacheOf } from "../models/prefix-cache.js";
import { loadTokenCounter, type TokenCounter } from "../models/usage.js";
import { savesEnough } from "../models/warm-calls.js";
import { criticalPath } from "../records/critical-path.js";
import type { CallRecord } from "../records/events.js";
import { loadPriceTable, type Prices, type PriceTable } from "../records/price.js";
import { assertRecord } from "../records/read-record.js";
import { type RunRecord, spansOf, usageOf } from "../records/record.js";
import { declaredPath } from "../records/work-id.js";
import { adviceOf } from "./advice.js";
import { agreementOf } from "./agreement.js";
import type { Comparison } from "./compare.js";
import { figuresOf } from "./figures.js";
import { type Guesses, guessesFrom } from "./guessed-call.js";
import { plannerPrompts } from "./planner-prompts.js";
import { plannerSteps, writtenOutput } from "./planner-steps.js";
import { type Simulation, simulateRun, specOf } from "./simulated-run.js";
import { plansOf, type WorkPlan } from "./work-plan.js";

/** What would have been otherwise. What is left out is as it was. */
export interface PredictVariant {
  /** @default the record's */
  readonly topology?: Topology;
  /** Model of every request, `provider:name`. Its pace is that of a known latency profile, its price the table's. */
  readonly model?: string;
  /** @default none */
  readonly limits?: LimiterOptions;
  /** Whether requests that begin alike wait for the first of them. @default "off" */
  readonly warm?: "first-token" | "off";
  /** Stands for the variant in the prediction. @default what it changes */
  readonly label?: string;
}

/** Several variants that differ in their topology, or that are named one by one. */
export type PredictVariants =
  | readonly (Topology | PredictVariant)[]
  | (Omit<PredictVariant, "topology" | "label"> & {
      /** @default every topology */
      readonly topologies?: readonly Topology[];
      /** Prices of models that the table does not know. */
      readonly prices?: Prices;
    });

/** A comparison of runs that were not made: each has one record, whose times are predicted. */
export interface Prediction extends Comparison {
  /** Marks a prediction: nothing of it was run. */
  readonly predicted: {
    /** Id of the record that it was predicted from. */
    readonly from: string;
    readonly topology: string;
    /** By variant: what the record does not tell and was estimated, as sentences. */
    readonly estimates: Readonly<Record<string, readonly string[]>>;
  };
}

/**
 * What a run would have taken and cost in other topologies, with other models, under other limits: a simulation of what the
 * scheduler does, from one record. Nothing is asked of a model. Values stay those of the record.
 * @throws DagError `RECORD_INVALID`, `TOPOLOGY_UNKNOWN`, `VARIANT_INVALID`.
 */
export async function predict(record: RunRecord, variants: PredictVariants = {}): Promise<Prediction> {
  assertRecord(record, "The record");
  const prices = await loadPriceTable("prices" in variants ? variants.prices : {});
  const count = await loadTokenCounter();
  const asked = labelled(readVariants(variants));
  const estimates: Record<string, readonly string[]> = {};
  const figures = asked.map((variant) => {
    const notes = new Set<string>();
    const run = predictRun(record, variant, prices, count, notes);
    estimates[variant.label] = [...notes];
    return figuresOf(variant.label, [run]);
  });
  const agreement = figures.map(({ topology, runs }) => agreementOf(topology, runs, figures[0]?.runs ?? []));
  return {
    version: 1,
    dag: record.dag,
    input: record.input,
    topologies: figures,
    agreement,
    advice: adviceOf(figures, agreement),
    predicted: { from: record.id, topology: record.topology, estimates },
  };
}

function readVariants(variants: PredictVariants): PredictVariant[] {
  const list: readonly (string | PredictVariant)[] = isList(variants)
    ? variants
    : (variants.topologies ?? topologyNames).map((topology) => {
        const { topologies: _topologies, prices: _prices, ...common } = variants;
        return { ...common, topology };
      });
  if (list.length === 0) {
    throw new DagError("VARIANT_INVALID", "There is nothing to predict.", {
      hint: "Name at least one topology or variant.",
    });
  }
  return list.map((one) => {
    const variant = typeof one === "string" ? { topology: one as Topology } : one;
    const { topology, limits } = variant;
    if (topology !== undefined && !topologyNames.includes(topology)) {
      throw new DagError("TOPOLOGY_UNKNOWN", `There is no topology "${String(topology)}".`, {
        hint: `Choose one of: ${topologyNames.join(", ")}.`,
      });
    }
    const [issue] = validateLimits(limits, "limits");
    if (issue !== undefined)
      throw new DagError("VARIANT_INVALID", `${issue.path}: ${issue.message}`, { hint: issue.hint });
    return variant;
  });
}

const isList = (variants: PredictVariants): variants is readonly (Topology | PredictVariant)[] =>
  Array.isArray(variants);

/** Labels that tell the variants apart: the topology, and behind it what else differs. */
function labelled(variants: readonly PredictVariant[]): (PredictVariant & { readonly label: string })[] {
  const taken = new Map<string, number>();
  return variants.map((variant) => {
    const { topology = "as recorded", model, limits = {}, warm } = variant;
    const alone = variants.filter((other) => other.topology === variant.topology).length === 1;
    const also = alone
      ? []
      : [
          ...(model === undefined ? [] : [model]),
          ...Object.entries(limits).flatMap(([name, value]) =>
            typeof value === "number" ? [`${name}=${value}`] : [],
          ),
          ...(warm === undefined ? [] : [`warm=${warm}`]),
        ];
    const label = variant.label ?? [topology, ...also].join(" ");
    const times = (taken.get(label) ?? 0) + 1;
    taken.set(label, times);
    return { ...variant, label: times === 1 ? label : `${label} (${times})` };
  });
}

/** The record of a run that was not made. */
function predictRun(
  record: RunRecord,
  { topology = record.topology as Topology, model, limits = {}, warm = "off" }: PredictVariant,
  prices: PriceTable,
  count: TokenCounter,
  notes: Set<string>,
): RunRecord {
  const guess = guessesFrom(record, notes);
  const plans = withGuessedPlans(record, topology, plansOf(record), guess, count);
  const pace = paceFor(record, model, notes);
  const callOf = (call: CallRecord, isWarm: boolean) => priced(pace(call), isWarm, prices);
  const remaining = remainingTimes(specOf(record.dag), record);
  const simulation: Simulation = {
    dag: record.dag,
    plans,
    limits,
    overheadMs: overheadOf(record),
    priorityOf: (path) => (path.startsWith("$") ? Number.MAX_SAFE_INTEGER : remaining(declaredPath(path))),
    callOf,
    waitsWarm: (call) => warm === "first-token" && savesByCache(callOf(call, false), prices),
    reservedTokens: 1024,
  };
  const run = simulateRun(
    simulation,
    topology === "planned" || topology === "planned-dag"
      ? { planner: plannerSteps(record, topology, plans, guess, count) }
      : {
          pace:
            topology === "sequential" ? "one-by-one" : topology === "dataflow" ? "dataflow" : "supersteps",
        },
  );
  const outcomes = withAnswer(record, topology, run.outcomes, run);
  const calls = [...run.calls].sort((a, b) => a.startedAtMs - b.startedAtMs);
  return {
    ...record,
    id: `${record.id} ${topology}`,
    topology,
    durationMs: run.durationMs,
    outcomes,
    calls,
    events: [],
    interrupts: [],
    usage: usageOf(calls),
    criticalPathMs: criticalPath(spansOf(record.dag, outcomes, calls)).durationMs,
  };
}

/** Under a planner, its last request gives the output node's value; what it did not call was not run. */
function withAnswer(
  record: RunRecord,
  topology: Topology,
  reached: RunRecord["outcomes"],
  run: { readonly durationMs: number; readonly calls: readonly CallRecord[] },
): RunRecord["outcomes"] {
  const last = run.calls.findLast(({ node }) => node.startsWith("$"));
  const written = topology.startsWith("planned") ? writtenOutput(record) : null;
  return Object.fromEntries(
    Object.entries(record.outcomes).map(([name, outcome]) => {
      const { invocations: _invocations, ...own } = reached[name] ?? outcome;
      if (name === written && last !== undefined) {
        const endedAtMs = last.startedAtMs + last.durationMs;
        return [name, { ...own, readyAtMs: last.startedAtMs, startedAtMs: last.startedAtMs, endedAtMs }];
      }
      return [name, own];
    }),
  ) as RunRecord["outcomes"];
}

/** Plans for what the record's planner did not run, or wrote itself, where no planner decides. */
function withGuessedPlans(
  record: RunRecord,
  topology: Topology,
  plans: Record<string, WorkPlan>,
  guess: Guesses,
  count: TokenCounter,
): Record<string, WorkPlan> {
  const wasPlanned = record.topology.startsWith("planned");
  const written = writtenOutput(record);
  if (!wasPlanned || topology.startsWith("planned")) {
    if (written !== null && topology.startsWith("planned")) {
      const { [written]: _written, ...others } = plans;
      return others;
    }
    return plans;
  }
  const prompts = plannerPrompts(record, count);
  const answers = record.calls.filter(
    ({ node }) => node === (record.topology === "planned" ? "$planner" : "$joiner"),
  );
  return Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => {
      const isWritten = name === written;
      const notCalled = "reason" in plan.outcome && plan.outcome.reason.code === "not-called";
      if (!isWritten && !notCalled) return [name, plan];
      if (record.dag.nodes[name]?.kind !== "agent") return [name, plan];
      const like = isWritten ? answers.slice(-1) : [];
      const why = isWritten
        ? `"${name}", which the planner wrote itself, takes what its answer took`
        : `"${name}", which the planner did not call, takes what the others took`;
      const call = guess.call({ node: name, like }, { inputTokens: prompts.agent(name) }, why);
      return [
        name,
        { kind: "steps", outcome: plan.outcome, steps: [{ kind: "calls", calls: [{ afterMs: 0, call }] }] },
      ];
    }),
  );
}

/** The profile of a model, known by its name; `undefined` where none is. */
function profileOf(model: string): LatencyProfile | undefined {
  const plain = (name: string) =>
    name
      .toLowerCase()
      .replace(/^claude-/, "")
      .replaceAll(".", "-");
  const name = plain(model.slice(model.lastIndexOf("/") + 1).replace(/^[^:]*:/, ""));
  return Object.values(latencyProfiles)
    .filter((profile) => name === plain(profile.name) || name.startsWith(`${plain(profile.name)}-2`))
    .at(0);
}

/** How a request of the record would have gone with another model: first token and speed by the models' profiles. */
function paceFor(
  record: RunRecord,
  model: string | undefined,
  notes: Set<string>,
): (call: CallRecord) => CallRecord {
  if (model === undefined) return (call) => call;
  const { simulated } = record;
  const now = profileOf(model);
  if (now === undefined) {
    notes.add(`no latency profile is known for "${model}": its requests take what the record's took`);
    return (call) => ({ ...call, model });
  }
  const speed = simulated?.speed ?? 1;
  return (call) => {
    const before = simulated === null ? profileOf(call.model) : latencyProfiles[simulated.profile];
    if (before === undefined)
      notes.add(
        `no latency profile is known for "${call.model}": first tokens are the median of "${now.name}"`,
      );
    const scaled =
      before === undefined ? null : (call.firstTokenMs ?? call.durationMs) * (now.ttftMs / before.ttftMs);
    const firstTokenMs = scaled ?? now.ttftMs / speed;
    const writing = (Math.max(0, call.outputTokens - 1) * 1000) / now.tokensPerSecond / speed;
    return { ...call, model, firstTokenMs, durationMs: firstTokenMs + writing };
  };
}

/** A request at its price: what the cache serves by its provider's rules, where the record knows what is shared. */
function priced(call: CallRecord, warm: boolean, prices: PriceTable): CallRecord {
  const cache = prefixCacheOf(call.model);
  const shared =
    call.prefix === undefined ? null : Math.min(cachedTokens(cache, call.prefix.tokens), call.inputTokens);
  const cachedInputTokens = shared === null ? (call.cachedInputTokens ?? 0) : warm ? shared : 0;
  const cacheWriteTokens =
    shared === null ? (call.cacheWriteTokens ?? 0) : !warm && cache?.by === "marks" ? shared : 0;
  const usage = { ...call, cachedInputTokens, cacheWriteTokens };
  const free = call.inputTokens + call.outputTokens === 0;
  return { ...usage, costUsd: free ? 0 : prices(call.model, usage) };
}

function savesByCache(call: CallRecord, prices: PriceTable): boolean {
  const cached = Math.min(
    cachedTokens(prefixCacheOf(call.model), call.prefix?.tokens ?? 0),
    call.inputTokens,
  );
  return cached > 0 && savesEnough(call.model, call, cached, prices);
}

/** Longest that the engine is taken to need at the start, at the end, and between two steps, in milliseconds. */
const longestEdgeMs = 50;
const usualStepMs = 2;

/** What the engine itself took in the record. */
function overheadOf(record: RunRecord): Simulation["overheadMs"] {
  const spans = [
    ...Object.values(record.outcomes),
    ...record.calls
      .filter(({ node }) => node.startsWith("$"))
      .map(({ startedAtMs, durationMs }) => ({ startedAtMs, endedAtMs: startedAtMs + durationMs })),
  ].flatMap(({ startedAtMs, endedAtMs }) =>
    startedAtMs === null || endedAtMs === null ? [] : [{ startedAtMs, endedAtMs }],
  );
  if (spans.length === 0) return { start: 0, step: usualStepMs, end: record.durationMs };
  const first = Math.min(...spans.map(({ startedAtMs }) => startedAtMs));
  const last = Math.max(...spans.map(({ endedAtMs }) => endedAtMs));
  return {
    start: Math.min(first, longestEdgeMs),
    step: usualStepMs,
    end: Math.min(Math.max(0, record.durationMs - last), longestEdgeMs),
  };
}
