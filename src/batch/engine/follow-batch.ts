import { DagError } from "../../errors.js";
import type { BatchItem } from "../item.js";
import { ItemFeed } from "../item-feed.js";
import type { Batch } from "../run-many.js";
import { type BatchEnd, BatchSums } from "../summary.js";
import { type BatchDocument, documents, endBatch, liveWorkers, readBatch } from "./batch-document.js";
import type { EngineStore, LedgerRow } from "./engine-store.js";
import { assertEngineUrl, openEngineStore } from "./open-engine.js";

/** The ledger is looked at so often, in milliseconds. */
const lookEveryMs = 250;

/** Rows of an ended batch may still be at work for a moment before their worker hears of it, in milliseconds. */
const hearsWithinMs = 3000;

/** How a batch is looked on at. */
export interface FollowOptions {
  /** The engine that the batch was given. */
  readonly engine: string;
  /** Ends the looking on when aborted; the batch goes on. */
  readonly signal?: AbortSignal;
  /** Told how many rows the batch has, once that is known. */
  readonly onTotal?: (rows: number) => void;
}

/**
 * Looks on at a batch from anywhere that reaches its engine: all rows that are done, and those that are done from now on, until it
 * has ended. Looking on changes nothing.
 * @throws DagError, from iteration and `summary`: `BATCH_UNKNOWN`, `ENGINE_UNKNOWN`, `STORE_FAILED`.
 */
export function followBatch(id: string, options: FollowOptions): Batch {
  const items = new ItemFeed<BatchItem>(() => {});
  const summary = follow(id, options, items).then(
    (told) => {
      items.end(null);
      return told;
    },
    (error) => {
      items.end({ error });
      throw error;
    },
  );
  summary.catch(() => {});
  return { summary, [Symbol.asyncIterator]: () => items.read() };
}

async function follow(id: string, options: FollowOptions, items: ItemFeed<BatchItem>) {
  const startedMs = performance.now();
  const store = await openEngineStore(options?.engine);
  try {
    const sums = new BatchSums();
    let read = 0;
    let batch = await readBatch(store, id);
    let endedMs: number | null = null;
    let total: number | null = null;
    /** Rows that wait for a person. */
    const waiting = new Map<string, LedgerRow>();
    const give = async ({ item, figures, record }: LedgerRow) => {
      sums.add(item, figures ?? undefined);
      while (!items.hasRoom) await items.room();
      items.push(record === null ? item : { ...item, record });
    };
    for (;;) {
      const lines = await store.after(id, read, 500);
      for (const line of lines) {
        read = line.n;
        waiting.delete(line.item.key);
        // It may be answered, and be another line then.
        if (line.item.state === "interrupted") waiting.set(line.item.key, line);
        else await give(line);
      }
      if (lines.length === 500) continue;
      batch = await readBatch(store, id);
      if (batch.total !== null && batch.total !== total) {
        total = batch.total;
        options.onTotal?.(total);
      }
      if (batch.ended !== null) {
        endedMs ??= performance.now();
        const waits = batch.ended !== "done" && performance.now() - endedMs < hearsWithinMs;
        if (!waits && (await rowsAtWork(store, batch)) === 0 && lines.length === 0) break;
      } else endedMs = null;
      if (options.signal?.aborted) break;
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
    for (const line of waiting.values()) await give(line);
    const ended: BatchEnd = batch.ended ?? "finished";
    return sums.summary({
      dag: batch.dag,
      topology: batch.topology,
      ended,
      durationMs: performance.now() - startedMs,
    });
  } finally {
    await store.close();
  }
}

/** What became of a batch that was cancelled. */
export interface CancelledBatch {
  /** Rows that are done. */
  readonly done: number;
  /** Why it had ended before; `null` when it was under way. */
  readonly before: BatchEnd | null;
}

/**
 * Ends a batch: no more rows are started, those that run are ended. Resolves once no worker has rows of it any more. What is done stays
 * done, and the same command goes on with the rest.
 * @throws DagError `BATCH_UNKNOWN`, `ENGINE_UNKNOWN`, `STORE_FAILED`.
 */
export async function cancelBatch(id: string, options: { readonly engine: string }): Promise<CancelledBatch> {
  assertEngineUrl(options?.engine);
  const store = await openEngineStore(options.engine);
  try {
    const batch = await readBatch(store, id);
    if (batch.ended === null) {
      await endBatch(store, id, batch.epoch, "aborted");
      await new Promise((resolve) => setTimeout(resolve, hearsWithinMs));
      while ((await rowsAtWork(store, batch)) > 0) {
        await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
      }
    }
    return { done: (await store.count(id)).done, before: batch.ended };
  } finally {
    await store.close();
  }
}

/** What became of a batch that was forgotten. */
export interface ForgottenBatch {
  /** Rows that its ledger held. */
  readonly rows: number;
}

/**
 * Deletes all that an engine holds of a batch that has ended: its ledger, budgets, and the progress of rows. The same command then begins
 * anew; results files stay as they are.
 * @throws DagError `BATCH_BUSY` while it is under way, `BATCH_UNKNOWN`, `ENGINE_UNKNOWN`, `STORE_FAILED`.
 */
export async function forgetBatch(id: string, options: { readonly engine: string }): Promise<ForgottenBatch> {
  assertEngineUrl(options?.engine);
  const store = await openEngineStore(options.engine);
  try {
    const batch = await readBatch(store, id);
    if (batch.ended === null || (await rowsAtWork(store, batch)) > 0) {
      throw new DagError("BATCH_BUSY", `The batch ${JSON.stringify(id)} is under way.`, {
        facts: { batch: id, store: store.name },
        hint: `End it first: agent-dag batch --cancel ${id} --engine …`,
      });
    }
    const settings = Array.from({ length: batch.epoch }, (_, at) => documents.settings(id, at + 1));
    const { budget, limits, pauses, failures } = documents;
    const others = [budget, limits, pauses, failures].map((nameOf) => nameOf(id));
    return { rows: await store.forget(id, [...settings, ...others, documents.batch(id)], budget(id)) };
  } finally {
    await store.close();
  }
}

async function rowsAtWork(store: EngineStore, { id, dag }: BatchDocument): Promise<number> {
  const workers = await liveWorkers(store, dag);
  return workers.reduce((sum, { rows }) => sum + (rows[id] ?? 0), 0);
}
