import { withScope } from "../../graphs/binding.js";
import { type CompileOptions, compile } from "../../graphs/compile.js";
import { defaultTopology } from "../../graphs/topology-names.js";
import { createExecution } from "../../nodes/execution.js";
import { assertRunOptions } from "../../nodes/run-option-rules.js";
import { createScope, parseInput } from "../../nodes/scope.js";
import { outcomeError } from "../../nodes/settle-work.js";
import type { RunRecord } from "../records/record.js";
import type { TypedRecord } from "../records/typed.js";
import { assertValid } from "../spec/assert-valid.js";
import type { DagSpec } from "../spec/shape.js";
import type { InputOf } from "../spec/values.js";

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
  return (await runLoose(spec, input, options)) as TypedRecord<RunRecord, D>;
}

async function runLoose(spec: DagSpec, input: unknown, options: RunDagOptions): Promise<RunRecord> {
  assertValid(spec);
  assertRunOptions(spec, options);
  const { topology = defaultTopology } = options;
  const parsed = await parseInput(spec, input);
  const graph = compile(spec, options);
  const execution = createExecution(spec, topology, options);
  await execution.resolveModels();
  const scope = createScope(spec, execution);
  execution.begin(input);
  try {
    scope.open(parsed);
    const configurable = options.thread === undefined ? {} : { thread_id: options.thread };
    await graph.invoke({ input }, withScope({ configurable }, scope));
    await execution.callsEnded();
    return execution.end({});
  } catch (error) {
    await execution.callsEnded();
    return execution.end({ error: outcomeError(error) });
  } finally {
    scope.close();
  }
}
