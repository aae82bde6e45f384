import { DagError } from "../src/errors.js";
import type { DagSpec } from "../src/spec/shape.js";
import { deterministicGraph } from "./deterministic.js";
import { plannedGraph } from "./planned.js";
import { plannedDagGraph } from "./planned-dag.js";
import { sequentialGraph } from "./sequential.js";
import { type Topology, topologyNames } from "./topology-names.js";

/** The topologies by name: each turns a spec into a LangGraph that is ready to be compiled. */
const topologies = {
  deterministic: deterministicGraph,
  sequential: sequentialGraph,
  planned: plannedGraph,
  "planned-dag": plannedDagGraph,
} satisfies Record<Topology, (spec: DagSpec) => unknown>;

/**
 * The graph of a spec in a topology.
 * @throws DagError `TOPOLOGY_UNKNOWN`.
 */
export function graphOf(spec: DagSpec, topology: Topology) {
  if (Object.hasOwn(topologies, topology)) return topologies[topology](spec);
  throw new DagError("TOPOLOGY_UNKNOWN", `There is no topology "${String(topology)}".`, {
    hint: `Choose one of: ${topologyNames.join(", ")}.`,
  });
}
