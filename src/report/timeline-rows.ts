import type { CallRecord, DagProjection } from "../records/events.js";
import type { Outcome, OutcomeState } from "../records/outcome.js";
import type { RunRecord } from "../records/record.js";
import { workPath } from "../records/work-id.js";
import { cleanLine, counted, progressText } from "./plain-text.js";

/** What a timeline needs of a record. */
export type TimelineSource = Pick<RunRecord, "dag" | "outcomes" | "calls"> &
  Partial<Pick<RunRecord, "events">>;

/** What functions reported with `progress`, by the path of their work: when, and what at last. */
type Reported = ReadonlyMap<string, { readonly atMs: number[]; last: unknown }>;

function reportedIn({ events = [] }: TimelineSource): Reported {
  const reported = new Map<string, { atMs: number[]; last: unknown }>();
  for (const event of events) {
    if (event.type !== "node-progress") continue;
    const path = workPath({ ...event, invocation: null });
    const known = reported.get(path) ?? { atMs: [], last: undefined };
    reported.set(path, { atMs: [...known.atMs, event.atMs], last: event.value });
  }
  return reported;
}

/** A stretch of work on a row. */
export interface Bar {
  /** When the work could have started. */
  readonly readyAtMs: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly state: OutcomeState;
  /** Stretches of the work in which it waited for another request's first token, for the sake of the provider's cache. */
  readonly waits: readonly { readonly fromMs: number; readonly toMs: number }[];
  /** When the work reported something with `progress`. */
  readonly reports: readonly number[];
}

/** One row: a node, an item of a `forEach` node, or a planner. */
export interface TimelineRow {
  readonly name: string;
  /** 0 for a node of the spec itself. */
  readonly depth: number;
  readonly state: OutcomeState | "not-settled";
  readonly bars: readonly Bar[];
  readonly attempts: number;
  /** Input and output tokens of all calls; `null` where no model was called. */
  readonly tokens: number | null;
  readonly estimated: boolean;
  /** US dollars of all calls; `null` where no model was called or a price is unknown. */
  readonly costUsd: number | null;
  /** What the bar does not say: counts, and why a node did not complete. */
  readonly note: string;
  /** Whether the note tells of nothing that went wrong, so that it may be cut short. */
  readonly minor: boolean;
}

/** Most items of a `forEach` node that get a row each. */
const maxItemRows = 12;

/** A map of more items than this has a row for the median of its items' times and one for their 95th percentile. */
const minSpread = 20;

/** Reasons that are part of a run that went well. */
const minorReasons: readonly string[] = ["condition", "not-called", "not-needed"];

/** A record's rows: `$planner` first, nodes in the spec's order with what is nested below them, `$joiner` last. */
export function timelineRows(record: TimelineSource): TimelineRow[] {
  const special = [...new Set(record.calls.map((call) => call.node))].filter((node) => node.startsWith("$"));
  const last = special.filter((node) => node === "$joiner");
  const first = special.filter((node) => node !== "$joiner");
  return [
    ...first.map((node) => callerRow(record.calls, node)),
    ...nodeRows(record.dag, record.outcomes, { calls: record.calls, reported: reportedIn(record) }, "", 0),
    ...last.map((node) => callerRow(record.calls, node)),
  ];
}

/** What belongs to the rows, whichever they are. */
interface Told {
  readonly calls: readonly CallRecord[];
  readonly reported: Reported;
}

function nodeRows(
  dag: DagProjection,
  outcomes: TimelineSource["outcomes"],
  { calls, reported }: Told,
  prefix: string,
  depth: number,
): TimelineRow[] {
  const declared = Object.keys(dag.nodes);
  const names = [...declared, ...Object.keys(outcomes).filter((name) => !declared.includes(name))];
  return names.flatMap((name) => {
    const outcome = outcomes[name];
    const path = prefix + name;
    const own = { calls: calls.filter((call) => isWithin(call.node, path)), reported };
    const rows = [outcomeRow(cleanLine(name), depth, outcome, own, path)];
    const items = outcome?.items ?? [];
    if (items.length <= maxItemRows) {
      rows.push(...items.map((item, index) => itemRow(item, index, path, depth + 1, own)));
    }
    if (items.length > minSpread) rows.push(...spreadRows(items, depth + 1));
    const inner = dag.nodes[name]?.dag;
    if (inner !== undefined && outcome?.outcomes !== undefined) {
      rows.push(...nodeRows(inner, outcome.outcomes, own, `${path}/`, depth + 1));
    }
    return rows;
  });
}

/** Whether a call's node is the node at `path` or lies within it, also within one of its items. */
function isWithin(node: string, path: string): boolean {
  return node === path || node.startsWith(`${path}/`) || node.startsWith(`${path}[`);
}

function itemRow(item: Outcome, index: number, path: string, depth: number, { calls, reported }: Told) {
  const at = `${path}[${index}]`;
  const own = calls.filter((call) => (call.node === path ? call.item === index : isWithin(call.node, at)));
  return outcomeRow(`[${index}]`, depth, item, { calls: own, reported }, at);
}

