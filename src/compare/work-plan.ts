import type { CallRecord, DagProjection } from "../records/events.js";
import type { Outcome } from "../records/outcome.js";
import type { RunRecord } from "../records/record.js";
import { roundPath, workPath } from "../records/work-id.js";

/** What a piece of work did, as a record tells it, apart from when it was its turn. */
export type WorkPlan =
  /** It was not run, or its outcome was taken over: it settles at once. */
  | { readonly kind: "nothing"; readonly outcome: Outcome }
  | { readonly kind: "steps"; readonly outcome: Outcome; readonly steps: readonly WorkStep[] }
  | {
      readonly kind: "map";
      readonly outcome: Outcome;
      readonly items: readonly WorkPlan[];
      readonly width: number;
    }
  | {
      readonly kind: "graph";
      readonly outcome: Outcome;
      readonly dag: DagProjection;
      readonly rounds: readonly Readonly<Record<string, WorkPlan>>[];
    };

/** A step of a piece of work: a while of its own, or requests that are under way together. */
export type WorkStep =
  | { readonly kind: "own"; readonly ms: number }
  | {
      readonly kind: "calls";
      readonly calls: readonly {
        readonly afterMs: number;
        readonly call: CallRecord;
        /** What the engine itself takes for it, in milliseconds; what is asked at one moment is admitted as of one moment. */
        readonly engineMs?: number;
      }[];
    };

/** What the engine does before an agent's first request, and after its last, takes no longer than this, in milliseconds. */
const longestEngineMs = 5;

/** The plans of a record's nodes by name. */
export function plansOf(record: RunRecord): Record<string, WorkPlan> {
  return dagPlans(record.dag, record.outcomes, "", callsByWork(record.calls));
}

type CallsByWork = ReadonlyMap<string, readonly CallRecord[]>;

/** Calls by the path of their work. A planner's first call of a node is what the node does where no planner calls. */
function callsByWork(calls: readonly CallRecord[]): CallsByWork {
  const found = new Map<string, CallRecord[]>();
  for (const call of calls) {
    const path = workPath(call).replaceAll("#0", "");
    const some = found.get(path);
    if (some === undefined) found.set(path, [call]);
    else some.push(call);
  }
  return found;
}

function dagPlans(
  dag: DagProjection,
  outcomes: Readonly<Record<string, Outcome>>,
  prefix: string,
  calls: CallsByWork,
): Record<string, WorkPlan> {
  return Object.fromEntries(
    Object.entries(outcomes).map(([name, outcome]) => [
      name,
      nodePlan(dag, name, outcome, prefix + name, calls),
    ]),
  );
}

function nodePlan(
  dag: DagProjection,
  name: string,
  given: Outcome,
  path: string,
  calls: CallsByWork,
): WorkPlan {
  const outcome = given.invocations?.[0] ?? given;
  const node = dag.nodes[name];
  if (outcome.startedAtMs === null || outcome.endedAtMs === null || outcome.reused === true)
    return { kind: "nothing", outcome };
  if (outcome.items !== undefined) {
    const items = outcome.items.map((item, index) =>
      workPlan(node?.dag, item, { node: path, item: index }, calls, node?.kind),
    );
    return { kind: "map", outcome, items, width: widthOf(node?.declared?.forEach, outcome.items) };
  }
  return workPlan(node?.dag, outcome, { node: path, item: null }, calls, node?.kind);
}

function workPlan(
  inner: DagProjection | undefined,
  outcome: Outcome,
  place: { readonly node: string; readonly item: number | null },
  calls: CallsByWork,
  kind: string | undefined,
): WorkPlan {
  const key = { ...place, invocation: null };
  if (outcome.startedAtMs === null || outcome.endedAtMs === null) return { kind: "nothing", outcome };
  if (inner !== undefined && (outcome.rounds ?? outcome.outcomes) !== undefined) {
    const rounds = outcome.rounds?.map((round, index) =>
      dagPlans(inner, round, `${roundPath(key, index + 1)}/`, calls),
    ) ?? [dagPlans(inner, outcome.outcomes ?? {}, `${workPath(key)}/`, calls)];
    return { kind: "graph", outcome, dag: inner, rounds };
  }
  const steps = stepsOf(
    outcome.startedAtMs,
    outcome.endedAtMs,
    calls.get(workPath(key)) ?? [],
    kind === "agent",
  );
  return { kind: "steps", outcome, steps };
}

/**
 * A work's steps from its calls and the time between them; what a call waited for is not part of them. What an agent itself
 * takes at its beginning and its end goes with its first request.
 */
function stepsOf(startMs: number, endMs: number, own: readonly CallRecord[], isAgent: boolean): WorkStep[] {
  const asked = own
    .map((call) => ({
      call,
      askedMs: call.startedAtMs - (call.waited?.limitMs ?? 0) - (call.waited?.warmMs ?? 0),
    }))
    .sort((a, b) => a.askedMs - b.askedMs);
  const lastMs = Math.max(startMs, ...own.map((call) => call.startedAtMs + call.durationMs));
  const firstMs = asked[0]?.askedMs ?? startMs;
  const endsSoon = isAgent && asked.length > 0 && endMs - lastMs <= longestEngineMs;
  const engineMs = isAgent
    ? Math.min(longestEngineMs, Math.max(0, firstMs - startMs)) + (endsSoon ? Math.max(0, endMs - lastMs) : 0)
    : 0;
  const steps: WorkStep[] = [];
  let atMs = isAgent ? firstMs : startMs;
  const pause = (untilMs: number) => {
    if (untilMs > atMs) steps.push({ kind: "own", ms: untilMs - atMs });
  };
  for (let first = 0; first < asked.length; ) {
    const { askedMs: fromMs } = asked[first] as (typeof asked)[number];
    pause(fromMs);
    let next = first;
    let untilMs = fromMs;
    const together: { afterMs: number; call: CallRecord; engineMs?: number }[] = [];
    for (; next < asked.length; next++) {
      const { call, askedMs } = asked[next] as (typeof asked)[number];
      if (next > first && askedMs >= untilMs) break;
      together.push({ afterMs: askedMs - fromMs, call, ...(next === 0 && { engineMs }) });
      untilMs = Math.max(untilMs, call.startedAtMs + call.durationMs);
    }
    steps.push({ kind: "calls", calls: together });
    atMs = untilMs;
    first = next;
  }
  if (!endsSoon) pause(endMs);
  return steps;
}

/** How many items go side by side: as declared, where the record shows it, else all. */
function widthOf(declared: string | undefined, items: readonly Outcome[]): number {
  const stated = /"maxConcurrency":(\d+)/.exec(declared ?? "")?.[1];
  return Math.max(1, stated === undefined ? items.length : Number(stated));
}
