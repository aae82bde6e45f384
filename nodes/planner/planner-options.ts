import type { Model } from "../../src/models/port.js";
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
