import { nodeOf } from "../../src/spec/order.js";
import { type DagSpec, kindOf } from "../../src/spec/shape.js";
import type { PlannerSession } from "./planner-session.js";

/**
 * Whether a node may be started while the planner still writes. What may come to an approval is left to the tools node,
 * which a resumed run enters again; and where work is kept, so is what is kept in parts (the items of a map, the nodes of
 * a graph), because LangGraph keeps the parts with the step that began them.
 */
export function mayStartEarly({ spec, board, scope }: PlannerSession, name: string): boolean {
  const mustWait = (one: string): boolean => {
    if (board.runsOf(one).some((run) => run.outcome?.state === "completed")) return false;
    if (holdsApproval(spec, one) || (scope.execution.keeps && hasParts(spec, one))) return true;
    return (nodeOf(spec, one).needs ?? []).some(mustWait);
  };
  return !mustWait(name);
}

function hasParts(spec: DagSpec, name: string): boolean {
  const { forEach, dag } = nodeOf(spec, name);
  return forEach !== undefined || dag !== undefined;
}

function holdsApproval(spec: DagSpec, name: string): boolean {
  const node = nodeOf(spec, name);
  const { dag } = node;
  return (
    kindOf(node) === "approval" ||
    (dag !== undefined && Object.keys(dag.nodes).some((inner) => holdsApproval(dag, inner)))
  );
}
