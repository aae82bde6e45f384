import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { RunRecord } from "../records/record.js";
import type { TypedRecord } from "../records/typed.js";
import type { DagSpec } from "../spec/shape.js";
import { drive } from "./drive.js";
import type { RunDagOptions } from "./run.js";

/** Options of `resume`. */
export interface ResumeOptions extends RunDagOptions {
  /** The checkpointer that the run was started with. */
  readonly checkpointer: BaseCheckpointSaver;
  /** The thread that the run was started under. */
  readonly thread: string;
  /**
   * The answer to the approval that the run waits at: `true` or `{ approve: true }`, `{ approve: false, comment? }`,
   * `{ edit: value }`. Where it waits at several, an object of answers by node name. @default none: it asks again
   */
  readonly answer?: unknown;
}

/**
 * Goes on with the run that a checkpointer holds, after a crash, an abort or at an approval: what had finished is not
 * run again, and the record, its times and its budgets go on where they were.
 * @throws DagError `THREAD_UNKNOWN`, `CHECKPOINT_MISMATCH` when the spec has changed, `ANSWER_INVALID`.
 */
export async function resume<D extends DagSpec>(
  spec: D,
  { answer, ...options }: ResumeOptions,
): Promise<TypedRecord<RunRecord, D>> {
  return (await drive(spec, options, { answer })) as TypedRecord<RunRecord, D>;
}
