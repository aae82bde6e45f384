import { DagValidationError } from "../errors.js";
import { fixedData } from "./freeze.js";
import { isObject } from "./issue.js";
import type { DagSpec } from "./shape.js";
import { validate } from "./validate.js";

const known = new WeakSet<object>();

/**
 * A spec as it stands now, checked: a run reads it once, and what its owner changes in it later does not reach the run. A frozen
 * spec, as `defineDag` and `loadDag` return it, is itself, and checked once.
 * @throws DagValidationError carrying every issue.
 */
export function fixedSpec<D extends DagSpec>(spec: D): D {
  if (known.has(spec)) return spec;
  const issues = validate(spec);
  if (issues.length > 0) throw new DagValidationError(calledDag(spec), issues);
  const fixed = fixedData(spec);
  known.add(fixed);
  return fixed;
}

/**
 * Asserts that a spec is valid.
 * @throws DagValidationError carrying every issue.
 */
export function assertValid(spec: DagSpec): void {
  fixedSpec(spec);
}

/** What messages call a spec, whatever was given for one. */
export function calledDag(spec: unknown): string {
  try {
    return isObject(spec) && typeof spec.name === "string" ? `The DAG "${spec.name}"` : "The DAG";
  } catch {
    return "The DAG";
  }
}
