import { orderOf } from "../../src/spec/order.js";
import { settleEverything } from "../planner/planner-ending.js";
import { isPlanned } from "../planner/planner-options.js";
import { sessionOf } from "../planner/planner-session.js";
import type { Scope } from "./scope.js";
import { waitingOutcome } from "./settle-node.js";
import { stopOf } from "./stop.js";

/**
 * Settles what LangGraph left: nodes behind an approval wait for it, and when a part of the run was stopped (and is to
 * be tried again by a resumed run), everything else goes on without being kept. A planner's run ends there.
 */
export async function settleRest(scope: Scope): Promise<void> {
  const { execution, ledger, spec } = scope;
  const left = orderOf(spec).topological.filter((name) => ledger.outcomes[name] === undefined);
  if (left.length === 0) return;
  const told = execution.outcomes();
  // A planner settles its nodes itself, past the ledger.
  if (left.every((name) => told[name] !== undefined)) return;
  if (execution.questions.length === 0) {
    if (isPlanned(execution.topology)) {
      const stop = scope.stopper.reason ?? execution.budgetStop;
      if (stop === undefined) return;
      const stopped = { stopped: stopOf(stop), startedAtMs: execution.nowMs() };
      await settleEverything(sessionOf(scope, {}), stopped);
      return;
    }
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
