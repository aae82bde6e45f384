import { END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";
import { newTalk, type PlannedTalk, takeTurn } from "../nodes/planner/planner.js";
import { answerCalls, outcomesSoFar } from "../nodes/planner/planner-tools.js";
import type { DagSpec } from "../src/spec/shape.js";
import {
  finish,
  openSession,
  type PlannerState,
  plannerStateOf,
  storeOf,
  withCalls,
} from "./planned-state.js";
import type { GraphOptions } from "./state.js";

/**
 * A planner whose tools are the nodes: planner → tools → planner, and END when it answers. Calls start while the
 * planner's message streams; the tools node waits for them.
 */
export function plannedGraph(spec: DagSpec, options: GraphOptions) {
  type State = PlannerState<PlannedTalk>;
  const planner = async (state: State, config: LangGraphRunnableConfig): Promise<Partial<State>> => {
    const session = await openSession(spec, state, config);
    const step = await takeTurn(session, state.talk);
    if ("talk" in step) return withCalls(session, { talk: step.talk });
    return finish(session, step.ending, { ...state.talk, pending: [] });
  };
  const tools = async (state: State, config: LangGraphRunnableConfig): Promise<Partial<State>> => {
    const session = await openSession(spec, state, config);
    const talk = await answerCalls(session, state.talk, state.outcomes, storeOf(session, config));
    return withCalls(session, { talk, outcomes: outcomesSoFar(session) });
  };
  return new StateGraph(plannerStateOf(spec, newTalk, options) as any)
    .addNode("planner", planner as any)
    .addNode("tools", tools as any)
    .addEdge(START, "planner")
    .addConditionalEdges(
      "planner",
      (state: any) => ((state as State).talk.pending.length > 0 ? "tools" : END),
      {
        tools: "tools",
        [END]: END,
      },
    )
    .addEdge("tools", "planner");
}
