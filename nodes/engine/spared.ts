import type { Outcome } from "../../src/records/outcome.js";
import { nodeOf } from "../../src/spec/order.js";
import { kindOf } from "../../src/spec/shape.js";
import type { Decision } from "./ledger.js";
import type { Scope } from "./scope.js";
import { stoppedOutcome } from "./stop.js";
import { needsOf } from "./work.js";

/**
 * The outcome of a node that need not, or must not, be started: an earlier record's, or `skipped` when the budget is spent
 * and the node is an agent or lacks a need for that reason. Functions that have what they need still run: they put
 * together what was paid for.
 */
export function sparedOutcome(scope: Scope, name: string, decision: Decision): Outcome | undefined {
  const { execution } = scope;
  const node = nodeOf(scope.spec, name);
  if (decision.go === "run") {
    const earlier = execution.reuse.node(scope, name, decision.atMs);
    if (earlier !== undefined) return earlier;
  }
  const stop = execution.budgetStop;
  if (stop === undefined || decision.go === "stop") return undefined;
  if (decision.go === "skip" && !lacksForBudget(scope, name)) return undefined;
  if (decision.go === "run" && kindOf(node) !== "agent") return undefined;
  return {
    readyAtMs: decision.go === "run" ? decision.atMs : null,
    startedAtMs: null,
    endedAtMs: execution.nowMs(),
    attempts: 0,
    ...stoppedOutcome(stop, false),
  };
}

function lacksForBudget(scope: Scope, name: string): boolean {
  return Object.values(needsOf(scope, name)).some(
    (need) => need !== undefined && "reason" in need && need.reason.code === "budget",
  );
}
