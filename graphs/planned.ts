import { Annotation, END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";
import { cancelOf } from "../nodes/engine/cancel.js";
import type { Scope } from "../nodes/engine/scope.js";
import { joinResults } from "../nodes/planner/joiner.js";
import { answerCalls, newTalk, type PlannedTalk, takeTurn } from "../nodes/planner/planner.js";
import { type Ending, endOrFallBack, settleEverything } from "../nodes/planner/planner-ending.js";
import { mostPlannerIterations } from "../nodes/planner/planner-options.js";
import {
  afterCalls,
  callsToSettle,
  newPlanTalk,
  type PlanTalk,
  writePlan,
} from "../nodes/planner/planner-plan.js";
import {
  createSession,
  outcomesSoFar,
  type PlannerSession,
  settleCalls,
} from "../nodes/planner/planner-session.js";
import type { PlannerAnswer } from "../src/records/run-state.js";
import type { DagSpec } from "../src/spec/shape.js";
import { type Invocation, invocationIn } from "./invocation.js";
import { lightSteps } from "./langgraph/light-steps.js";
import type { PrivateStateGraph } from "./langgraph/private-names.js";
import { stopLangGraph } from "./langgraph/stop.js";
import { type DagState, stateOf } from "./state.js";
import type { TopologyWiring } from "./topology.js";

/** The state of a planner topology: what every topology shares, and the planner's own part, which `invoke` leaves out. */
interface PlannerState<Talk> extends DagState {
  readonly talk: Talk | null;
  readonly answer: PlannerAnswer | null;
}

type Update<Talk> = Partial<PlannerState<Talk>>;
type Body<Talk> = (session: PlannerSession, talk: Talk, scope: Scope) => Promise<Update<Talk>>;

/** A planner topology's graph: its nodes by name, the planner first, wired by the caller. */
function plannerGraph<Talk>(
  spec: DagSpec,
  start: Talk,
  persisted: boolean,
  bodies: Readonly<Record<string, Body<Talk>>>,
) {
  const shared = stateOf(spec, persisted).spec;
  const { input, outcomes, output } = shared;
  const latest = <V>() => Annotation<V | null>({ reducer: (_, after) => after, default: () => null });
  const schemas = {
    stateSchema: Annotation.Root({ ...shared, talk: latest<Talk>(), answer: latest<PlannerAnswer>() }),
    output: Annotation.Root({ input, outcomes, output }),
  };
  // LangGraph's types do not follow a state that is computed.
  const graph = new StateGraph(schemas as never) as unknown as StateGraph<any, any, any, string>;
  for (const [name, body] of Object.entries(bodies)) {
    graph.addNode(name, async (state: PlannerState<Talk>, config: LangGraphRunnableConfig) => {
      const invocation = await invocationIn(config, spec, state.input);
      return body(sessionOf(invocation, state.outcomes), state.talk ?? start, invocation.scope);
    });
  }
  return graph;
}

function sessionOf(invocation: Invocation, outcomes: DagState["outcomes"]): PlannerSession {
  invocation.session ??= createSession(invocation.scope, outcomes);
  return invocation.session;
}

/**
 * The last step's update: every node settled. What cancelled the run from outside is not stored, so that a resumed run goes on
 * from the step before.
 */
async function finish<Talk>(session: PlannerSession, ending: Ending, talk: Talk): Promise<Update<Talk>> {
  const settled = await settleEverything(session, await endOrFallBack(session, ending));
  if ("cancelled" in ending && session.scope.run.journal.active) throw stopLangGraph(session.scope);
  return { talk, ...settled };
}

async function settlePlannerRest({ scope, session }: Invocation): Promise<void> {
  const reason = scope.canceller.reason ?? scope.run.budgetSpent;
  if (reason === undefined || scope.run.questions.open.length > 0) return;
  const told = scope.run.events.outcomes();
  if (Object.keys(scope.spec.nodes).every((name) => told[name] !== undefined)) return;
  const cancelled = { cancelled: cancelOf(reason), startedAtMs: scope.run.events.nowMs() };
  await settleEverything(session ?? createSession(scope, {}), cancelled);
}

const shared = {
  pace: "supersteps" as const,
  planned: true,
  mostSupersteps: () => 3 * mostPlannerIterations + 10,
  settleLeft: settlePlannerRest,
};

/**
 * A planner whose tools are the nodes: planner → tools → planner, and END when it answers. Calls start while the planner's
 * message streams; the tools node waits for them.
 */
export const planned: TopologyWiring = {
  ...shared,
  name: "planned",
  wire(spec, options) {
    const graph = plannerGraph<PlannedTalk>(spec, newTalk, options.checkpointer !== undefined, {
      async planner(session, talk) {
        const step = await takeTurn(session, talk);
        return "talk" in step ? step : finish(session, step.ending, { ...talk, pending: [] });
      },
      async tools(session, talk, scope) {
        const after = await answerCalls(session, talk);
        if (after === null) throw stopLangGraph(scope);
        return { talk: after, outcomes: outcomesSoFar(session) };
      },
    });
    const next = ({ talk }: PlannerState<PlannedTalk>) => (talk?.pending.length ? "tools" : END);
    const wired = graph
      .addEdge(START, "planner")
      .addConditionalEdges("planner", next, { tools: "tools", [END]: END })
      .addEdge("tools", "planner");
    return lightSteps(wired.compile(options) as unknown as PrivateStateGraph);
  },
};

/**
 * A planner that writes a DAG of calls, whose calls start while it writes: planner → tools → joiner, then END, or the planner
 * again where the joiner wants another plan.
 */
export const plannedDag: TopologyWiring = {
  ...shared,
  name: "planned-dag",
  wire(spec, options) {
    type Step = { readonly talk: PlanTalk } | { readonly ending: Ending };
    const updateOf = async (session: PlannerSession, talk: PlanTalk, step: Step) =>
      "talk" in step ? step : finish(session, step.ending, { ...talk, next: "end" as const });
    const graph = plannerGraph<PlanTalk>(spec, newPlanTalk, options.checkpointer !== undefined, {
      async planner(session, talk) {
        return updateOf(session, talk, await writePlan(session, talk));
      },
      async tools(session, talk, scope) {
        if (!(await settleCalls(session, callsToSettle(session, talk)))) throw stopLangGraph(scope);
        return { talk: afterCalls(session, talk), outcomes: outcomesSoFar(session) };
      },
      async joiner(session, talk) {
        return updateOf(session, talk, await joinResults(session, talk));
      },
    });
    const next = ({ talk }: PlannerState<PlanTalk>) =>
      talk === null || talk.next === "end" ? END : talk.next;
    const wired = graph
      .addEdge(START, "planner")
      .addConditionalEdges("planner", next, { tools: "tools", joiner: "joiner", [END]: END })
      .addEdge("tools", "joiner")
      .addConditionalEdges("joiner", next, { planner: "planner", [END]: END });
    return lightSteps(wired.compile(options) as unknown as PrivateStateGraph);
  },
};
