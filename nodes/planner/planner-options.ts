import type { DagIssue } from "../../src/errors.js";
import type { Model } from "../../src/models/port.js";
import { validateChoice, validateNumber } from "../../src/spec/bounds.js";
import { isPlainObject, issue, pathTo, showValue, unknownKeys } from "../../src/spec/issue.js";
import type { ModelLike } from "../../src/spec/shape.js";

/** How the planner of a planner topology works. */
export interface PlannerOptions {
  /** What the planner is to reach. @default the output node's instructions */
  readonly goal?: string;
  /** The planner's (and joiner's) own model. @default as for an agent without one */
  readonly model?: ModelLike | Model;
  /** Most messages that the planner may write in topology `planned`; an integer from 1 to 100. @default 10 */
  readonly maxIterations?: number;
  /** Whether the planner may call several nodes in one message. @default true */
  readonly parallelToolCalls?: boolean;
  /** Where specialists read the input: from shared state, or from an argument that the planner writes. @default "state" */
  readonly toolInput?: "state" | "argument";
  /** Most times that a plan may be replaced in topology `planned-dag`; an integer from 0 to 20. @default 2 */
  readonly maxReplans?: number;
  /**
   * Most calls that a run's plans may have together, replaced plans included, in topology `planned-dag`; an integer from 1 to
   * 1,000. A line that repeats one of an earlier plan is not made again. @default 200
   */
  readonly maxCalls?: number;
  /** What runs when no valid plan was found. @default none: the run fails */
  readonly fallback?: "deterministic";
}

/** What {@link PlannerOptions.maxCalls} is when nothing is said. */
export const defaultMaxCalls = 200;

/** The upper bound of `maxIterations`. */
export const mostPlannerIterations = 100;

const known: Readonly<Record<keyof PlannerOptions, true>> = {
  goal: true,
  model: true,
  maxIterations: true,
  parallelToolCalls: true,
  toolInput: true,
  maxReplans: true,
  maxCalls: true,
  fallback: true,
};

/** Every issue of a run's `planner` options. Takes any value and never throws. */
export function validatePlanner(planner: unknown, path: string): DagIssue[] {
  if (planner === undefined) return [];
  if (!isPlainObject(planner)) {
    const message = `It has to be an object of options, but is ${showValue(planner)}.`;
    return [issue("bad-value", path, message, 'Write { goal: "…" }.')];
  }
  const at = (key: string) => pathTo(path, key);
  const { goal, parallelToolCalls, maxIterations, maxReplans } = planner;
  const issues = [
    ...unknownKeys(planner, Object.keys(known), path),
    ...validateNumber(maxIterations, at("maxIterations"), {
      min: 1,
      max: mostPlannerIterations,
      integer: true,
    }),
    ...validateNumber(planner.maxCalls, at("maxCalls"), { min: 1, max: 1000, integer: true }),
    ...validateNumber(maxReplans, at("maxReplans"), { min: 0, max: 20, integer: true }),
    ...validateChoice(planner.toolInput, at("toolInput"), ["state", "argument"]),
    ...validateChoice(planner.fallback, at("fallback"), ["deterministic"]),
  ];
  if (goal !== undefined && (typeof goal !== "string" || goal.trim() === "")) {
    issues.push(
      issue("bad-value", at("goal"), `The goal is ${showValue(goal)}.`, "Say what to reach, as text."),
    );
  }
  if (parallelToolCalls !== undefined && typeof parallelToolCalls !== "boolean") {
    const message = `It is ${showValue(parallelToolCalls)}.`;
    issues.push(issue("bad-value", at("parallelToolCalls"), message, "Write true or false."));
  }
  return issues;
}
