import { entrypoint, GraphInterrupt, type LangGraphRunnableConfig, task } from "@langchain/langgraph";
import { isFinal } from "../nodes/engine/journal.js";
import type { Scope } from "../nodes/engine/scope.js";
import { settleDag, settleLeft } from "../nodes/engine/settle-dag.js";
import { settleNode } from "../nodes/engine/settle-node.js";
import type { Outcome } from "../src/records/outcome.js";
import { projectDag } from "../src/records/projection.js";
import { outputOf } from "../src/records/run-state.js";
import { orderOf } from "../src/spec/order.js";
import { invocationIn } from "./invocation.js";
import type { PrivateGraph } from "./langgraph/private-names.js";
import { stopLangGraph } from "./langgraph/stop.js";
import type { DagState } from "./state.js";
import { deterministicGraph } from "./state-graphs.js";
import type { TopologyWiring } from "./topology.js";

/**
 * One LangGraph entrypoint in which each node starts the moment its own join is decided: no superstep barrier. Where updates
 * are streamed, each node is a LangGraph task, because LangGraph shows the updates of tasks only.
 */
export const dataflow: TopologyWiring = {
  name: "dataflow",
  pace: "dataflow",
  planned: false,
  wire(spec, { name, checkpointer }) {
    const graph = entrypoint(
      { name, ...(checkpointer !== undefined && { checkpointer }) },
      async (given: DagState, config: LangGraphRunnableConfig) => {
        const { scope, streamsUpdates } = await invocationIn(config, spec, given.input);
        if (streamsUpdates) await settleAsTasks(scope);
        else await settleDag(scope);
        const { journal } = scope.run;
        // What was cancelled from outside is for a resumed run to finish, so the body must not count as done.
        const isWhole = Object.keys(spec.nodes).every((node) => {
          const outcome = scope.frontier.outcomes[node];
          return outcome !== undefined && isFinal(outcome);
        });
        if (journal.active && !isWhole) throw stopLangGraph(scope);
        return entrypoint.final({ value: finalState(scope, given.input), save: given.$run ?? null });
      },
    ) as unknown as PrivateGraph & Record<"getGraph" | "getGraphAsync", unknown>;
    const drawn = () => deterministicGraph(spec, false).compile({ name });
    graph.getGraph = (options: any) => drawn().getGraph(options);
    graph.getGraphAsync = (options: any) => drawn().getGraphAsync(options);
    return graph;
  },
  mostSupersteps: () => 25,
  settleLeft: ({ scope }) => settleLeft(scope),
};

async function settleAsTasks(scope: Scope): Promise<void> {
  const settle = async (name: string) => {
    const outcome = await settleNode(scope, name);
    if (scope.run.journal.active && !isFinal(outcome)) throw stopLangGraph(scope, name);
    return outcome;
  };
  const running = orderOf(scope.spec).topological.map((name) => task(name, () => settle(name))());
  for (const one of await Promise.allSettled(running)) {
    if (one.status === "rejected" && !(one.reason instanceof GraphInterrupt)) throw one.reason;
  }
}

function finalState({ spec, frontier }: Scope, input: unknown): DagState {
  const outcomes: Record<string, Outcome> = {};
  for (const name in spec.nodes) {
    const outcome = frontier.outcomes[name];
    if (outcome !== undefined) outcomes[name] = outcome;
  }
  return { input, outcomes, output: outputOf(projectDag(spec), outcomes).output };
}
