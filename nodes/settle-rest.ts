import { orderOf } from "../src/spec/order.js";
import { isPlanned } from "./planner-options.js";
import type { Scope } from "./scope.js";
import { waitingOutcome } from "./settle-node.js";

/**
 * Settles what LangGraph left: nodes behind an approval wait for it, and when a part of the run was stopped (and is to
 * be tried again by a resumed run), everything else goes on without being kept.
 */
export async function settleRest(scope: Scope): Promise<void> {
  const { execution, ledger, spec } = scope;
  const left = orderOf(spec).topological.filter((name) => ledger.outcomes[name] === undefined);
  if (left.length === 0) return;
  const told = execution.outcomes();
  // A planner settles its nodes itself, past the ledger.
  if (left.every((name) => told[name] !== undefined)) return;
  if (execution.questions.length === 0) {
    // A planner run settles its nodes itself.
    if (isPlanned(execution.topology)) return;
    execution.stopKeeping();
    await execution.settleDag(scope);
    return;
  }
  for (const name of left) {
    if (told[name] !== undefined) continue;
    execution.emit({
      type: "node-settled",
      node: name,
      item: null,
      invocation: null,
      outcome: waitingOutcome,
      atMs: execution.nowMs(),
    });
  }
}
