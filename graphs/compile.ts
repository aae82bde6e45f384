import { defaultMaxIterations } from "../nodes/planner.js";
import { isPlanned } from "../nodes/planner-options.js";
import { defaultMaxReplans } from "../nodes/planner-plan.js";
import { assertRunOptions } from "../nodes/run-option-rules.js";
import type { RunOptions } from "../nodes/run-options.js";
import { assertValid } from "../src/spec/assert-valid.js";
import { orderOf } from "../src/spec/order.js";
import type { DagSpec } from "../src/spec/shape.js";
import { bindScope } from "./binding.js";
import { graphOf } from "./topology.js";
import { defaultTopology, type Topology } from "./topology-names.js";

/** What `compile` and `run` are given. */
export interface CompileOptions extends RunOptions {
  /** How the spec is wired. @default "deterministic" */
  readonly topology?: Topology;
}

/**
 * Compiles a spec to a LangGraph runnable: `invoke({ input })` gives `{ input, outcomes, output }`; `stream`, `getGraph`
 * and a checkpointer work as in any compiled LangGraph.
 * @throws DagValidationError when the spec or the options are invalid, DagError `TOPOLOGY_UNKNOWN`.
 */
export function compile(spec: DagSpec, options: CompileOptions = {}) {
  assertValid(spec);
  assertRunOptions(spec, options);
  const { topology = defaultTopology, checkpointer } = options;
  const compiled = graphOf(spec, topology).compile({
    name: spec.name,
    ...(checkpointer !== undefined && { checkpointer }),
  });
  compiled.config = { ...compiled.config, recursionLimit: mostSupersteps(spec, topology, options) };
  return bindScope(compiled, spec, topology, options);
}

/** A superstep for each node, or for each step of the planner, is the most a run can take; START and END add theirs. */
function mostSupersteps(spec: DagSpec, topology: Topology, { planner = {} }: CompileOptions): number {
  if (!isPlanned(topology)) return orderOf(spec).topological.length + 10;
  const { maxIterations = defaultMaxIterations, maxReplans = defaultMaxReplans } = planner;
  return 3 * Math.max(maxIterations, maxReplans) + 10;
}
