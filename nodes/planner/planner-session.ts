import type { Outcomes } from "../../src/records/outcome.js";
import type { DagSpec } from "../../src/spec/shape.js";
import type { Scope } from "../engine/scope.js";
import { type CallBoard, createCallBoard, type NodeRun } from "./planner-calls.js";
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
  readonly board: CallBoard;
  /** Runs by the id of the call that asked for them: a tool call's id, or a plan line's number. */
  readonly runs: Map<string, NodeRun>;
}

const sessions = new WeakMap<Scope, PlannerSession>();

/** The session of a run; a resumed run's begins with the outcomes that were stored. */
export function sessionOf(scope: Scope, outcomes: Outcomes): PlannerSession {
  let session = sessions.get(scope);
  if (session === undefined) {
    const options = scope.execution.options.planner ?? {};
    const board = createCallBoard(scope);
    for (const [name, outcome] of Object.entries(outcomes)) board.adopt(name, outcome);
    session = {
      scope,
      spec: scope.spec,
      options,
      goal: goalOf(scope, options),
      callables: callablesOf(scope.spec, options.toolInput),
      board,
      runs: new Map(),
    };
    sessions.set(scope, session);
  }
  return session;
}
