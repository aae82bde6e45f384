import { setMaxListeners } from "node:events";
import { GraphInterrupt, type LangGraphRunnableConfig } from "@langchain/langgraph";
import { isFinal } from "../nodes/engine/kept.js";
import { parseInput } from "../nodes/engine/scope.js";
import { adoptOutcomes, settleNode } from "../nodes/engine/settle-node.js";
import type { DagSpec } from "../src/spec/shape.js";
import { scopeOf } from "./binding.js";
import { type DagState, updateOf } from "./state.js";

/** One spec node as a LangGraph node of a `StateGraph`. */
export function specNode(spec: DagSpec, name: string) {
  return async (state: DagState, config: LangGraphRunnableConfig): Promise<Partial<DagState>> => {
    quiet(config);
    const scope = scopeOf(config, spec);
    const { execution } = scope;
    if (scope.input === undefined) scope.open(await parseInput(spec, state.input));
    adoptOutcomes(scope, state.outcomes);
    const outcome = await settleNode(scope, name);
    const update = updateOf(spec, name, outcome);
    if (!execution.keeps) return update;
    // Not stored, so that a resumed run has another go at it; the rest of this run is settled without LangGraph.
    if (!isFinal(outcome)) throw new GraphInterrupt([]);
    const calls = execution.callsOf({ node: name, item: null, invocation: null });
    return { ...update, ...(calls.length > 0 && { $calls: { [name]: calls } }) };
  };
}

/** Hundreds of nodes listen to LangGraph's one signal, rightly. */
export function quiet({ signal }: LangGraphRunnableConfig): void {
  if (signal !== undefined) setMaxListeners(0, signal);
}
