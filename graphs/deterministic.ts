import { END, START } from "@langchain/langgraph";
import { orderOf } from "../src/spec/order.js";
import type { DagSpec } from "../src/spec/shape.js";
import { specNode } from "./spec-node.js";
import { type GraphOptions, stateGraph } from "./state.js";

/**
 * One LangGraph node a spec node: nodes without needs branch off START, list-form edges merge them. Every node settles,
 * so a list-form edge always fires.
 */
export function deterministicGraph(spec: DagSpec, options: GraphOptions = {}) {
  const { topological, needs, sinks } = orderOf(spec);
  const graph = stateGraph(spec, options);
  for (const name of topological) graph.addNode(name, specNode(spec, name));
  for (const name of topological) {
    const [first, ...others] = needs.get(name) ?? [];
    if (first === undefined) graph.addEdge(START, name);
    else if (others.length === 0) graph.addEdge(first, name);
    else graph.addEdge([first, ...others], name);
  }
  for (const name of sinks) graph.addEdge(name, END);
  return graph;
}
