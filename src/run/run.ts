import type { CompileOptions } from "../../graphs/compile.js";
import type { RunRecord } from "../records/record.js";
import type { TypedRecord } from "../records/typed.js";
import type { DagSpec } from "../spec/shape.js";
import type { InputOf } from "../spec/values.js";
import { drive } from "./drive.js";

/** Options of `run`. */
export type RunDagOptions = CompileOptions;

/**
 * Runs a spec on an input and records what happened. Failures of nodes are in the record, not thrown.
 * @throws DagValidationError when the spec or the options are invalid, DagError `INPUT_INVALID` when the input does not fit, and what
 * resolving a model throws (`MODEL_KEY_MISSING`, `MODEL_PROVIDER_MISSING`, …), all before anything is run.
 */
export async function run<D extends DagSpec>(
  spec: D,
  input: NoInfer<InputOf<D>>,
  options: RunDagOptions = {},
): Promise<TypedRecord<RunRecord, D>> {
  return (await drive(spec, options, { input })) as TypedRecord<RunRecord, D>;
}
