import { END, START } from "@langchain/langgraph";
import { settleLeft } from "../nodes/engine/settle-dag.js";
import { orderOf } from "../src/spec/order.js";
import type { DagSpec } from "../src/spec/shape.js";
import { lightSteps } from "./langgraph/light-steps.js";
import type { PrivateStateGraph } from "./langgraph/private-names.js";
import { specNode, stateGraph } from "./state.js";
import type { TopologyWiring } from "./topology.js";

/** LangGraph's own steps beside those of the nodes. */
const startAndEnd = 10;

/**
 * One LangGraph node a spec node: nodes without needs branch off START, list-form edges merge them. Every node settles,
 * so a list-form edge always fires.
 */
export function deterministicGraph(spec: DagSpec, persisted: boolean) {
  const { topological, needs, sinks } = orderOf(spec);
  const graph = stateGraph(spec, persisted);
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

/** StateGraph: specialists branch off START and merge through the shared state. */
export const deterministic: TopologyWiring = {
  name: "deterministic",
  pace: "supersteps",
  planned: false,
  wire(spec, options) {
    const graph = deterministicGraph(spec, options.checkpointer !== undefined);
    return lightSteps(graph.compile(options) as unknown as PrivateStateGraph);
  },
  mostSupersteps: (spec) => orderOf(spec).topological.length + startAndEnd,
  settleLeft: ({ scope }) => settleLeft(scope),
};

/** StateGraph: one LangGraph node a spec node, one after another in topological order. */
export const sequential: TopologyWiring = {
  ...deterministic,
  name: "sequential",
  pace: "one-by-one",
  wire(spec, options) {
    const { topological } = orderOf(spec);
    const graph = stateGraph(spec, options.checkpointer !== undefined);
    for (const name of topological) graph.addNode(name, specNode(spec, name));
    const stops = [START, ...topological, END];
    for (let i = 1; i < stops.length; i++) {
      graph.addEdge(stops[i - 1] as typeof START, stops[i] as typeof END);
    }
    return lightSteps(graph.compile(options) as unknown as PrivateStateGraph);
  },
};
