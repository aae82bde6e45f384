import type { RunEvent } from "../records/events.js";
import type { RunRecord } from "../records/record.js";
import type { TypedRecord } from "../records/typed.js";
import type { DagSpec } from "../spec/shape.js";
import type { InputOf } from "../spec/values.js";
import { type RunDagOptions, run } from "./run.js";

/** The events of a run as they happen, and its record. The run goes on whether or not the events are read. */
export type RunStream<Record = RunRecord> = AsyncIterable<RunEvent> & { readonly record: Promise<Record> };

/** Runs a spec like `run` and hands out its events. Iteration throws what `run` throws. */
export function stream<D extends DagSpec>(
  spec: D,
  input: NoInfer<InputOf<D>>,
  options: RunDagOptions = {},
): RunStream<TypedRecord<RunRecord, D>> {
  const events: RunEvent[] = [];
  let wake: (() => void) | undefined;
  let done = false;
  const record = run(spec, input, {
    ...options,
    onEvent(event) {
      events.push(event);
      wake?.();
      options.onEvent?.(event);
    },
  }).finally(() => {
    done = true;
    wake?.();
  });
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
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
  };
}
