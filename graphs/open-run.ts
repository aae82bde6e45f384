import { createExecution, type Execution } from "../nodes/engine/execution.js";
import { fingerprint } from "../nodes/engine/kept.js";
import type { RunOptions } from "../nodes/engine/run-options.js";
import { createScope, type Scope } from "../nodes/engine/scope.js";
import { adoptOutcomes } from "../nodes/engine/settle-node.js";
import { isPlanned } from "../nodes/planner/planner-options.js";
import type { Outcome } from "../src/records/outcome.js";
import { usageOf } from "../src/records/record.js";
import { replayEvents } from "../src/records/replay.js";
import { dagHash } from "../src/spec/canonical.js";
import type { DagSpec } from "../src/spec/shape.js";
import type { RunStamp } from "./state.js";
import type { Thread } from "./thread.js";

/** A run that is ready to be begun. */
export interface OpenRun {
  readonly execution: Execution;
  readonly scope: Scope;
  /**
   * Emits `run-started`, and what an earlier part of the run did; enters its outcomes. Gives what a checkpointer keeps of
   * the run, `null` without one.
   */
  begin(input: unknown): RunStamp | null;
}

/** Creates a run's execution and scope; `earlier` is what a checkpointer holds of it. */
export function openRun(
  spec: DagSpec,
  topology: string,
  options: RunOptions,
  { keeps, earlier }: { readonly keeps: boolean; readonly earlier: Thread | null },
): OpenRun {
  const replay = replayEvents(earlier?.done ?? []);
  const execution = createExecution(spec, topology, options, {
    keeps,
    earlier:
      earlier === null
        ? undefined
        : {
            id: earlier.stamp.id,
            startedAt: earlier.stamp.startedAt,
            elapsedMs: replay.at(-1)?.atMs ?? 0,
            lastCall: lastCall(earlier),
            used: usageOf(replay.flatMap((event) => (event.type === "call-ended" ? [event.call] : []))),
          },
  });
  const scope = createScope(spec, execution, { keeps: topology === "dataflow" });
  return {
    execution,
    scope,
    begin(input) {
      const { id, startedAt } = execution.begin(input, replay);
      const answer = earlier?.answer ?? null;
      if (answer !== null) execution.answer(answer);
      if (earlier !== null && !isPlanned(topology)) adoptOutcomes(scope, wholeOutcomes(earlier));
      return keeps ? { id, startedAt, topology, dag: dagHash(spec), input: fingerprint(input) } : null;
    },
  };
}

/** Outcomes of the run's own nodes. */
function wholeOutcomes({ done }: Thread): Record<string, Outcome> {
  const whole = done.filter(
    ({ key }) => key.item === null && key.invocation === null && !key.node.includes("/"),
  );
  return Object.fromEntries(
    whole.flatMap(({ key, outcome }) => (outcome === null ? [] : [[key.node, outcome]])),
  );
}

/** The highest number in the ids of its calls (`call-12`). */
function lastCall({ done }: Thread): number {
  let last = 0;
  for (const { calls } of done) {
    for (const { id } of calls) last = Math.max(last, Number(/\d+$/.exec(id)?.[0] ?? 0));
  }
  return last;
}
