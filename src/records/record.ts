import { DagError, errorMessage } from "../errors.js";
import { assertArgument, isObject } from "../spec/issue.js";
import { criticalPath, type Span } from "./critical-path.js";
import type {
  CallRecord,
  DagProjection,
  RunEvent,
  RunEventOf,
  RunInterrupt,
  RunState,
  Simulated,
  UsageSums,
} from "./events.js";
import type { Outcome, OutcomeError, Outcomes } from "./outcome.js";

/** Tokens, requests and money of a run. */
export interface Usage extends UsageSums {
  /** What outcomes that were taken over from an earlier record had cost there; not part of the other numbers. */
  readonly reused?: UsageSums;
}

/** What happened in one run: JSON, complete enough to render every report from it. */
export interface RunRecord<Output = unknown, Os = Outcomes> {
  /** Version of the form. */
  readonly version: 1;
  /** Identifier of the run; a resumed run keeps it. */
  readonly id: string;
  /** Name at its checkpointer; `null` for a run that was not persisted. */
  readonly thread: string | null;
  /** What was declared. */
  readonly dag: DagProjection;
  /** How it was wired. */
  readonly topology: string;
  /** What the run was given, before its schema. */
  readonly input: unknown;
  /** ISO 8601; all other times are milliseconds since then. */
  readonly startedAt: string;
  /** Milliseconds from its start to its end, those of earlier processes included. */
  readonly durationMs: number;
  /** How it ended. */
  readonly state: RunState;
  /** `null` when there is none. */
  readonly output: Output | null;
  /** Why there is no output; `null` where there is one. */
  readonly error: OutcomeError | null;
  /** By node name, in the spec's order. */
  readonly outcomes: Os;
  /** In the order in which they started. */
  readonly calls: readonly CallRecord[];
  /** The questions that it waits at. */
  readonly interrupts: readonly RunInterrupt[];
  /** As they came, `call-delta` left out. */
  readonly events: readonly RunEvent[];
  /** Requests, tokens and money of all calls. */
  readonly usage: Usage;
  /** Longest chain of started-to-ended durations, in milliseconds: no wiring can be faster. */
  readonly criticalPathMs: number;
  /** What latency was simulated; `null` where time was real. */
  readonly simulated: Simulated | null;
}

/** Folds events into a record, one at a time. */
export interface RecordFold {
  add(event: RunEvent): void;
  /** The outcomes of what was added so far, in the spec's order. */
  outcomes(): Outcomes;
  /** The record of what was added so far; a run that has not ended reads as `cancelled`. */
  record(): RunRecord;
}

/** A fold that starts empty. */
export function recordFold(): RecordFold {
  const events: RunEvent[] = [];
  const calls: CallRecord[] = [];
  const settled = new Map<string, Outcome>();
  const reused: UsageSums[] = [];
  let started: RunEventOf<"run-started"> | null = null;
  let ended: RunEventOf<"run-ended"> | null = null;
  let ordered: Outcomes | null = null;
  const outcomesOf = (dag: DagProjection) => {
    ordered ??= inSpecOrder(dag, settled);
    return ordered;
  };
  return {
    add(event) {
      if (event.type === "call-delta") return;
      events.push(event);
      if (event.type === "run-started") started = event;
      else if (event.type === "run-ended") ended = event;
      else if (event.type === "call-ended") calls.push(event.call);
      else if (event.type === "node-settled") {
        if (isWhole(event)) {
          settled.set(event.node, event.outcome);
          ordered = null;
        }
        if (event.reused !== undefined) reused.push(event.reused);
      }
    },
    outcomes: () => (started === null ? {} : outcomesOf(started.dag)),
    record() {
      if (started === null)
        throw new DagError("RECORD_INVALID", "A record starts with a run-started event; none was added.");
      const outcomes = outcomesOf(started.dag);
      const byStart = [...calls].sort((a, b) => a.startedAtMs - b.startedAtMs);
      return {
        version: 1,
        id: started.id,
        thread: started.thread,
        dag: started.dag,
        topology: started.topology,
        input: started.input,
        startedAt: started.startedAt,
        durationMs: ended?.atMs ?? events.at(-1)?.atMs ?? 0,
        state: ended?.state ?? "cancelled",
        output: ended?.output ?? null,
        error: ended?.error ?? null,
        outcomes,
        calls: byStart,
        interrupts: ended?.interrupts ?? [],
        events: [...events],
        usage: { ...usageOf(byStart), ...(reused.length > 0 && { reused: addUsages(reused) }) },
        criticalPathMs:
          Math.round(criticalPath(spansOf(started.dag, outcomes, byStart)).durationMs * 1000) / 1000,
        simulated: started.simulated,
      };
    },
  };
}

