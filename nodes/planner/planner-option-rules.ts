import type { DagIssue } from "../../src/errors.js";
import { validateChoice, validateNumber } from "../../src/spec/bounds.js";
import { isPlainObject, issue, pathTo, showValue, unknownKeys } from "../../src/spec/issue.js";
import { mostPlannerIterations, type PlannerOptions } from "./planner-options.js";

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
