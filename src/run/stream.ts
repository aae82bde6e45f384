import type { RunEvent } from "../records/events.js";
import type { RunRecord } from "../records/record.js";
import type { TypedRecord } from "../records/typed.js";
import { isObject } from "../spec/issue.js";
import type { DagSpec } from "../spec/shape.js";
import type { InputOf, OptionsFor, WithContext } from "../spec/values.js";
import { type ResumeOptions, type RunDagOptions, resume, run } from "./run.js";

/**
 * The events of a run as they happen, and its record. The run goes on whether or not the events are read; each reader,
 * whenever it comes, sees every event from the start.
 */
export type RunStream<Record = RunRecord> = AsyncIterable<RunEvent> & { readonly record: Promise<Record> };

/**
 * Runs a spec like `run`, or, given a checkpointer and a thread in place of the input, goes on with a run like `resume`, and
 * hands out the events; those that are told again from a checkpoint carry `replayed: true`. Iteration throws what they throw.
 */
export function stream<D extends DagSpec>(
  spec: D,
  from: WithContext<ResumeOptions, D>,
): RunStream<TypedRecord<RunRecord, D>>;
export function stream<D extends DagSpec>(
  spec: D,
  input: NoInfer<InputOf<D>>,
  ...options: OptionsFor<RunDagOptions, D>
): RunStream<TypedRecord<RunRecord, D>>;
export function stream<D extends DagSpec>(
  spec: D,
  from: unknown,
  options?: RunDagOptions,
): RunStream<TypedRecord<RunRecord, D>> {
  const events: RunEvent[] = [];
  let done = false;
  let waiting: (() => void)[] = [];
  const wakeAll = () => {
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  const watched = <O extends RunDagOptions>(given: O): O => ({
    ...given,
    onEvent(event: RunEvent) {
      events.push(event);
      wakeAll();
      return given.onEvent?.(event);
    },
  });
  const running =
    options === undefined && isResume(from)
      ? resume<DagSpec>(spec, watched(from))
      : isObject(options ?? {})
        ? run<DagSpec>(spec, from, watched(options ?? {}))
        : run<DagSpec>(spec, from, options);
  const record = running.finally(() => {
    done = true;
    wakeAll();
  }) as Promise<TypedRecord<RunRecord, D>>;
  // Whoever only iterates gets the error from the iteration; it must not count as unhandled.
  record.catch(() => {});
  return {
    record,
    async *[Symbol.asyncIterator]() {
      for (let next = 0; ; ) {
        const event = events[next];
        if (event !== undefined) {
          next++;
          yield event;
        } else if (done) {
          await record;
          return;
        } else {
          await new Promise<void>((resolve) => waiting.push(resolve));
        }
      }
    },
  };
}

/** Whether what stands in the place of the input says where a run is persisted. */
function isResume(from: unknown): from is ResumeOptions {
  if (typeof from !== "object" || from === null || !("checkpointer" in from) || !("thread" in from))
    return false;
  const { checkpointer, thread } = from;
  return (
    typeof thread === "string" &&
    typeof checkpointer === "object" &&
    checkpointer !== null &&
    "getTuple" in checkpointer
  );
}
