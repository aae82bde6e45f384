import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { TopologyTraits } from "../nodes/engine/run-context.js";
import type { DagSpec } from "../src/spec/shape.js";
import type { Invocation } from "./invocation.js";
import type { PrivateGraph } from "./langgraph/private-names.js";

/** How a graph of a topology is compiled. */
export interface WiringOptions {
  readonly name: string;
  readonly checkpointer?: BaseCheckpointSaver;
}

/** One way of wiring a spec as a LangGraph. */
export interface TopologyWiring extends TopologyTraits {
  readonly name: Topology;
  /** The compiled LangGraph. */
  wire(spec: DagSpec, options: WiringOptions): PrivateGraph;
  /** Most supersteps that a run can take. */
  mostSupersteps(spec: DagSpec): number;
  /** Settles what LangGraph left when it stopped at a question, or because the run was cancelled. */
  settleLeft(invocation: Invocation): Promise<void>;
}

/** The names of the topologies, the default first. */
export const topologyNames = ["deterministic", "sequential", "dataflow", "planned", "planned-dag"] as const;

/** Name of a topology. */
export type Topology = (typeof topologyNames)[number];

/** What `run` and `compile` use when nothing else is said. */
export const defaultTopology: Topology = "deterministic";
