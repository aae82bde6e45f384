import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { RunOptions } from "../nodes/run-options.js";
import { assertValid } from "../src/spec/assert-valid.js";
import { orderOf } from "../src/spec/order.js";
import type { DagSpec } from "../src/spec/shape.js";
import { bindScope } from "./binding.js";
import { graphOf } from "./topology.js";
import { defaultTopology, type Topology } from "./topology-names.js";

/** What `compile` and `run` are given. */
export interface CompileOptions extends RunOptions {
  /** How the spec is wired. @default "deterministic", for `resume` the one that the run was started in */
  readonly topology?: Topology;
}

/**
 * Compiles a spec to a LangGraph runnable: `invoke({ input })` gives `{ input, outcomes, output }`; `stream`, `getGraph`
 * and a checkpointer work as in any compiled LangGraph.
 * @throws DagValidationError when the spec is invalid, DagError `TOPOLOGY_UNKNOWN`.
 */
export function compile(spec: DagSpec, options: CompileOptions = {}) {
  assertValid(spec);
  const { topology = defaultTopology, checkpointer } = options;
  return bindScope(bareGraph(spec, topology, checkpointer), spec, topology, options);
}

const graphs = new WeakMap<DagSpec, Map<Topology, ReturnType<typeof bareGraph>>>();

/** The compiled graph of a spec for callers that bring their own scope; without a checkpointer it is compiled once. */
export function graphFor(spec: DagSpec, topology: Topology, checkpointer?: BaseCheckpointSaver) {
  if (checkpointer !== undefined || !Object.isFrozen(spec)) return bareGraph(spec, topology, checkpointer);
  let known = graphs.get(spec);
  if (known === undefined) {
    known = new Map();
    graphs.set(spec, known);
  }
  let graph = known.get(topology);
  if (graph === undefined) {
    graph = bareGraph(spec, topology);
    known.set(topology, graph);
  }
  return graph;
}

function bareGraph(spec: DagSpec, topology: Topology, checkpointer?: BaseCheckpointSaver) {
  const kept = checkpointer !== undefined;
  const compiled = graphOf(spec, topology, { kept }).compile({
    name: spec.name,
    ...(checkpointer !== undefined && { checkpointer }),
  });
  // A superstep for each node is the most a spec can take; START and END add theirs.
  compiled.config = { ...compiled.config, recursionLimit: orderOf(spec).topological.length + 10 };
  return compiled;
}
