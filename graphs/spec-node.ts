import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { parseInput } from "../nodes/scope.js";
import { settleNode } from "../nodes/settle-node.js";
import type { DagSpec } from "../src/spec/shape.js";
import { scopeOf } from "./binding.js";
import { type DagState, updateOf } from "./state.js";

/** One spec node as a LangGraph node of a `StateGraph`. */
export function specNode(spec: DagSpec, name: string) {
  return async (state: DagState, config: LangGraphRunnableConfig): Promise<Partial<DagState>> => {
    const scope = scopeOf(config, spec);
    scope.open(await parsedInput(spec, scope.input, state.input));
    scope.adopt(state.outcomes);
    return updateOf(spec, name, await settleNode(scope, name));
  };
}

async function parsedInput(spec: DagSpec, known: unknown, given: unknown): Promise<unknown> {
  return known === undefined ? parseInput(spec, given) : known;
}
