import { DagError } from "../../src/errors.js";
import { checkAgainstAsync } from "../../src/spec/schema.js";
import { ctxOf, type Work, type WorkResult } from "../engine/work.js";

/**
 * Runs a function node.
 * @throws DagError `OUTPUT_INVALID` when the value does not fit the node's `output` schema, and whatever it throws itself.
 */
export function runFunction(work: Work): WorkResult | Promise<WorkResult> {
  const given: unknown = work.node.run?.(ctxOf(work));
  return work.node.output !== undefined || isThenable(given) ? checkedValue(work, given) : { value: given };
}

/**
 * A value held to what its node declares to give.
 * @throws DagError `OUTPUT_INVALID` when it does not fit.
 */
export async function checkedValue({ node }: Work, given: unknown): Promise<WorkResult> {
  const value = await given;
  if (node.output === undefined) return { value };
  const checked = await checkAgainstAsync(node.output, value);
  if (checked.ok) return { value: checked.value };
  const whose = node.tool === undefined ? "function" : "tool";
  throw new DagError(
    "OUTPUT_INVALID",
    `The ${whose}'s value does not fit its output schema: ${checked.message}.`,
  );
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
