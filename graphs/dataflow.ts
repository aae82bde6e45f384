import {
  type BaseCheckpointSaver,
  entrypoint,
  GraphInterrupt,
  type LangGraphRunnableConfig,
  type Pregel,
} from "@langchain/langgraph";
import { isFinal } from "../nodes/engine/kept.js";
import { parseInput, type Scope } from "../nodes/engine/scope.js";
import { settleDag } from "../nodes/engine/settle-dag.js";
import type { Outcome } from "../src/records/outcome.js";
import { projectDag } from "../src/records/projection.js";
import { outputOf } from "../src/records/run-state.js";
import type { DagSpec } from "../src/spec/shape.js";
import { scopeOf } from "./binding.js";
import { deterministicGraph } from "./deterministic.js";
import { quiet } from "./spec-node.js";
import type { DagState } from "./state.js";

/**
 * One LangGraph entrypoint in which each node starts the moment its own join is decided: no superstep barrier. With a
 * checkpointer, or when updates are streamed, each node is a LangGraph task; else a plain promise.
 */
export function dataflowGraph(spec: DagSpec) {
  return {
    compile({ name, checkpointer }: { name: string; checkpointer?: BaseCheckpointSaver }) {
      const graph = entrypoint(
        { name, ...(checkpointer !== undefined && { checkpointer }) },
        async (given: DagState, config: LangGraphRunnableConfig) => {
          quiet(config);
          const scope = scopeOf(config, spec);
          if (scope.input === undefined) scope.open(await parseInput(spec, given.input));
          await settleDag(scope, "dataflow");
          // What was stopped from outside is for a resumed run to finish, so the body must not count as done.
          if (scope.keeps && !Object.values(scope.ledger.outcomes).every(isFinal))
            throw new GraphInterrupt([]);
          return entrypoint.final({ value: finalState(scope, given.input), save: given.$run ?? null });
        },
      ) as unknown as Pregel<any, any>;
      const drawn = () => deterministicGraph(spec).compile({ name });
      graph.getGraph = (options) => drawn().getGraph(options);
      graph.getGraphAsync = (options) => drawn().getGraphAsync(options);
      return graph;
    },
  };
}

function finalState({ spec, ledger }: Scope, input: unknown): DagState {
  const outcomes: Record<string, Outcome> = {};
  for (const name in spec.nodes) {
    const outcome = ledger.outcomes[name];
    if (outcome !== undefined) outcomes[name] = outcome;
  }
  return { input, outcomes, output: outputOf(projectDag(spec), outcomes).output };
}
