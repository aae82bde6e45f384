import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { RunRecord } from "../../records/record.js";
import type { BatchItem } from "../item.js";
import type { RowFigures } from "../summary.js";

/** A row that workers have done: a line of the ledger. */
export interface LedgerRow {
  /** Tells this line from an earlier and a later one of the same row. */
  readonly entry: string;
  readonly item: BatchItem;
  /** What the summary needs of the record. */
  readonly figures: RowFigures | null;
  /** The whole record, where the batch keeps records. */
  readonly record: RunRecord | null;
}

/** A line together with its number in the batch: later ones have higher numbers. */
export interface NumberedRow extends LedgerRow {
  readonly n: number;
}

/** JSON that is changed as one. `undefined` leaves a document as it is, `null` deletes it. */
export type Document = object | null;

/**
 * Where a batch stands that several machines work at: its ledger, and small documents (what is shared of limits and budgets,
 * what the batch is run with, who works) that are changed by one at a time. Every method rejects with `STORE_FAILED`, and may be
 * called again then: nothing is entered twice.
 */
export interface EngineStore {
  /** In messages: its address without the password. */
  readonly name: string;
  /** Keeps rows' progress and leases. */
  readonly threads: BaseCheckpointSaver;
  /** Reads documents; `null` where there is none. */
  read(names: readonly string[]): Promise<(any | null)[]>;
  /**
   * Changes documents while nobody else changes the first of them: the others belong to it. `change` may be called several
   * times; what it gives as `write` is written, in the order of `names`.
   * @param nowMs The store's clock, in milliseconds since 1970.
   */
  change<T>(
    names: readonly string[],
    change: (found: readonly (any | null)[], nowMs: number) => Changed<T>,
  ): Promise<T>;
  /** The latest lines of rows; `null` where there is none. */
  find(batch: string, keys: readonly string[]): Promise<(LedgerRow | null)[]>;
  /** Enters lines, of a key the last one counts; and deletes the threads of rows that are done with them. */
  append(batch: string, rows: readonly LedgerRow[], threads: readonly string[]): Promise<void>;
  /** Lines after a number, in order, the replaced ones left out. */
  after(batch: string, n: number, most: number): Promise<NumberedRow[]>;
  /** How many rows have a line, and how many of them are not to be run again by themselves. */
  count(batch: string): Promise<{ readonly all: number; readonly done: number }>;
  /** Number of the last line; 0 where there is none. */
  last(batch: string): Promise<number>;
  /** Tells whoever listens to a batch; the latest {@link mostTold} messages are kept. */
  tell(batch: string, messages: readonly string[]): Promise<void>;
  /** Messages after a number, in order; `null` for the number of the last one alone. */
  told(batch: string, after: string | null, most: number): Promise<Told>;
  /**
   * Deletes all that stands of a batch: its ledger, its messages, the progress of its rows, and documents: those of `names`, and
   * those of rows, `under/HASH`. The names go last, so that what was broken off can be done again. Resolves with the number of lines.
   */
  forget(batch: string, names: readonly string[], under: string): Promise<number>;
  close(): Promise<void>;
}

/** Whether a thread is one of a row of a batch, and of no other that is known. */
export function isThreadOf(thread: string, batch: string, others: readonly string[]): boolean {
  const isOf = (one: string) => thread.startsWith(`${one}/`) && /\/[0-9a-f]{16}$/.test(thread);
  return isOf(batch) && !others.some((other) => other.startsWith(`${batch}/`) && isOf(other));
}

/** Messages of a batch that are kept for whoever listens: who is slower misses the oldest. */
export const mostTold = 20_000;

/** Messages, and the number to go on from. */
export interface Told {
  readonly messages: readonly string[];
  readonly last: string;
}

/** What a change comes to. */
export interface Changed<T> {
  readonly write: readonly (Document | undefined)[];
  readonly result: T;
}
