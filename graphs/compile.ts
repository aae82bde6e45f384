import type { BaseCheckpointSaver, CompiledStateGraph } from "@langchain/langgraph";
import { assertRunOptions } from "../nodes/engine/run-option-rules.js";
import type { RunOptions } from "../nodes/engine/run-options.js";
import { DagError } from "../src/errors.js";
import { fixedSpec } from "../src/spec/assert-valid.js";
import type { DagSpec } from "../src/spec/shape.js";
import { dataflow } from "./dataflow.js";
import { bindLifecycle } from "./doors.js";
import { opaqueSaver } from "./langgraph/opaque-saver.js";
import { planned, plannedDag } from "./planned.js";
import type { DagState, stateOf } from "./state.js";
import { deterministic, sequential } from "./state-graphs.js";
import { defaultTopology, type Topology, type TopologyWiring, topologyNames } from "./topology.js";

/** What `compile` and `run` are given. */
export interface CompileOptions extends RunOptions {
  /** How the spec is wired. @default "deterministic", for `resume` the one that the run was started in */
  readonly topology?: Topology;
}

type StateDefinition = ReturnType<typeof stateOf>["spec"];

/** A spec as a LangGraph runnable; its state is `{ input, outcomes, output }`. */
export type CompiledDag = CompiledStateGraph<
  DagState,
  Partial<DagState>,
  string,
  StateDefinition,
  StateDefinition
>;

const topologies: Readonly<Record<Topology, TopologyWiring>> = {
  deterministic,
  sequential,
  dataflow,
  planned,
  "planned-dag": plannedDag,
};

/**
 * The topology of that name.
 * @throws DagError `TOPOLOGY_UNKNOWN`.
 */
export function topologyOf(name: Topology): TopologyWiring {
  if (Object.hasOwn(topologies, name)) return topologies[name];
  throw new DagError("TOPOLOGY_UNKNOWN", `There is no topology "${String(name)}".`, {
    hint: `Choose one of: ${topologyNames.join(", ")}.`,
  });
}

/**
 * Compiles a spec to a LangGraph runnable: `invoke({ input })` gives `{ input, outcomes, output }`; `stream`, `getGraph`
 * and a checkpointer work as in any compiled LangGraph.
 * @throws DagValidationError when the spec or the options are invalid, DagError `TOPOLOGY_UNKNOWN`.
 */
export function compile(given: DagSpec, options: CompileOptions = {}): CompiledDag {
  const spec = fixedSpec(given);
  assertRunOptions(spec, options);
  return wire(spec, topologyOf(options.topology ?? defaultTopology), options);
}

type Compiled = WeakMap<DagSpec, Map<TopologyWiring, CompiledDag>>;

const graphs: Compiled = new WeakMap();
const graphsOn = new WeakMap<BaseCheckpointSaver, Compiled>();

/** The compiled graph of a fixed spec for callers that bring their own options: compiled once for each checkpointer, and without one. */
export function graphFor(spec: DagSpec, name: Topology, checkpointer?: BaseCheckpointSaver): CompiledDag {
  const topology = topologyOf(name);
  const options = checkpointer === undefined ? {} : { checkpointer };
  const compiled = checkpointer === undefined ? graphs : entryOf(graphsOn, checkpointer, () => new WeakMap());
  const known = entryOf(compiled, spec, () => new Map<TopologyWiring, CompiledDag>());
  const graph = known.get(topology) ?? wire(spec, topology, options);
  known.set(topology, graph);
  return graph;
}

function entryOf<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}

function wire(spec: DagSpec, topology: TopologyWiring, options: RunOptions): CompiledDag {
  const { checkpointer } = options;
  const graph = topology.wire(spec, {
    name: spec.name,
    ...(checkpointer !== undefined && { checkpointer: opaqueSaver(checkpointer) }),
  });
  graph.config = { ...graph.config, recursionLimit: topology.mostSupersteps(spec) };
  return bindLifecycle(graph, spec, topology, options) as unknown as CompiledDag;
}
