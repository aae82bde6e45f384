/** The names of the topologies, the default first. */
export const topologyNames = ["deterministic", "sequential", "dataflow", "planned", "planned-dag"] as const;

/** Name of a topology. */
export type Topology = (typeof topologyNames)[number];

/** What `run` and `compile` use when nothing else is said. */
export const defaultTopology: Topology = "deterministic";