/**
 * The record that a list of events adds up to.
 * @throws DagError `DAG_INVALID` where it is no list of events, `RECORD_INVALID` where it holds no `run-started`, or an event
 * that lacks what its type says.
 */
export function foldEvents(events: Iterable<RunEvent>): RunRecord {
  const isIterable = typeof (events as Iterable<RunEvent> | undefined)?.[Symbol.iterator] === "function";
  assertArgument("foldEvents", isIterable, ["events", events, "a list of a run's events"]);
  const list = [...events];
  for (const [index, event] of list.entries())
    assertArgument("foldEvents", isObject(event), [`events[${index}]`, event, "an event"]);
  const fold = recordFold();
  try {
    for (const event of list) fold.add(event);
    return fold.record();
  } catch (error) {
    if (error instanceof DagError) throw error;
    throw new DagError("RECORD_INVALID", `The events make no record: ${errorMessage(error)}.`, {
      cause: error,
      hint: "Give a run's events as they were told, or read a whole record with `assertRecord`.",
    });
  }
}

/** Sums over calls. */
export function usageOf(calls: readonly CallRecord[]): UsageSums {
  return addUsages(calls.map((call) => ({ modelCalls: 1, ...call })));
}

/** Sums of sums; the cost is `null` as soon as one is. */
export function addUsages(usages: readonly UsageSums[]): UsageSums {
  let [modelCalls, inputTokens, outputTokens, estimated] = [0, 0, 0, false];
  let [cachedInputTokens, cacheWriteTokens, reasoningTokens] = [0, 0, 0];
  let costUsd: number | null = 0;
  for (const usage of usages) {
    modelCalls += usage.modelCalls;
    inputTokens += usage.inputTokens;
    outputTokens += usage.outputTokens;
    cachedInputTokens += usage.cachedInputTokens ?? 0;
    cacheWriteTokens += usage.cacheWriteTokens ?? 0;
    reasoningTokens += usage.reasoningTokens ?? 0;
    estimated ||= usage.estimated;
    costUsd = costUsd === null || usage.costUsd === null ? null : costUsd + usage.costUsd;
  }
  return {
    modelCalls,
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens,
    reasoningTokens,
    estimated,
    costUsd,
  };
}

/**
 * The spans whose longest chain is the critical path: nodes, their runs one by one where a planner called them several
 * times, and the requests of planner and joiner. Under a planner whatever ended before a span was ready may have led
 * to it.
 */
export function spansOf(dag: DagProjection, outcomes: Outcomes, calls: readonly CallRecord[]): Span[] {
  const planner = calls.filter((call) => call.node.startsWith("$"));
  const asked: Span[] = planner.map(({ node, id, startedAtMs, durationMs }) => ({
    name: `${node} ${id}`,
    needs: [],
    readyAtMs: startedAtMs,
    startedAtMs,
    endedAtMs: startedAtMs + durationMs,
  }));
  const ran: Span[] = [];
  for (const [name, outcome] of Object.entries(outcomes)) {
    const needs = dag.nodes[name]?.needs ?? [];
    const runs = asked.length === 0 ? undefined : outcome.invocations;
    if (runs === undefined || runs.length === 1) ran.push(spanOf(name, needs, outcome));
    else runs.forEach((run, index) => void ran.push(spanOf(`${name} ${index + 1}`, needs, run)));
  }
  if (asked.length === 0) return ran;
  return [...asked, ...ran].map((span) => ({ ...span, needs: null }));
}

function spanOf(name: string, needs: readonly string[], outcome: Outcome): Span {
  const { readyAtMs, startedAtMs, endedAtMs } = outcome;
  return { name, needs, readyAtMs, startedAtMs, endedAtMs };
}

function isWhole(event: RunEventOf<"node-settled">): boolean {
  return event.item === null && event.invocation === null && !event.node.includes("/");
}

function inSpecOrder(dag: DagProjection, settled: ReadonlyMap<string, Outcome>): Outcomes {
  const outcomes: Record<string, Outcome> = {};
  for (const name of Object.keys(dag.nodes)) {
    const outcome = settled.get(name);
    if (outcome !== undefined) outcomes[name] = outcome;
  }
  return outcomes;
}
