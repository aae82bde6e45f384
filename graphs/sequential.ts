import { END, START } from "@langchain/langgraph";
import { orderOf } from "../src/spec/order.js";
import type { DagSpec } from "../src/spec/shape.js";
import { specNode } from "./spec-node.js";
import { type GraphOptions, stateGraph } from "./state.js";

/** One LangGraph node a spec node, one after another in topological order. */
export function sequentialGraph(spec: DagSpec, options: GraphOptions = {}) {
  const { topological } = orderOf(spec);
  const graph = stateGraph(spec, options);
  for (const name of topological) graph.addNode(name, specNode(spec, name));
  const stops = [START, ...topological, END];
  for (let i = 1; i < stops.length; i++) graph.addEdge(stops[i - 1] as typeof START, stops[i] as typeof END);
  return graph;
}
