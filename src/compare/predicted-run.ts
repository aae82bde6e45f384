import type { Topology } from "../../graphs/topology.js";
import { remainingTimes } from "../../nodes/engine/remaining-path.js";
import type { LimiterOptions } from "../limits/admission.js";
import { type LatencyProfile, latencyProfiles } from "../models/latency-profile.js";
import { cachedTokens, prefixCacheOf, savesEnough } from "../models/prefix-cache.js";
import { criticalPath } from "../records/critical-path.js";
import type { CallRecord } from "../records/events.js";
import type { PriceTable } from "../records/price.js";
import { type RunRecord, spansOf, usageOf } from "../records/record.js";
import { declaredPath } from "../records/work-id.js";
import { type PlannerStep, type Simulation, simulateRun, specOf } from "./simulated-run.js";
import type { WorkPlan } from "./work-plan.js";

/** What a prediction of a topology goes by: what each node would do there, and what a planner would ask. */
export interface Grounds {
  readonly topology: Topology;
  readonly plans: Readonly<Record<string, WorkPlan>>;
  /** `null` where no planner decides. */
  readonly planner: readonly PlannerStep[] | null;
}

/** What would have been otherwise, besides the topology. What is left out is as it was. */
export interface Otherwise {
  /** Model of every request, `provider:name`. Its pace is that of a known latency profile, its price the table's. */
  readonly model?: string;
  /** @default none */
  readonly limits?: LimiterOptions;
  /** Whether requests that begin alike wait for the first of them. @default "off" */
  readonly warm?: "first-token" | "off";
}

/**
 * The record of a run that was not made. It needs nothing but what it is given, so that it also works on a report's page.
 * @param notes Takes what the record does not tell and was estimated, as sentences.
 */
export function predictedRun(
  record: RunRecord,
  { topology, plans, planner }: Grounds,
  { model, limits = {}, warm = "off" }: Otherwise,
  prices: PriceTable,
  notes: Set<string>,
): RunRecord {
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
    planner !== null
      ? { planner }
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

/** The agent whose value a planner or joiner writes itself; `null` where there is none. */
export function writtenOutput({ dag }: RunRecord): string | null {
  const [name, ...others] = dag.outputs;
  const node = name === undefined ? undefined : dag.nodes[name];
  if (name === undefined || node === undefined || others.length > 0) return null;
  const isGuarded = node.needs.some((need) => dag.nodes[need]?.kind === "approval");
  return node.kind === "agent" && !node.mapped && !isGuarded ? name : null;
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
