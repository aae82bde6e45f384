import type { RemoteSpan } from "../../../nodes/engine/instrument.js";
import { DagError } from "../../errors.js";
import type { Simulated } from "../../records/events.js";
import type { RunRecord } from "../../records/record.js";
import { dagHash, hashOf } from "../../spec/canonical.js";
import { didYouMean } from "../../spec/did-you-mean.js";
import { packageJson } from "../../spec/package-json.js";
import type { DagSpec } from "../../spec/shape.js";
import type { BatchEnd } from "../summary.js";
import type { EngineStore } from "./engine-store.js";

/** Version of what stands in the store and in the queue: workers of another one take no rows. */
export const protocol = 2;

/** What a worker and a batch must have in common. */
export interface WorkVersion {
  /** Hash of the graph. */
  readonly graph: string;
  /** Version of this package. */
  readonly package: string;
  readonly protocol: number;
}

/** A batch as the store knows it. */
export interface BatchDocument {
  readonly id: string;
  readonly dag: string;
  readonly topology: string;
  readonly version: WorkVersion;
  /** Counts how often it was begun: rows of an earlier time are not worked at any more. */
  readonly epoch: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Why no more rows are started; `null` while they are. */
  readonly ended: BatchEnd | null;
  /** Rows that it has, once all were read. */
  readonly total: number | null;
  /** Whether somebody takes the events of its rows. */
  readonly isHeard: boolean;
  /** Whether somebody answers rows that wait for a person. */
  readonly isAnswered: boolean;
}

/** Who is there of those that a batch was begun or joined by. */
export type BatchCaller = Pick<BatchDocument, "isHeard" | "isAnswered">;

/** What the rows are run with. */
export interface BatchSettings {
  /** Options of `run` that are JSON. */
  readonly options: Readonly<Record<string, any>>;
  readonly simulate: Simulated | null;
  readonly keepsRecords: boolean;
  readonly maxFailures: number | `${number}%` | null;
  /** The span above the batch: its rows' traces go on there. Absent where there is none. */
  readonly caller?: RemoteSpan;
}

/** A worker as the store knows it. */
export interface WorkerDocument {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: WorkVersion;
  readonly concurrency: number;
  /** Rows at hand, by batch. */
  readonly rows: Readonly<Record<string, number>>;
  /** When it was last heard of, in milliseconds since 1970. */
  readonly atMs: number;
}

/** A worker that has not been heard of for so long, in milliseconds, is gone. */
const goneAfterMs = 10_000;

/** Names of the documents. */
export const documents = {
  batch: (id: string) => `batch/${id}`,
  settings: (id: string, epoch: number) => `settings/${id}/${epoch}`,
  limits: (id: string) => `limits/${id}`,
  pauses: (id: string) => `pauses/${id}`,
  budget: (id: string) => `budget/${id}`,
  failures: (id: string) => `failures/${id}`,
  open: "open",
  workers: (dag: string) => `workers/${dag}`,
  worker: (dag: string, id: string) => `worker/${dag}/${id}`,
};

/** The version of this process's work on a graph. */
export function versionOf(spec: DagSpec): WorkVersion {
  return { graph: dagHash(spec), package: packageJson().version, protocol };
}

/** The queue that rows of a graph's version wait in. */
export function queueOf(dag: string, version: WorkVersion): string {
  return `agent-dag-${dag}-${hashOf(version)}`;
}

/** What a record waits for an answer to. */
export function questionsOf({ interrupts }: RunRecord): string {
  return hashOf(interrupts);
}

/** In messages: `graph 35c4…, agent-dag 0.1.0, protocol 2`. */
export function versionText(version: WorkVersion): string {
  return `graph ${version.graph}, agent-dag ${version.package}, protocol ${version.protocol}`;
}

