import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { storedRun } from "../../graphs/stored-run.js";
import type { DagSpec } from "../spec/shape.js";
import { isDriven } from "../stores/thread-lease.js";
import type { RunIndex } from "./run-index.js";
import { ServedRun } from "./served-run.js";

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
  if (listed?.refused === true) return null;
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
  const { startedAt } = record;
  const takenUp = (entry?.takenUp ?? 0) + 1;
  const it = new ServedRun({ id: record.id, thread, dag, checkpointer: store, startedAt, takenUp });
  it.record = isCancelled ? { ...record, state: "cancelled", interrupts: [] } : record;
  it.state = isElsewhere ? "running" : it.record.state;
  it.ended = isCancelled ? "cancelled" : null;
  it.settledAt = Date.now();
  it.feed.begin();
  const events = isElsewhere ? record.events.filter(({ type }) => type !== "run-ended") : record.events;
  for (const event of events) it.feed.add({ ...event, replayed: true });
  it.feed.end();
  return it;
}
