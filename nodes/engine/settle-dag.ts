import { orderOf } from "../../src/spec/order.js";
import { mergedBubbles } from "./bubbles.js";
import type { Scope } from "./scope.js";
import { settleNode } from "./settle-node.js";

/**
 * When the nodes of a DAG start: one after another, layer by layer as in LangGraph's supersteps, or each as soon as its
 * own join is decided.
 */
export type Pace = "one-by-one" | "supersteps" | "dataflow";

/** The pace of the DAGs inside a run of that topology. */
export function paceOf(topology: string): Pace {
  if (topology === "sequential") return "one-by-one";
  return topology === "dataflow" ? "dataflow" : "supersteps";
}

/**
 * Settles every node of an open scope. All nodes of a stage are begun in topological order, whatever the order in which
 * they can start: with a checkpointer that order is what names their results.
 * @throws GraphInterrupt when nodes wait for an answer, after everything that does not wait for them has settled.
 */
export async function settleDag(scope: Scope, pace: Pace): Promise<void> {
  for (const stage of stagesOf(scope, pace)) {
    const bubbled: unknown[] = [];
    await Promise.all(
      stage.map((name) => settleNode(scope, name).catch((error: unknown) => void bubbled.push(error))),
    );
    if (bubbled.length > 0) throw mergedBubbles(bubbled);
  }
}

function stagesOf(scope: Scope, pace: Pace): readonly (readonly string[])[] {
  const { topological, layers } = orderOf(scope.spec);
  if (pace === "supersteps") return layers;
  return pace === "dataflow" ? [topological] : topological.map((name) => [name]);
}