/** Begins a batch, or goes on with it; joins it where it is under way. */
export async function beginBatch(
  store: EngineStore,
  facts: Pick<BatchDocument, "id" | "dag" | "topology" | "version">,
  settings: BatchSettings,
  { isHeard, isAnswered }: BatchCaller,
): Promise<BatchDocument> {
  const { id, version } = facts;
  const batch = await store.change([documents.batch(id), documents.failures(id)], ([found], nowMs) => {
    const known = found as BatchDocument | null;
    const isOther = known !== null && JSON.stringify(known.version) !== JSON.stringify(version);
    const goesOn = known !== null && known.ended === null && !isOther;
    // Whoever joins a batch that is under way takes nothing from those who were there; the workers hear of it with their next beat.
    const begun: BatchDocument = goesOn
      ? { ...known, isHeard: known.isHeard || isHeard, isAnswered: known.isAnswered || isAnswered }
      : {
          ...facts,
          epoch: (known?.epoch ?? 0) + 1,
          startedAt: new Date(nowMs).toISOString(),
          ended: null,
          total: null,
          isHeard,
          isAnswered,
        };
    return { write: [begun, goesOn ? undefined : null], result: begun };
  });
  await store.change([documents.settings(id, batch.epoch)], () => ({ write: [settings], result: null }));
  await store.change([documents.open], ([open]) => ({
    write: [{ ...open, [id]: { dag: facts.dag, version } }],
    result: null,
  }));
  return batch;
}

/** Lets no more rows of a batch be started; `aborted` ends those too that run. The first reason counts. */
export async function endBatch(store: EngineStore, id: string, epoch: number, why: BatchEnd): Promise<void> {
  await store.change([documents.batch(id)], ([found]) => {
    const known = found as BatchDocument | null;
    const counts =
      known !== null &&
      known.epoch === epoch &&
      (known.ended === null || (why === "aborted" && known.ended !== "done"));
    return { write: [counts ? { ...known, ended: why } : undefined], result: null };
  });
  await store.change([documents.open], ([open]) => {
    const { [id]: _, ...others } = open ?? {};
    return { write: [others], result: null };
  });
}

/** Enters how many rows a batch has. */
export async function enterTotal(
  store: EngineStore,
  id: string,
  epoch: number,
  total: number,
): Promise<void> {
  await store.change([documents.batch(id)], ([found]) => {
    const known = found as BatchDocument | null;
    return { write: [known?.epoch === epoch ? { ...known, total } : undefined], result: null };
  });
}

/** @throws DagError `BATCH_UNKNOWN`. */
export async function readBatch(store: EngineStore, id: string): Promise<BatchDocument> {
  const [found, open] = await store.read([documents.batch(id), documents.open]);
  if (found !== null) return found as BatchDocument;
  const known = Object.keys(open ?? {});
  throw new DagError("BATCH_UNKNOWN", `There is no batch ${JSON.stringify(id)} in "${store.name}".`, {
    facts: { batch: id, store: store.name },
    hint:
      known.length === 0
        ? "No batch is under way there."
        : `${didYouMean(id, known)} Under way: ${known.join(", ")}.`,
  });
}

/** Workers of a graph that have been heard of of late. */
export async function liveWorkers(store: EngineStore, dag: string): Promise<WorkerDocument[]> {
  const [listed] = await store.read([documents.workers(dag)]);
  const ids = Object.keys(listed ?? {});
  if (ids.length === 0) return [];
  const nowMs = await store.change([`clock/${dag}`], (_, atMs) => ({ write: [undefined], result: atMs }));
  const found: (WorkerDocument | null)[] = await store.read(ids.map((id) => documents.worker(dag, id)));
  return found.flatMap((worker) => (worker === null || worker.atMs + goneAfterMs < nowMs ? [] : [worker]));
}

/** Enters a worker, or takes it out; those that are long gone go with it. */
export async function listWorker(store: EngineStore, dag: string, id: string, joins: boolean): Promise<void> {
  await store.change([documents.workers(dag)], ([listed], nowMs) => {
    const kept = Object.entries((listed ?? {}) as Record<string, number>).filter(
      ([other, sinceMs]) => other !== id && sinceMs + 7 * 24 * 3_600_000 > nowMs,
    );
    return { write: [{ ...Object.fromEntries(kept), ...(joins && { [id]: nowMs }) }], result: null };
  });
}
