import type { Outcomes } from "../../src/records/outcome.js";
import type { DagSpec } from "../../src/spec/shape.js";
import type { Scope } from "../engine/scope.js";
import { createPendingCalls, type NodeRun, type PendingCalls } from "./planner-calls.js";
import { type Callable, callablesOf } from "./planner-catalogue.js";
import type { PlannerOptions } from "./planner-options.js";
import { goalOf } from "./planner-prompt.js";

/** What the LangGraph nodes of one planner run share while its process lives: calls that are under way. */
export interface PlannerSession {
  readonly scope: Scope;
  readonly spec: DagSpec;
  readonly options: PlannerOptions;
  readonly goal: string;
  readonly callables: ReadonlyMap<string, Callable>;
  readonly pendingCalls: PendingCalls;
  /** Runs by the id of the call that asked for them: a tool call's id, or a plan line's number. */
  readonly runs: Map<string, NodeRun>;
  /** Which plan is being written, from 1. */
  plan: number;
  /** The calls of all plans so far. */
  readonly planned: PlannedRun[];
}

/** A call of a plan, and the run that it started. */
export interface PlannedRun {
  readonly plan: number;
  /** What was asked, as text. */
  readonly text: string;
  readonly feeds: readonly NodeRun[];
  readonly run: NodeRun;
}

/** The session of a run; a resumed run's begins with the outcomes that were stored. */
export function createSession(scope: Scope, outcomes: Outcomes): PlannerSession {
  const options = scope.run.options.planner ?? {};
  const pendingCalls = createPendingCalls(scope);
  for (const [name, outcome] of Object.entries(outcomes)) pendingCalls.adopt(name, outcome);
  return {
    scope,
    spec: scope.spec,
    options,
    goal: goalOf(scope, options),
    callables: callablesOf(scope.spec, options.toolInput),
    pendingCalls,
    runs: new Map(),
    plan: 0,
    planned: [],
  };
}
