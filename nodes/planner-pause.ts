import { nodeOf } from "../src/spec/order.js";
import { type DagSpec, kindOf } from "../src/spec/shape.js";
import type { PlannerSession } from "./planner-session.js";

/** Whether running a node may come to an approval that has not been answered: its own, a need's, or one of an inner graph. */
export function mayPause({ spec, board }: PlannerSession, name: string): boolean {
  const pauses = (one: string): boolean => {
    if (board.runsOf(one).some((run) => run.outcome?.state === "completed")) return false;
    return holdsApproval(spec, one) || (nodeOf(spec, one).needs ?? []).some(pauses);
  };
  return pauses(name);
}

function holdsApproval(spec: DagSpec, name: string): boolean {
  const node = nodeOf(spec, name);
  const { dag } = node;
  return (
    kindOf(node) === "approval" ||
    (dag !== undefined && Object.keys(dag.nodes).some((inner) => holdsApproval(dag, inner)))
  );
}