function outcomeRow(
  name: string,
  depth: number,
  outcome: Outcome | undefined,
  { calls, reported }: Told,
  path: string,
): TimelineRow {
  const usage = usageOf(calls);
  if (outcome === undefined) {
    return {
      name,
      depth,
      state: "not-settled",
      bars: [],
      attempts: 0,
      ...usage,
      note: "not settled",
      minor: true,
    };
  }
  return {
    name,
    depth,
    state: outcome.state,
    bars: outcome.reused
      ? []
      : (outcome.invocations ?? [outcome]).flatMap((one) => barOf(one, calls, reported.get(path)?.atMs)),
    attempts: outcome.attempts,
    ...usage,
    note: noteOf(outcome, calls, reported.get(path)),
    minor: "reason" in outcome && minorReasons.includes(outcome.reason.code),
  };
}

/** The items at the median and the 95th percentile of the time that items ran, by nearest rank. */
function spreadRows(items: readonly Outcome[], depth: number): TimelineRow[] {
  const ran = items
    .flatMap((item, index) => {
      const [bar] = barOf(item, []);
      return bar === undefined ? [] : [{ index, bar, tookMs: bar.endedAtMs - bar.startedAtMs }];
    })
    .sort((a, b) => a.tookMs - b.tookMs);
  return [50, 95].flatMap((percent): TimelineRow[] => {
    const at = ran[Math.max(0, Math.ceil((percent / 100) * ran.length) - 1)];
    if (at === undefined) return [];
    return [
      {
        name: `p${percent}`,
        depth,
        state: at.bar.state,
        bars: [at.bar],
        attempts: 0,
        tokens: null,
        estimated: false,
        costUsd: null,
        note: `${(at.tookMs / 1000).toFixed(2)} s: item ${at.index}`,
        minor: true,
      },
    ];
  });
}

type RowUsage = Pick<TimelineRow, "tokens" | "estimated" | "costUsd">;

function usageOf(calls: readonly CallRecord[]): RowUsage {
  const isPriced = calls.length > 0 && calls.every((call) => call.costUsd !== null);
  return {
    costUsd: isPriced ? calls.reduce((sum, call) => sum + (call.costUsd ?? 0), 0) : null,
    tokens:
      calls.length === 0 ? null : calls.reduce((sum, call) => sum + call.inputTokens + call.outputTokens, 0),
    estimated: calls.some((call) => call.estimated),
  };
}

function barOf(
  { readyAtMs, startedAtMs, endedAtMs, state }: Outcome,
  calls: readonly CallRecord[],
  reportedAtMs: readonly number[] = [],
): Bar[] {
  if (startedAtMs === null) return [];
  const end = endedAtMs ?? startedAtMs;
  const waits = calls
    .map(warmWaitOf)
    .filter((wait) => wait !== null)
    .filter(({ fromMs, toMs }) => fromMs >= startedAtMs - 1 && toMs <= end);
  const reports = reportedAtMs.filter((atMs) => atMs >= startedAtMs && atMs <= end);
  return [{ readyAtMs: readyAtMs ?? startedAtMs, startedAtMs, endedAtMs: end, state, waits, reports }];
}

/** When a request waited for the first token of another that begins alike; `null` where it did not. */
function warmWaitOf({ startedAtMs, waited }: CallRecord): Bar["waits"][number] | null {
  if (!waited?.warmMs) return null;
  const toMs = startedAtMs - (waited.limitMs ?? 0);
  return { fromMs: toMs - waited.warmMs, toMs };
}

function noteOf(
  outcome: Outcome,
  calls: readonly CallRecord[],
  reported?: { readonly last: unknown },
): string {
  const parts: string[] = [];
  if (outcome.reused) parts.push("reused");
  if (outcome.items !== undefined) parts.push(tally(outcome.items, "item"));
  if (outcome.invocations !== undefined) parts.push(tally(outcome.invocations, "call"));
  if (reported !== undefined) parts.push(`progress: ${progressText(reported.last)}`);
  const warmMs = calls.reduce((longest, { waited }) => Math.max(longest, waited?.warmMs ?? 0), 0);
  if (warmMs > 0) parts.push(`waited ${(warmMs / 1000).toFixed(2)} s for a warm cache`);
  if (outcome.state !== "completed") {
    const { code, message } = "error" in outcome ? outcome.error : outcome.reason;
    parts.push(`${outcome.state} (${cleanLine(code)}): ${cleanLine(message)}`);
  }
  return parts.join(" · ");
}

/** `8 items, 1 failed`. */
function tally(outcomes: readonly Outcome[], noun: string): string {
  const states = new Map<OutcomeState, number>();
  for (const { state } of outcomes) states.set(state, (states.get(state) ?? 0) + 1);
  states.delete("completed");
  return [counted(outcomes.length, noun), ...[...states].map(([state, count]) => `${count} ${state}`)].join(
    ", ",
  );
}

/** The row of a planner or joiner, from its calls: one bar a call. */
function callerRow(calls: readonly CallRecord[], node: string): TimelineRow {
  const own = calls.filter((call) => call.node === node);
  const error = own.at(-1)?.error ?? null;
  const parts = own.length > 1 ? [counted(own.length, "call")] : [];
  if (error !== null) parts.push(`failed (${cleanLine(error.code)}): ${cleanLine(error.message)}`);
  return {
    name: node,
    depth: 0,
    state: error === null ? "completed" : "failed",
    bars: own.map((call) => ({
      readyAtMs: call.startedAtMs,
      startedAtMs: call.startedAtMs,
      endedAtMs: call.startedAtMs + call.durationMs,
      state: call.error === null ? "completed" : "failed",
      waits: [],
      reports: [],
    })),
    attempts: Math.max(...own.map((call) => call.attempt)),
    ...usageOf(own),
    note: parts.join(" · "),
    minor: false,
  };
}
