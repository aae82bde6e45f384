import type { RunRecord } from "../records/record.js";

/** The figures of one topology: medians over its runs, `failures` a sum. */
export interface TopologyFigures {
  /** As asked for: `planned?toolInput=argument`. */
  readonly topology: string;
  /** The record of each run, in order. */
  readonly runs: readonly RunRecord[];
  /** How long the runs took, in milliseconds. */
  readonly wallMs: { readonly median: number; readonly min: number; readonly max: number };
  /** The runs' critical paths, in milliseconds. */
  readonly criticalPathMs: number;
  /** Median of each run's wall time over its critical path; `null` when no run has one. */
  readonly wallOverCriticalPath: number | null;
  /** Model requests, retries and hedged ones included. */
  readonly modelCalls: number;
  /** Input tokens of all requests, those of the cache included. */
  readonly inputTokens: number;
  /** Output tokens of all requests, those of thoughts included. */
  readonly outputTokens: number;
  /** `null` when the price of a call is unknown. */
  readonly costUsd: number | null;
  /** Nodes that were run, whatever came of them. */
  readonly nodesRun: number;
  /** Nodes that were skipped or cancelled. */
  readonly nodesSkipped: number;
  /** Nodes that failed or timed out, and runs that failed without one. */
  readonly failures: number;
}

export function figuresOf(topology: string, runs: readonly RunRecord[]): TopologyFigures {
  const of = (pick: (run: RunRecord) => number) => median(runs.map(pick));
  const walls = runs.map((run) => run.durationMs);
  const costs = runs.map((run) => run.usage.costUsd);
  const ratios = runs
    .filter((run) => run.criticalPathMs > 0)
    .map((run) => run.durationMs / run.criticalPathMs);
  return {
    topology,
    runs,
    wallMs: { median: median(walls), min: Math.min(...walls), max: Math.max(...walls) },
    criticalPathMs: of((run) => run.criticalPathMs),
    wallOverCriticalPath: ratios.length === 0 ? null : median(ratios),
    modelCalls: of((run) => run.usage.modelCalls),
    inputTokens: of((run) => run.usage.inputTokens),
    outputTokens: of((run) => run.usage.outputTokens),
    costUsd: costs.includes(null) ? null : median(costs.map((cost) => cost ?? 0)),
    nodesRun: of((run) => countStates(run, ["completed", "failed", "timed-out"])),
    nodesSkipped: of((run) => countStates(run, ["skipped", "cancelled"])),
    failures: runs.reduce((sum, run) => sum + failuresOf(run), 0),
  };
}

/** The middle value; the mean of the two in the middle of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

function countStates(run: RunRecord, states: readonly string[]): number {
  return Object.values(run.outcomes).filter(({ state }) => states.includes(state)).length;
}

function failuresOf(run: RunRecord): number {
  const failed = countStates(run, ["failed", "timed-out"]);
  return failed === 0 && run.state === "failed" ? 1 : failed;
}
