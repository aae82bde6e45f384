import { DagError } from "../src/errors.js";
import { checkAgainstAsync } from "../src/spec/schema.js";
import { ctxOf, type Work, type WorkResult } from "./work.js";

/**
 * Runs a function node.
 * @throws DagError `OUTPUT_INVALID` when the value does not fit the node's `output` schema, and whatever it throws itself.
 */
export async function runFunction(work: Work): Promise<WorkResult> {
  const value: unknown = await work.node.run?.(ctxOf(work));
  if (work.node.output === undefined) return { value };
  const checked = await checkAgainstAsync(work.node.output, value);
  if (checked.ok) return { value: checked.value };
  throw new DagError(
    "OUTPUT_INVALID",
    `The function's value does not fit its output schema: ${checked.message}.`,
  );
}
