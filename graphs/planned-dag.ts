import { END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";
import { joinResults } from "../nodes/planner/joiner.js";
import type { Ending } from "../nodes/planner/planner-ending.js";
import {
  afterCalls,
  callsToSettle,
  newPlanTalk,
  type PlanTalk,
  writePlan,
} from "../nodes/planner/planner-plan.js";
import type { PlannerSession } from "../nodes/planner/planner-session.js";
import { outcomesSoFar, settleCalls } from "../nodes/planner/planner-tools.js";
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

type State = PlannerState<PlanTalk>;
type Step = { readonly talk: PlanTalk } | { readonly ending: Ending };

/**
 * A planner that writes a DAG of calls, whose calls start while it writes: planner → tools → joiner, then END, or the
 * planner again where the joiner wants another plan.
 */
export function plannedDagGraph(spec: DagSpec, options: GraphOptions) {
  const planner = async (state: State, config: LangGraphRunnableConfig): Promise<Partial<State>> => {
    const session = await openSession(spec, state, config);
    return updateOf(session, state, await writePlan(session, state.talk));
  };
  const tools = async (state: State, config: LangGraphRunnableConfig): Promise<Partial<State>> => {
    const session = await openSession(spec, state, config);
    await settleCalls(session, callsToSettle(session, state.talk), state.outcomes, storeOf(session, config));
    return withCalls(session, {
      talk: afterCalls(session, state.talk),
      outcomes: outcomesSoFar(session),
    });
  };
  const joiner = async (state: State, config: LangGraphRunnableConfig): Promise<Partial<State>> => {
    const session = await openSession(spec, state, config);
    return updateOf(session, state, await joinResults(session, state.talk));
  };
  const next = (state: any) => {
    const { talk } = state as State;
    return talk.next === "end" ? END : talk.next;
  };
  return new StateGraph(plannerStateOf(spec, newPlanTalk, options) as any)
    .addNode("planner", planner as any)
    .addNode("tools", tools as any)
    .addNode("joiner", joiner as any)
    .addEdge(START, "planner")
    .addConditionalEdges("planner", next, { tools: "tools", joiner: "joiner", [END]: END })
    .addEdge("tools", "joiner")
    .addConditionalEdges("joiner", next, { planner: "planner", [END]: END });
}

async function updateOf(session: PlannerSession, state: State, step: Step): Promise<Partial<State>> {
  if ("talk" in step) return withCalls(session, { talk: step.talk });
  return finish(session, step.ending, { ...state.talk, next: "end" as const });
}
