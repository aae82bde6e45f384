import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
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
export async function readServedRun(place: {
  readonly id: string;
  readonly index: Pick<RunIndex, "get">;
  readonly store: BaseCheckpointSaver;
  readonly specs: ReadonlyMap<string, DagSpec>;
}): Promise<ServedRun | null> {
  const { store, specs } = place;
  let read = await readOnce(place);
  while (read?.isUnderWay && !read.isElsewhere) {
    // Nobody drives it: as it stands, or its driver came and went between the reads. Then there is more by now.
    const again = await readOnce(place);
    const isSame = again?.record.events.length === read.record.events.length && again.isUnderWay;
    read = again;
    if (isSame) break;
  }
  if (read === null) return null;
  const { thread, record, entry, isCancelled, isUnderWay, isElsewhere } = read;
  const dag = specs.get(record.dag.name);
  if (dag === undefined) return null;
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

/** What the index, the thread and its lease say one after the other: another process may go on with the run in between. */
async function readOnce({
  id,
  index,
  store,
}: {
  readonly id: string;
  readonly index: Pick<RunIndex, "get">;
  readonly store: BaseCheckpointSaver;
}) {
  const listed = await index.get(id);
  const thread = listed?.thread ?? id;
  let stored = await storedRun(store, thread);
  // A run is listed just before its beginning is written down.
  for (let tries = 0; stored === null && listed?.state === "running" && tries < 50; tries++) {
    await sleep(20);
    stored = await storedRun(store, thread);
  }
  if (stored === null) return null;
  const { record } = stored;
  const entry = listed ?? (await index.get(record.id));
  const isCancelled = entry?.state === "cancelled";
  const isUnderWay = !stored.ended && record.interrupts.length === 0 && !isCancelled;
  const isElsewhere = isUnderWay && (await isDriven(store, thread));
  return { thread, record, entry, isCancelled, isUnderWay, isElsewhere };
}
