import { randomInt } from "node:crypto";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { storedRun } from "../../graphs/stored-run.js";
import type { DagSpec } from "../spec/shape.js";
import { isDriven } from "../stores/thread-lease.js";
import type { RunIndex } from "./run-index.js";
import { ServedRun } from "./served-run.js";

/** The telling of a run that has ended. */
const lastView = 999;

/**
 * A run that is not in memory, as the store has it: by its id in the index, or by its thread. All that it tells has happened
 * before: its events carry `replayed: true`. `null` where there is none, or none of a graph that is served. While another
 * process drives it, its state is `running`, and nothing can be done about it here.
 */
export async function readServedRun({
  id,
  index,
  store,
  specs,
}: {
  readonly id: string;
  readonly index: RunIndex;
  readonly store: BaseCheckpointSaver;
  readonly specs: ReadonlyMap<string, DagSpec>;
}): Promise<ServedRun | null> {
  const listed = await index.get(id);
  const thread = listed?.thread ?? id;
  const stored = await storedRun(store, thread);
  if (stored === null) return null;
  const { record } = stored;
  const entry = listed ?? (await index.get(record.id));
  const dag = specs.get(record.dag.name);
  if (dag === undefined) return null;
  const isCancelled = entry?.state === "cancelled";
  const isUnderWay = !stored.ended && record.interrupts.length === 0 && !isCancelled;
  const isElsewhere = isUnderWay && (await isDriven(store, thread));
  // Where its process was killed, the next one goes on with it.
  const isRunning = isElsewhere || (isUnderWay && entry?.state === "running");
  const { startedAt } = record;
  const takenUp = (entry?.takenUp ?? 0) + 1;
  // What has ended is told alike by all.
  const view = isRunning || record.interrupts.length > 0 ? randomInt(1, lastView) : lastView;
  const it = new ServedRun({ id: record.id, thread, dag, checkpointer: store, startedAt, takenUp, view });
  it.record = isCancelled ? { ...record, state: "cancelled", interrupts: [] } : record;
  it.state = isRunning ? "running" : it.record.state;
  it.isElsewhere = isElsewhere;
  it.caller = entry?.caller ?? null;
  it.ended = isCancelled ? "cancelled" : null;
  it.settledAt = Date.now();
  it.feed.begin();
  const events = isRunning ? record.events.filter(({ type }) => type !== "run-ended") : record.events;
  for (const event of events) it.feed.add({ ...event, replayed: true });
  if (!isRunning) it.feed.end();
  return it;
}
