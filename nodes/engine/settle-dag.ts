import { orderOf } from "../../src/spec/order.js";
import type { Pace } from "./run-context.js";
import type { Scope } from "./scope.js";
import { settleNode } from "./settle-node.js";

/**
 * Settles every node of an open scope that can be settled, at the pace of the run's topology. What waits for an answer is
 * `interrupted`; everything that does not need that answer goes on.
 */
export async function settleDag(scope: Scope): Promise<void> {
  for (const stage of stagesOf(scope, scope.run.topology.pace)) {
    const left = stage.filter((name) => scope.frontier.outcomes[name] === undefined);
    await Promise.all(left.map((name) => settleNode(scope, name)));
  }
}

function stagesOf(scope: Scope, pace: Pace): readonly (readonly string[])[] {
  const { topological, layers } = orderOf(scope.spec);
  if (pace === "supersteps") return layers;
  return pace === "dataflow" ? [topological] : topological.map((name) => [name]);
}

/** Settles what LangGraph left of the run's own DAG: it stops at a question, or when a part of the run was cancelled. */
export async function settleLeft(scope: Scope): Promise<void> {
  const told = scope.run.events.outcomes();
  const { outcomes } = scope.frontier;
  const left = orderOf(scope.spec).topological.filter((name) => outcomes[name] === undefined);
  if (left.some((name) => told[name]?.state !== "interrupted")) await settleDag(scope);
}
