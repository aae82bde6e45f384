import { Annotation, GraphInterrupt, type LangGraphRunnableConfig } from "@langchain/langgraph";
import { fingerprint, keep } from "../nodes/engine/kept.js";
import { parseInput } from "../nodes/engine/scope.js";
import { type Ending, settleEverything } from "../nodes/planner/planner-ending.js";
import { endOrFallBack } from "../nodes/planner/planner-fallback.js";
import { type PlannerSession, sessionOf } from "../nodes/planner/planner-session.js";
import { callsSoFar, type OutcomeStore } from "../nodes/planner/planner-tools.js";
import type { PlannerAnswer } from "../src/records/run-state.js";
import type { DagSpec } from "../src/spec/shape.js";
import { scopeOf } from "./binding.js";
import { quiet } from "./spec-node.js";
import { type DagState, type GraphOptions, stateOf } from "./state.js";

/** The state of a planner topology: what every topology shares, and the planner's own part, which `invoke` leaves out. */
export function plannerStateOf<Talk>(spec: DagSpec, start: Talk, options: GraphOptions) {
  const shared = stateOf(spec, options).spec;
  const talk = Annotation<Talk>({ reducer: (_, after) => after, default: () => start });
  const answer = Annotation<PlannerAnswer | null>({ reducer: (_, after) => after, default: () => null });
  const { input, outcomes, output } = shared;
  return {
    stateSchema: Annotation.Root({ ...shared, talk, answer }),
    output: Annotation.Root({ input, outcomes, output }),
  };
}

/** The state's values, with the planner's part. */
export interface PlannerState<Talk> extends DagState {
  readonly talk: Talk;
}

/** The session of the run that a LangGraph node runs in. */
export async function openSession(
  spec: DagSpec,
  state: DagState,
  config: LangGraphRunnableConfig,
): Promise<PlannerSession> {
  quiet(config);
  const scope = scopeOf(config, spec);
  if (scope.input === undefined) scope.open(await parseInput(spec, state.input));
  return sessionOf(scope, state.outcomes);
}

/** Where a step's outcomes are stored one by one: LangGraph tasks, when there is a checkpointer. */
export function storeOf(
  { scope }: PlannerSession,
  config: LangGraphRunnableConfig,
): OutcomeStore | undefined {
  if (config.configurable?.__pregel_checkpointer === undefined) return undefined;
  const { execution } = scope;
  return async ({ key, name, asked }, body) => {
    const madeFrom = fingerprint(name, asked);
    const kept = await keep({ key, name, callsOf: execution.callsOf, madeFrom: () => madeFrom }, body);
    // Another call in the place of the stored one is made anew.
    return kept.madeFrom === madeFrom ? kept.outcome : body();
  };
}

/**
 * The last step's update: every node settled. What stopped the run from outside is not stored, so that a resumed run goes
 * on from the step before.
 */
export async function finish<Talk>(session: PlannerSession, ending: Ending, talk: Talk) {
  const settled = await settleEverything(session, await endOrFallBack(session, ending));
  if ("stopped" in ending && session.scope.execution.keeps) throw new GraphInterrupt([]);
  return withCalls(session, { talk, ...settled });
}

/** A step's update with the model calls so far, where work is kept. */
export function withCalls<U extends object>(session: PlannerSession, update: U): U {
  return session.scope.execution.keeps ? { ...update, $calls: callsSoFar(session) } : update;
}
