import type { BaseCheckpointSaver, CompiledStateGraph } from "@langchain/langgraph";
import { assertRunOptions } from "../nodes/engine/run-option-rules.js";
import type { RunOptions } from "../nodes/engine/run-options.js";
import { isPlanned, mostPlannerIterations } from "../nodes/planner/planner-options.js";
import { assertValid } from "../src/spec/assert-valid.js";
import { orderOf } from "../src/spec/order.js";
import type { DagSpec } from "../src/spec/shape.js";
import { bindScope } from "./binding.js";
import type { DagState, stateOf } from "./state.js";
import { graphOf } from "./topology.js";
import { defaultTopology, type Topology } from "./topology-names.js";

/** What `compile` and `run` are given. */
export interface CompileOptions extends RunOptions {
  /** How the spec is wired. @default "deterministic", for `resume` the one that the run was started in */
  readonly topology?: Topology;
}

type StateDefinition = ReturnType<typeof stateOf>["spec"];

/** A spec as a LangGraph runnable over {@link DagState}. */
export type CompiledDag = CompiledStateGraph<
  DagState,
  Partial<DagState>,
  string,
  StateDefinition,
  StateDefinition
>;

/**
 * Compiles a spec to a LangGraph runnable: `invoke({ input })` gives `{ input, outcomes, output }`; `stream`, `getGraph`
 * and a checkpointer work as in any compiled LangGraph.
 * @throws DagValidationError when the spec or the options are invalid, DagError `TOPOLOGY_UNKNOWN`.
 */
export function compile(spec: DagSpec, options: CompileOptions = {}): CompiledDag {
  assertValid(spec);
  assertRunOptions(spec, options);
  const { topology = defaultTopology, checkpointer } = options;
  return bindScope(bareGraph(spec, topology, checkpointer), spec, topology, options);
}

const graphs = new WeakMap<DagSpec, Map<Topology, CompiledDag>>();

/** The compiled graph of a spec for callers that bring their own scope; without a checkpointer it is compiled once. */
export function graphFor(spec: DagSpec, topology: Topology, checkpointer?: BaseCheckpointSaver): CompiledDag {
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

function bareGraph(spec: DagSpec, topology: Topology, checkpointer?: BaseCheckpointSaver): CompiledDag {
  const kept = checkpointer !== undefined;
  const compiled = graphOf(spec, topology, { kept }).compile({
    name: spec.name,
    ...(checkpointer !== undefined && { checkpointer }),
  });
  compiled.config = { ...compiled.config, recursionLimit: mostSupersteps(spec, topology) };
  return compiled as unknown as CompiledDag;
}

/** A superstep for each node, or for each step of a planner that uses all it may, is the most a run can take. */
function mostSupersteps(spec: DagSpec, topology: Topology): number {
  const startAndEnd = 10;
  if (!isPlanned(topology)) return orderOf(spec).topological.length + startAndEnd;
  return 3 * mostPlannerIterations + startAndEnd;
}
