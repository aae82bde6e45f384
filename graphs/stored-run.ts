import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { readRun } from "../nodes/engine/journal.js";
import type { RunEvent } from "../src/records/events.js";
import { foldEvents, type RunRecord } from "../src/records/record.js";
import { judgeRun } from "../src/records/run-state.js";
import { readLog } from "../src/stores/thread-log.js";
import { replayOf } from "./thread.js";

/** A run as it stands at its checkpointer. */
export interface StoredRun {
  /** What was written down so far; the state of one that neither ended nor waits reads as `cancelled`. */
  readonly record: RunRecord;
  /** Whether nothing of it is left to do, as of one that was cancelled for good. */
  readonly ended: boolean;
}

/**
 * Reads what a thread holds without driving it: no lease is taken, nothing is run. `null` where it holds no run. The events
 * are those that a resumed run would tell again.
 */
export async function storedRun(saver: BaseCheckpointSaver, thread: string): Promise<StoredRun | null> {
  const log = await readLog(saver, thread);
  const run = log === null ? null : readRun(log.entries);
  if (run === null) return null;
  const { id, startedAt, topology, declared, input } = run.stamp;
  const started: RunEvent = {
    type: "run-started",
    atMs: 0,
    id,
    thread,
    dag: declared,
    topology,
    input: input ?? null,
    startedAt,
    simulated: null,
  };
  const told = [started, ...replayOf(run)];
  const interrupts = [...run.questions.values()];
  const verdict = judgeRun(declared, foldEvents(told).outcomes, {
    interrupts,
    aborted: !run.ended,
    cancelled: run.cancelled,
    error: null,
    ...(run.plannerAnswer !== null && { answer: run.plannerAnswer }),
  });
  const ended: RunEvent = { type: "run-ended", atMs: run.elapsedMs, interrupts, ...verdict };
  const events = [...told, ended].map((event, at) => ({ seq: at + 1, ...event }));
  return { record: foldEvents(events), ended: run.ended || run.cancelled };
}
