import type { Topology } from "../../graphs/topology.js";
import { type Grounds, type Otherwise, predictedRun } from "../compare/predicted-run.js";
import { plansOf, type WorkPlan } from "../compare/work-plan.js";
import type { CallRecord, DagProjection, NodeProjection } from "../records/events.js";
import type { Outcome } from "../records/outcome.js";
import { priceTable } from "../records/price.js";
import type { RunRecord } from "../records/record.js";
import { parseWork } from "../records/work-id.js";
import type { PageCall, PageData, PageGrounds, PageNode, PageRow, PageRun } from "./page-model.js";
import { pageRun } from "./page-run.js";

/** What a person chose. */
export interface Chosen extends Otherwise {
  readonly topology?: string;
}

/** A run as it would have been, and what of that is estimated. */
export interface PredictedRun {
  readonly run: PageRun;
  readonly notes: readonly string[];
}

/** Predicts a run that the page shows, by what the page holds of it; gives what `predict` gives of its record. */
export function predictOnPage(
  data: PageData,
  run: PageRun,
  { topology, ...otherwise }: Chosen,
): PredictedRun {
  const record = recordOf(data, run);
  const named = topology ?? run.topology;
  const found = run.whatIf?.topologies[named];
  const notes = new Set(found?.notes);
  const grounds = groundsOf(named, plansOf(record), found);
  const prices = priceTable(null, run.whatIf?.prices ?? {});
  const predicted = predictedRun(record, grounds, otherwise, prices, notes);
  return {
    run: { ...pageRun(predicted, { graph: run.graph, noTexts: true }), startedAt: run.startedAt },
    notes: [...notes],
  };
}

function groundsOf(
  topology: string,
  own: Readonly<Record<string, WorkPlan>>,
  found: PageGrounds | undefined,
): Grounds {
  const left = new Set(found?.left);
  const plans = Object.entries(own)
    .filter(([name]) => !left.has(name))
    .map(([name, plan]): [string, WorkPlan] => {
      const calls =
        found !== undefined && Object.hasOwn(found.replaced, name) ? found.replaced[name] : undefined;
      if (calls === undefined) return [name, plan];
      const steps = [{ kind: "calls" as const, calls: calls.map((call) => ({ afterMs: 0, call })) }];
      return [name, { kind: "steps", outcome: plan.outcome, steps }];
    });
  return {
    topology: topology as Topology,
    plans: Object.fromEntries(plans),
    planner: found?.planner ?? null,
  };
}

/** The record that a page's run was made of, without its texts and values. */
export function recordOf(data: PageData, run: PageRun): RunRecord {
  const children = new Map<string | null, PageRow[]>();
  for (const row of run.rows) {
    const own = children.get(row.parent);
    if (own === undefined) children.set(row.parent, [row]);
    else own.push(row);
  }
  const outcomes = (parent: string | null) =>
    Object.fromEntries(
      (children.get(parent) ?? [])
        .filter(
          ({ kind, name, state }) => kind !== "round" && !name.startsWith("$") && state !== "not-settled",
        )
        .map((row) => [row.name, outcomeOf(row, children, outcomes)]),
    );
  return {
    version: 1,
    id: run.id,
    thread: run.thread,
    dag: dagOf(data, run.graph),
    topology: run.topology as Topology,
    input: null,
    startedAt: run.startedAt,
    durationMs: run.durationMs,
    criticalPathMs: run.criticalPathMs,
    state: run.state as RunRecord["state"],
    output: null,
    error: null,
    interrupts: [],
    outcomes: outcomes(null),
    calls: run.calls.map(callRecord),
    events: [],
    usage: { ...run.usage, reused: null },
    simulated: run.whatIf?.simulated ?? null,
  } as unknown as RunRecord;
}

type OutcomesOf = (parent: string | null) => Record<string, Outcome>;

function outcomeOf(
  row: PageRow,
  children: ReadonlyMap<string | null, readonly PageRow[]>,
  outcomes: OutcomesOf,
): Outcome {
  const { state, readyAtMs, startedAtMs, endedAtMs, attempts, reused, problem, counts } = row;
  const below = children.get(row.id) ?? [];
  const parts = () => below.map((one) => outcomeOf(one, children, outcomes));
  const inner = outcomes(row.id);
  return {
    state,
    readyAtMs,
    startedAtMs,
    endedAtMs,
    attempts,
    ...(reused && { reused }),
    ...(state === "completed" ? { value: null } : toldBy(state, problem)),
    ...(counts === null && Object.keys(inner).length > 0 && { outcomes: inner }),
    ...(counts?.noun === "item" && { items: parts() }),
    ...(counts?.noun === "call" && { invocations: parts() }),
    ...(counts?.noun === "round" && { rounds: below.map(({ id }) => outcomes(id)) }),
  } as Outcome;
}

function toldBy(state: string, problem: PageRow["problem"]) {
  const told = problem ?? { code: "", message: "" };
  return state === "failed" || state === "timed-out" ? { error: told } : { reason: told };
}

function dagOf(data: PageData, graph: string): DagProjection {
  const { name = "", nodes = [] } = data.graphs[graph] ?? {};
  return {
    name,
    hash: "",
    outputs: nodes.filter(({ output }) => output).map((node) => node.name),
    nodes: Object.fromEntries(nodes.map((node) => [node.name, nodeOf(data, node)])),
  };
}

function nodeOf(data: PageData, node: PageNode): NodeProjection {
  return {
    hash: "",
    kind: node.kind as NodeProjection["kind"],
    needs: node.needs,
    join: node.rule ?? "all",
    description: node.description,
    conditional: node.when !== null,
    mapped: node.mapped,
    declared: node.declared,
    ...(node.inner !== null && { dag: dagOf(data, node.inner) }),
  };
}

function callRecord(call: PageCall): CallRecord {
  const { row, messages: _messages, reply: _reply, ...told } = call;
  const { cachedInputTokens, cacheWriteTokens, reasoningTokens, durationMs, toolCalls, ...same } = told;
  return {
    ...same,
    ...parseWork(row),
    durationMs: durationMs ?? 0,
    ...(cachedInputTokens !== null && { cachedInputTokens }),
    ...(cacheWriteTokens !== null && { cacheWriteTokens }),
    ...(reasoningTokens !== null && { reasoningTokens }),
    toolCalls: toolCalls.map(({ name }) => ({ id: "", name, args: {} })),
  };
}
