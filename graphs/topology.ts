import { DagError } from "../src/errors.js";
import type { DagSpec } from "../src/spec/shape.js";
import { dataflowGraph } from "./dataflow.js";
import { deterministicGraph } from "./deterministic.js";
import { plannedGraph } from "./planned.js";
import { plannedDagGraph } from "./planned-dag.js";
import { sequentialGraph } from "./sequential.js";
import type { GraphOptions } from "./state.js";
import { type Topology, topologyNames } from "./topology-names.js";

/** The topologies by name: each turns a spec into a LangGraph that is ready to be compiled. */
const topologies = {
  deterministic: deterministicGraph,
  sequential: sequentialGraph,
  dataflow: dataflowGraph,
  planned: plannedGraph,
  "planned-dag": plannedDagGraph,
} satisfies Record<Topology, (spec: DagSpec, options: GraphOptions) => unknown>;

/**
 * The graph of a spec in a topology.
 * @throws DagError `TOPOLOGY_UNKNOWN`.
 */
export function graphOf(spec: DagSpec, topology: Topology, options: GraphOptions = {}) {
  if (Object.hasOwn(topologies, topology)) return topologies[topology](spec, options);
  throw new DagError("TOPOLOGY_UNKNOWN", `There is no topology "${String(topology)}".`, {
    hint: `Choose one of: ${topologyNames.join(", ")}.`,
  });
}
