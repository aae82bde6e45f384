import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { parseInput, type Scope } from "../nodes/engine/scope.js";
import type { PlannerSession } from "../nodes/planner/planner-session.js";
import { DagError } from "../src/errors.js";
import { heardByMany } from "../src/models/abortable.js";
import type { DagSpec } from "../src/spec/shape.js";

/** One invocation of a compiled graph: what its LangGraph nodes share while its process lives. */
export interface Invocation {
  readonly scope: Scope;
  /** Whether the caller wants to see each node's update as it comes. */
  readonly streamsUpdates: boolean;
  /** Of a planner topology, once its first node has been entered. */
  session?: PlannerSession;
}

const key = "__agent_dag_invocation";

/** A config that carries an invocation to the graph's nodes. */
export function withInvocation<C extends { configurable?: Record<string, any> }>(
  config: C,
  invocation: Invocation,
): C {
  return { ...config, configurable: { ...config.configurable, [key]: invocation } };
}

/**
 * The invocation that a LangGraph node runs in, its scope open.
 * @throws DagError `SCOPE_MISSING` outside a graph that `compile` returned.
 */
export async function invocationIn(
  config: LangGraphRunnableConfig,
  spec: DagSpec,
  input: unknown,
): Promise<Invocation> {
  // Hundreds of nodes listen to LangGraph's one signal, rightly.
  if (config.signal !== undefined) heardByMany(config.signal);
  const invocation = config.configurable?.[key] as Invocation | undefined;
  if (invocation?.scope.spec !== spec) {
    throw new DagError("SCOPE_MISSING", `A node of "${spec.name}" was invoked outside its graph.`, {
      hint: "Invoke the graph that `compile` returned.",
    });
  }
  if (!invocation.scope.isOpen) invocation.scope.open(await parseInput(spec, input));
  return invocation;
}
