import type { CallRecord, DagProjection, NodeProjection } from "../../src/records/events.js";
import type { Outcome } from "../../src/records/outcome.js";
import type { TimelineRecord } from "../../src/report/timeline.js";

/** A projected node: an agent that needs nothing unless told otherwise. */
export function node(part: Partial<NodeProjection> = {}): NodeProjection {
  return {
    hash: "0123456789abcdef",
    kind: "agent",
    needs: [],
    join: "all",
    description: null,
    conditional: false,
    mapped: false,
    ...part,
  };
}

export function projection(
  nodes: Readonly<Record<string, NodeProjection>>,
  outputs: readonly string[] = Object.keys(nodes).slice(-1),
): DagProjection {
  return { name: "sample", hash: "0123456789abcdef", nodes, outputs };
}

/** An outcome that became ready and started at `from` and ended at `to` (milliseconds). */
export function completed(
  from: number,
  to: number,
  part: Partial<Extract<Outcome, { state: "completed" }>> = {},
): Outcome {
  return {
    state: "completed",
    value: "done",
    readyAtMs: from,
    startedAtMs: from,
    endedAtMs: to,
    attempts: 1,
    ...part,
  };
}

export function failed(from: number, to: number, message: string, code = "OUTPUT_INVALID"): Outcome {
  return {
    state: "failed",
    error: { code, message },
    readyAtMs: from,
    startedAtMs: from,
    endedAtMs: to,
    attempts: 3,
  };
}

export function skipped(code: string, message: string): Outcome {
  return {
    state: "skipped",
    reason: { code, message },
    readyAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    attempts: 0,
  };
}

export function call(
  name: string,
  from: number,
  durationMs: number,
  part: Partial<CallRecord> = {},
): CallRecord {
  return {
    id: `${name}-${from}`,
    node: name,
    item: null,
    invocation: null,
    attempt: 1,
    model: "offline",
    startedAtMs: from,
    firstTokenMs: durationMs / 4,
    durationMs,
    inputTokens: 1000,
    outputTokens: 120,
    estimated: false,
    costUsd: 0,
    toolCalls: [],
    finishReason: "stop",
    hedged: false,
    error: null,
    ...part,
  };
}

export type ReportRecord = TimelineRecord & { readonly output: unknown };

/** A record around outcomes: its duration and usage are those of the outcomes and calls. */
export function record(
  dag: DagProjection,
  outcomes: Readonly<Record<string, Outcome>>,
  part: Partial<ReportRecord> = {},
): ReportRecord {
  const calls = part.calls ?? [];
  const ends = Object.values(outcomes).map((outcome) => outcome.endedAtMs ?? 0);
  return {
    dag,
    outcomes,
    topology: "deterministic",
    state: "completed",
    output: null,
    error: null,
    interrupts: [],
    calls,
    durationMs: Math.max(0, ...ends),
    criticalPathMs: Math.max(0, ...ends),
    usage: {
      inputTokens: calls.reduce((sum, each) => sum + each.inputTokens, 0),
      outputTokens: calls.reduce((sum, each) => sum + each.outputTokens, 0),
      modelCalls: calls.length,
      costUsd: 0,
      estimated: calls.some((each) => each.estimated),
    },
    simulated: null,
    ...part,
  };
}
