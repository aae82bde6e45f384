import type { Outcome, OutcomeReason } from "../../src/records/outcome.js";
import type { JoinRule } from "../../src/spec/order.js";

/** How far the needs of a node are. */
export interface NeedCounts {
  readonly total: number;
  readonly settled: number;
  readonly completed: number;
}

/**
 * What a join says:
 *
 * 1. A count (`any`, `atLeast`) runs as soon as that many needs completed, and skips as soon as too few are left.
 * 2. Every other join waits until all needs have settled.
 * 3. Then `settled` runs, whatever became of them.
 * 4. `all` runs when every need completed, else it skips.
 */
export function judgeJoin({ rule, atLeast }: JoinRule, counts: NeedCounts): "wait" | "run" | "skip" {
  const { total, settled, completed } = counts;
  if (rule === "count") {
    if (completed >= atLeast) return "run";
    return total - settled + completed < atLeast ? "skip" : "wait";
  }
  if (settled < total) return "wait";
  return rule === "settled" || completed === total ? "run" : "skip";
}

/** What a join says when its deadline passes: `settled` runs with what there is, any other one skips. */
export function judgeLateJoin({ rule }: JoinRule): "run" | "skip" {
  return rule === "settled" ? "run" : "skip";
}

/** Why a join cannot be met, naming the needs that did not complete. */
export function unmetReason(
  { rule, atLeast }: JoinRule,
  needs: readonly (readonly [name: string, outcome: Outcome | undefined])[],
): OutcomeReason {
  const missing = needs.flatMap(([name, outcome]) =>
    outcome === undefined || outcome.state === "completed" ? [] : [`${name} ${outcome.state}`],
  );
  const wanted = rule === "all" ? "every need" : `at least ${atLeast} of ${needs.length} needs`;
  return { code: "join", message: `The join wants ${wanted} to complete; ${missing.join(", ")}.` };
}

/** Why a join was not met in time. */
export function lateReason(
  { atLeast, deadlineMs }: JoinRule,
  { total, completed }: NeedCounts,
): OutcomeReason {
  return {
    code: "join",
    message: `The join wants at least ${atLeast} of ${total} needs within ${deadlineMs} ms of the first; ${completed} completed.`,
  };
}
