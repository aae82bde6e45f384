import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { type CompileOptions, graphFor } from "../../graphs/compile.js";
import { driveThrough } from "../../graphs/doors.js";
import type { Admits } from "../../graphs/lifecycle.js";
import { threadOf, threadUnknown, topologyOfThread } from "../../graphs/thread.js";
import { defaultTopology } from "../../graphs/topology.js";
import { assertRunOptions } from "../../nodes/engine/run-option-rules.js";
import { DagError } from "../errors.js";
import type { RunRecord } from "../records/record.js";
import type { TypedRecord } from "../records/typed.js";
import { fixedSpec } from "../spec/assert-valid.js";
import { assertArgument, isObject } from "../spec/issue.js";
import type { DagSpec } from "../spec/shape.js";
import type { InputOf, OptionsFor, WithContext } from "../spec/values.js";

/** Options of `run`. */
export type RunDagOptions = CompileOptions;

/**
 * Runs a spec on an input and records what happened. Failures of nodes are in the record, not thrown. With a checkpointer, a
 * run whose thread already holds a run of the same spec and input goes on with that one.
 * @throws DagValidationError when the spec or the options are invalid, DagError `INPUT_INVALID`, `INPUT_NOT_JSON` when the
 * input does not fit, `CHECKPOINTER_MISSING` when an approval could never be answered, `THREAD_MISSING`, `THREAD_INVALID`, `THREAD_BUSY`,
 * `CHECKPOINT_MISMATCH`, and what resolving a model throws (`MODEL_KEY_MISSING`, `MODEL_PROVIDER_MISSING`, …), all before
 * anything is run.
 */
export async function run<D extends DagSpec>(
  declared: D,
  input: NoInfer<InputOf<D>>,
  ...[options]: OptionsFor<RunDagOptions, D>
): Promise<TypedRecord<RunRecord, D>> {
  const given: RunDagOptions = options ?? {};
  const spec = drivable(declared, given);
  const graph = graphFor(spec, given.topology ?? defaultTopology, given.checkpointer);
  return driveThrough(graph, given, { kind: "new", input, goesOn: true }) as Promise<
    TypedRecord<RunRecord, D>
  >;
}

/** Options of `resume`. */
export interface ResumeOptions extends RunDagOptions {
  /** The checkpointer that the run was started with. */
  readonly checkpointer: BaseCheckpointSaver;
  /** The thread that the run was started under. */
  readonly thread: string;
  /**
   * The answer to the question that the run waits at: to an approval `true` or `{ approve: true }`, `{ approve: false,
   * comment? }`, `{ edit: value }`, each with `by` where it says who answers; to `interrupt(payload)` any JSON. Where the run
   * waits at several, an object of answers by node name. @default none: it asks again
   */
  readonly answer?: unknown;
  /** Also runs again what failed, timed out or was skipped because of that. @default false */
  readonly retryFailed?: boolean;
}

/**
 * Goes on with the run that a checkpointer holds, after a crash, an abort or at a question: what had finished is not run
 * again, and the record, its times, its calls and its budgets go on where they were.
 * @throws DagError `THREAD_UNKNOWN`, `THREAD_BUSY` while somebody else drives the thread, `CHECKPOINT_MISMATCH` when the spec
 * has changed, `ANSWER_INVALID`, `STORE_FAILED` when the checkpointer cannot be read, and what `run` throws.
 */
export async function resume<D extends DagSpec>(
  declared: D,
  given: WithContext<ResumeOptions, D>,
): Promise<TypedRecord<RunRecord, D>> {
  const { graph, options, start } = await resumption(declared, given as ResumeOptions);
  return driveThrough(graph, options, start) as Promise<TypedRecord<RunRecord, D>>;
}

/** {@link resume} where `admits` lets it: for services, which know of a run what its thread does not hold. */
export async function resumeWhere(
  declared: DagSpec,
  given: ResumeOptions,
  admits: Admits,
): Promise<RunRecord> {
  const { graph, options, start } = await resumption(declared, given);
  return driveThrough(graph, options, { ...start, admits });
}

async function resumption(declared: DagSpec, given: ResumeOptions) {
  assertArgument("resume", isObject(given), [
    "options",
    given,
    "an object with a `checkpointer` and a `thread`",
  ]);
  const { answer, retryFailed = false, ...options } = given;
  const spec = drivable(declared, options);
  const graph = graphFor(spec, options.topology ?? (await topologyFor(options)), options.checkpointer);
  return { graph, options, start: { kind: "go-on", answer, retryFailed } as const };
}

/** The spec as it stands now, where it can be run with these options. */
function drivable(declared: DagSpec, options: CompileOptions): DagSpec {
  const spec = fixedSpec(declared);
  assertRunOptions(spec, options);
  if (options.checkpointer !== undefined) threadOf(options);
  return spec;
}

async function topologyFor(options: CompileOptions) {
  const { checkpointer } = options;
  if (checkpointer === undefined) {
    throw new DagError("CHECKPOINTER_MISSING", "A run can only be resumed from a checkpointer.", {
      hint: "Pass the `checkpointer` that the run was started with.",
    });
  }
  const thread = threadOf(options);
  const topology = await topologyOfThread(checkpointer, thread);
  if (topology === null) throw threadUnknown(thread);
  return topology;
}
