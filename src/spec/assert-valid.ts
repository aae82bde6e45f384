import { DagValidationError } from "../errors.js";
import { isObject } from "./issue.js";
import type { DagSpec } from "./shape.js";
import { validate } from "./validate.js";

const known = new WeakSet<object>();

/**
 * Asserts that a spec is valid. A frozen spec, as `defineDag` and `loadDag` return it, is checked once.
 * @throws DagValidationError carrying every issue.
 */
export function assertValid(spec: DagSpec): void {
  if (known.has(spec)) return;
  const issues = validate(spec);
  if (issues.length > 0) throw new DagValidationError(calledDag(spec), issues);
  if (Object.isFrozen(spec)) known.add(spec);
}

/** What messages call a spec, whatever was given for one. */
export function calledDag(spec: unknown): string {
  try {
    return isObject(spec) && typeof spec.name === "string" ? `The DAG "${spec.name}"` : "The DAG";
  } catch {
    return "The DAG";
  }
}
