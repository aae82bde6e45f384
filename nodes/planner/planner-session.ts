import type { Outcomes } from "../../src/records/outcome.js";
import { nodeOf, orderOf } from "../../src/spec/order.js";
import type { DagSpec } from "../../src/spec/shape.js";
import type { Scope } from "../engine/scope.js";
import { instructionsOf } from "../kinds/prompt.js";
import { createPendingCalls, type NodeRun, type PendingCalls } from "./planner-calls.js";
import { type Callable, callablesOf, writtenOutput } from "./planner-catalogue.js";
import type { PlannerOptions } from "./planner-options.js";

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

/** What the planner is to reach: the option, else the output node's instructions. */
function goalOf(scope: Scope, options: PlannerOptions): string {
  if (options.goal !== undefined) return options.goal;
  const written = writtenOutput(scope.spec);
  const goal = written === undefined ? "" : textOfInstructions(scope, written);
  if (goal !== "") return goal;
  const { description } = scope.spec;
  const outputs = orderOf(scope.spec).outputs.join(", ");
  return description ?? `Find out everything that ${outputs} can tell about the input, and sum it up.`;
}

/** The instructions of a node as far as they are known before its needs have values. */
export function textOfInstructions(scope: Scope, name: string): string {
  const node = nodeOf(scope.spec, name);
  const key = { node: name, item: null, invocation: null };
  const needs = Object.fromEntries((node.needs ?? []).map((need) => [need, undefined]));
  try {
    return instructionsOf({
      scope,
      name,
      node,
      key,
      item: undefined,
      needs,
      attempt: 1,
      canceller: scope.canceller,
    });
  } catch {
    // Instructions that read a need's value cannot be known before the need has one.
    return node.description ?? "";
  }
}
