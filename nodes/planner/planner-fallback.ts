import { orderOf } from "../../src/spec/order.js";
import type { Ending } from "./planner-ending.js";
import type { PlannerSession } from "./planner-session.js";

/**
 * The ending of a planner run; where the planner found no answer and `fallback` is set, every node is run as declared
 * first, and what completed before is kept.
 */
export async function endOrFallBack(session: PlannerSession, ending: Ending): Promise<Ending> {
  const { options, board, spec, scope } = session;
  if (!("error" in ending) || options.fallback !== "deterministic" || scope.stopper.reason !== undefined)
    return ending;
  await Promise.all(orderOf(spec).topological.map((name) => board.pull(name).done));
  return { nodes: true };
}
