import type { Job, Queue, QueueOptions, Worker, WorkerOptions } from "bullmq";
import { outliveServer } from "../../stores/postgres.js";
import { enginePackagesMissing, isPostgres } from "./open-engine.js";

/** A row on its way to a worker: JSON. */
export interface RowJob {
  readonly batch: string;
  /** Of the batch: it is begun anew with a higher one each time that it goes on after an end. */
  readonly epoch: number;
  readonly key: string;
  readonly index: number;
  readonly inputHash: string;
  readonly input: unknown;
  readonly place: string | null;
  /** The ledger's line that this is to replace; `null` where there was none. A row with another line has been done. */
  readonly after: string | null;
  /** Answers of the batch's caller to what the row waits for. */
  readonly answer?: RowAnswer;
}

/** Answers by node, and the record whose questions they are for. */
export interface RowAnswer {
  readonly given: Readonly<Record<string, unknown>>;
  /** What the record asked, by which it is known: JSON. */
  readonly to: string;
}

/** How long a worker's claim to a row lasts without being renewed, in milliseconds. */
const claimMs = 8000;

/** How often workers look for rows whose worker is gone, in milliseconds. */
const lookEveryMs = 4000;

/** Between two tries of a row that its worker could not do, in milliseconds. */
const pauseMs = 1000;

/** Most that a priority may be, with some room. */
const priorities = 2_000_000;

/** Rows that wait for a worker. */
export interface RowQueue {
  /** Adds rows; one that waits or is worked at already, by its id, is not added a second time. */
  add(rows: readonly { readonly id: string; readonly job: RowJob }[]): Promise<void>;
  /** Rows that wait or are worked at. */
  count(): Promise<number>;
  close(): Promise<void>;
}

/** What became of a row at a worker. */
export type Handled = "done" | "given back";

/** One who takes rows. */
export interface RowTaker {
  /** Takes no more rows, and resolves once those at hand are let go of. */
  close(): Promise<void>;
}

/** How rows are taken. */
export interface TakeOptions {
  readonly concurrency: number;
  /** `lost` counts how often a worker died with the row. */
  readonly perform: (job: RowJob, lost: number) => Promise<Handled>;
  /** Told what goes wrong beside the rows: connections that are lost. */
  readonly onError: (error: unknown) => void;
}

/** A row as text: PostgreSQL's own JSON takes neither NUL nor half of a pair of surrogates, and sorts an object's keys. */
function packed(job: RowJob): { readonly row: string } {
  return { row: JSON.stringify(job) };
}

function unpacked({ row }: ReturnType<typeof packed>): RowJob {
  return JSON.parse(row) as RowJob;
}

/** @throws DagError `ENGINE_PACKAGE_MISSING`. */
export async function openRowQueue(
  url: string,
  name: string,
  onError: (error: unknown) => void,
): Promise<RowQueue> {
  const { Queue } = await loadQueue(url);
  const queue = new Queue(name, { connection: connectionOf(url) });
  queue.on("error", onError);
  await queue.waitUntilReady();
  const opts = {
    // The ledger knows what is done; the queue may forget it.
    removeOnComplete: true,
    removeOnFail: true,
    attempts: 1_000_000,
    backoff: { type: "fixed", delay: pauseMs },
  };
  return {
    async add(rows) {
      await queue.addBulk(
        rows.map(({ id, job }) => ({
          name: "row",
          data: packed(job),
          // Earlier rows go first: so does one that was lost or given back, ahead of all that have not been begun.
          opts: { ...opts, jobId: id, priority: 1 + (job.index % priorities) },
        })),
      );
    },
    async count() {
      const counts = await queue.getJobCounts("active", "waiting", "delayed", "prioritized");
      return Object.values(counts).reduce((sum, one) => sum + one, 0);
    },
    close: () => queue.close(),
  };
}

/** Takes rows from a queue until it is closed. @throws DagError `ENGINE_PACKAGE_MISSING`. */
export async function takeRows(url: string, name: string, options: TakeOptions): Promise<RowTaker> {
  const { Worker, WaitingError } = await loadQueue(url);
  const { concurrency, perform, onError } = options;
  const worker = new Worker(
    name,
    async (job: Job, token?: string) => {
      const handled = await perform(unpacked(job.data), job.stalledCounter ?? 0);
      if (handled === "done") return;
      await job.moveToDelayed(Date.now() + pauseMs, token);
      throw new WaitingError();
    },
    {
      connection: connectionOf(url),
      concurrency,
      lockDuration: claimMs,
      stalledInterval: lookEveryMs,
      // How often a row may be lost is judged by whoever takes it up.
      maxStalledCount: 1_000_000_000,
      drainDelay: 1,
      runRetryDelay: 500,
    },
  );
  worker.on("error", onError);
  await worker.waitUntilReady();
  return { close: () => worker.close() };
}

/** Redis commands wait for a connection that comes back; PostgreSQL's tables are made where they are missing. */
function connectionOf(url: string) {
  if (isPostgres(url)) {
    return {
      connectionString: url,
      migrate: true,
      // Besides the one that listens for rows.
      max: 1,
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    };
  }
  return {
    url,
    maxRetriesPerRequest: null,
    retryStrategy: (times: number) => Math.min(50 * 2 ** times, 1000),
  };
}

/** How either store is connected to. */
type Connection = ReturnType<typeof connectionOf>;

interface Told {
  on(event: "error", listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
}

/** What both stores' classes of a queue and of a worker have in common. */
interface QueueClasses {
  readonly Queue: new (
    name: string,
    options: Omit<QueueOptions, "connection"> & { readonly connection: Connection },
  ) => Told & Pick<Queue, "addBulk" | "getJobCounts" | "close">;
  readonly Worker: new (
    name: string,
    perform: (job: Job, token?: string) => Promise<void>,
    options: Omit<WorkerOptions, "connection"> & { readonly connection: Connection },
  ) => Told & Pick<Worker, "close">;
  readonly WaitingError: new () => Error;
}

async function loadQueue(url: string): Promise<QueueClasses> {
  try {
    const bullmq = await import("bullmq");
    const { WaitingError } = bullmq;
    if (!isPostgres(url)) {
      await import("ioredis");
      return { Queue: bullmq.Queue, Worker: bullmq.Worker, WaitingError };
    }
    await import("pg");
    const { Queue, Worker } = bullmq.withBackend(
      (...given: Parameters<typeof bullmq.createPostgresBackend>) => {
        const backend = bullmq.createPostgresBackend(...given);
        outliveServer(backend.connection.pool);
        return backend;
      },
    );
    return { Queue, Worker, WaitingError };
  } catch (error) {
    throw enginePackagesMissing(url, error);
  }
}
