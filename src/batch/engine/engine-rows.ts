import type { RunEvent } from "../../records/events.js";
import type { RunRecord } from "../../records/record.js";
import { hashOf } from "../../spec/canonical.js";
import type { DagSpec } from "../../spec/shape.js";
import type { RowName } from "../batch-options.js";
import type { NamedRow } from "../input-row.js";
import { type BatchItem, standingOf } from "../item.js";
import type { Spent } from "../row-table.js";
import type { BatchEnd, RowFigures } from "../summary.js";
import {
  type BatchDocument,
  type BatchSettings,
  beginBatch,
  documents,
  endBatch,
  enterTotal,
  liveWorkers,
  questionsOf,
  queueOf,
  versionOf,
  versionText,
} from "./batch-document.js";
import { untilAnswered } from "./contact.js";
import type { EngineStore, LedgerRow, NumberedRow } from "./engine-store.js";
import { openEngineStore } from "./open-engine.js";
import { RowEventsListener } from "./row-events.js";
import { openRowQueue, type RowJob, type RowQueue } from "./row-queue.js";
import { Together } from "./together.js";

/** Most rows that wait for workers or are worked at, of one batch. */
const mostOut = 20_000;

/** Most that their inputs may have together, in characters of JSON. */
const mostOutLength = 64_000_000;

/** The ledger is looked at so often, in milliseconds: while rows come, and while none do. */
const lookEveryMs = { busy: 50, idle: 250 };

/** What the batch's document and the workers say is asked for so often, in milliseconds. */
const askEveryMs = 1000;

/** A queue that has lost rows gets them again after so long without a row, in milliseconds. */
const lostAfterMs = 20_000;

/** Rows may have been taken up just before their worker heard that the batch had ended, in milliseconds before. */
const hearsWithinMs = 3000;

/** How long a store may be out of reach before the batch is given up, in milliseconds. */
const patienceMs = 120_000;

/** What a row came to; of one that the ledger held already, `item.reused` is set. */
export interface RowResult {
  readonly item: BatchItem;
  readonly figures: RowFigures | null;
}

/** Which rows that are done are run again. */
export interface Again {
  readonly retryFailed: boolean;
  readonly retryChanged: boolean;
}

/** How a batch goes to an engine. */
export interface EngineRowsOptions {
  readonly engine: string;
  readonly id: string;
  readonly topology: string;
  readonly settings: BatchSettings;
  readonly again: Again;
  /** What rows had used that the store does not know of. */
  readonly spent: Spent;
  /** Most rows out at once. @default 20,000 */
  readonly concurrency?: number;
  /** Called when the batch was ended from elsewhere: cancelled, or by a worker that found a budget spent. */
  readonly onEnded: (why: BatchEnd) => void;
  readonly onNotice: (message: string) => void;
  /** Takes the events of rows. */
  readonly onRowEvent?: (event: RunEvent, row: RowName) => void;
  /** Asked where a row waits for a person; `null` leaves it waiting. */
  readonly answer?: (record: RunRecord, row: RowName) => Promise<Readonly<Record<string, unknown>> | null>;
}

interface Out {
  readonly row: NamedRow;
  readonly id: string;
  readonly job: RowJob;
  readonly length: number;
  readonly resolve: (result: RowResult | null) => void;
  readonly reject: (error: unknown) => void;
}

/** The rows of a batch at an engine: hands them to the workers, and gives back what they come to. */
export class EngineRows {
  readonly batch: BatchDocument;
  readonly #store: EngineStore;
  readonly #queue: RowQueue;
  readonly #options: EngineRowsOptions;
  readonly #version: ReturnType<typeof versionOf>;
  readonly #out = new Map<string, Out>();
  readonly #finds: Together<string, LedgerRow | null>;
  readonly #adds: Together<Out, null>;
  #length = 0;
  /** Number of the last line that was read. */
  #read: number;
  #ended: { readonly why: BatchEnd; readonly atMs: number } | null = null;
  #isClosed = false;
  #following: Promise<void> = Promise.resolve();
  #lastRowMs = performance.now();
  readonly #told = new Set<string>();
  #events: RowEventsListener | null = null;

  private constructor(
    spec: DagSpec,
    store: EngineStore,
    queue: RowQueue,
    batch: BatchDocument,
    read: number,
    options: EngineRowsOptions,
  ) {
    this.batch = batch;
    this.#store = store;
    this.#queue = queue;
    this.#options = options;
    this.#version = versionOf(spec);
    this.#read = read;
    this.#finds = new Together((keys) => this.#patiently(() => store.find(options.id, keys)));
    this.#adds = new Together(async (out) => {
      await this.#patiently(() => queue.add(out));
      return out.map(() => null);
    });
  }

  /** Begins the batch at its engine, or goes on with it. @throws DagError as `openEngineStore` and `openRowQueue` do. */
  static async open(spec: DagSpec, options: EngineRowsOptions): Promise<EngineRows> {
    const { engine, id, topology, settings, spent } = options;
    const store = await openEngineStore(engine);
    try {
      const version = versionOf(spec);
      const queue = await openRowQueue(engine, queueOf(spec.name, version), () => {});
      const batch = await beginBatch(store, { id, dag: spec.name, topology, version }, settings, {
        isHeard: options.onRowEvent !== undefined,
        isAnswered: options.answer !== undefined,
      });
      await store.change([documents.budget(id)], ([known]) => {
        const { modelCalls: calls, tokens, costUsd } = spent;
        const held = { calls: 0, tokens: 0, costUsd: 0 };
        return { write: [known === null ? { calls, tokens, costUsd, held } : undefined], result: null };
      });
      const rows = new EngineRows(spec, store, queue, batch, await store.last(id), options);
      const { onRowEvent, onNotice } = options;
      if (onRowEvent !== undefined)
        rows.#events = await RowEventsListener.open(store, id, { onRowEvent, onNotice });
      rows.#following = rows.#follow();
      return rows;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Does something at the engine, again and again while that is out of reach, until the batch is closed or given up. */
  #patiently<T>(act: () => Promise<T>): Promise<T> {
    const until = performance.now() + patienceMs;
    return untilAnswered(act, () => !this.#isClosed && performance.now() < until);
  }

  get hasRoom(): boolean {
    return this.#out.size < (this.#options.concurrency ?? mostOut) && this.#length < mostOutLength;
  }

  /**
   * What a row comes to: as the ledger has it, where the row is done, else once a worker has done it. `null` for a row that was not
   * started because the batch has ended. Rejects with what the store fails with.
   */
  run(row: NamedRow): Promise<RowResult | null> {
    return new Promise((resolve, reject) => {
      this.#send(row, resolve, reject).catch(reject);
    });
  }

  async #send(row: NamedRow, resolve: Out["resolve"], reject: Out["reject"]): Promise<void> {
    const { key, index, inputHash, input, place } = row;
    const { id: batch } = this.#options;
    const { epoch } = this.batch;
    const length = JSON.stringify(input).length;
    const waiting = { row, length, resolve, reject };
    const blank = { batch, epoch, key, index, inputHash, input, place, after: null };
    // Entered before the ledger is asked, so that a line which comes meanwhile is not missed.
    const early: Out = { ...waiting, id: "", job: blank };
    this.#enter(key, early);
    const line = await this.#finds.ask(key);
    if (this.#out.get(key) !== early) return;
    const isSame = line?.item.inputHash === inputHash;
    if (line !== null && isSame && this.#isDone(line.item)) {
      this.#leave(key);
      resolve({ item: { ...located(line.item, row), reused: true }, figures: null });
      return;
    }
    const after = line?.entry ?? null;
    const job = { ...blank, after };
    const out: Out = { ...waiting, id: idOf(job), job };
    this.#out.set(key, out);
    await this.#adds.ask(out);
  }

  #isDone(item: BatchItem): boolean {
    const { retryFailed, retryChanged } = this.#options.again;
    const standing = standingOf(item);
    if (standing === "open" || (standing === "failed" && retryFailed)) return false;
    return !retryChanged || item.dag === this.#version.graph;
  }

  #enter(key: string, out: Out): void {
    this.#out.set(key, out);
    this.#length += out.length;
  }

  #leave(key: string): void {
    const out = this.#out.get(key);
    if (out === undefined) return;
    this.#out.delete(key);
    this.#length -= out.length;
  }

  /** Lets no more rows be started, anywhere; `aborted` ends those that run. */
  end(why: BatchEnd): void {
    if (this.#ended !== null && why !== "aborted") return;
    this.#ended = { why, atMs: performance.now() };
    const { id } = this.#options;
    this.#patiently(() => endBatch(this.#store, id, this.batch.epoch, why)).catch((error) =>
      this.#fail(error),
    );
  }

  /** Enters that all rows were read. */
  async allRead(total: number): Promise<void> {
    await enterTotal(this.#store, this.#options.id, this.batch.epoch, total).catch(() => {});
  }

  /** Lets go of the engine. @param why Why the batch ended; `null` where it failed and others may go on with it. */
  async close(why: BatchEnd | null): Promise<void> {
    this.#isClosed = true;
    await this.#following;
    try {
      if (why !== null) await endBatch(this.#store, this.#options.id, this.batch.epoch, why);
    } finally {
      await this.#queue.close().catch(() => {});
      await this.#store.close();
    }
  }

  /** Reads the ledger, and now and then what is said of the batch, until it is closed. */
  async #follow(): Promise<void> {
    let answeredMs = performance.now();
    let askedMs = 0;
    while (!this.#isClosed) {
      let isBusy = false;
      try {
        isBusy = (await this.#readLines()) > 0;
        if (performance.now() - askedMs > askEveryMs) {
          await this.#ask();
          askedMs = performance.now();
        }
        answeredMs = performance.now();
      } catch (error) {
        if (performance.now() - answeredMs > patienceMs) this.#fail(error);
      }
      await new Promise((resolve) => setTimeout(resolve, isBusy ? lookEveryMs.busy : lookEveryMs.idle));
    }
  }

  async #readLines(): Promise<number> {
    const lines = await this.#store.after(this.#options.id, this.#read, 500);
    // The events of a row are there before its line is: whoever watches has them first.
    await this.#events?.hear();
    for (const line of lines) {
      this.#read = line.n;
      const out = this.#out.get(line.item.key);
      // A line of another batch's epoch, or of another input under the same key, is none of ours.
      if (out === undefined || out.id === "" || line.item.inputHash !== out.row.inputHash) continue;
      if (line.entry === out.job.after) continue;
      if (line.item.state === "interrupted" && this.#asks(out, line)) continue;
      this.#leave(line.item.key);
      this.#lastRowMs = performance.now();
      out.resolve(resultOf(line, out.row));
    }
    return lines.length;
  }

  /** Asks for answers to what a row waits for, and hands it out again with them; whether somebody is asked. */
  #asks(out: Out, line: NumberedRow): boolean {
    const { answer } = this.#options;
    const { record } = line;
    if (answer === undefined || record === null || this.#ended !== null) return false;
    const { row } = out;
    // Until it is answered no line of this row is waited for.
    const asking: Out = { ...out, id: "", job: { ...out.job, after: line.entry } };
    this.#out.set(row.key, asking);
    const isOurs = () => this.#out.get(row.key) === asking;
    answer(record, { key: row.key, index: row.index })
      .then(async (given) => {
        if (!isOurs()) return;
        if (given === null) {
          this.#leave(row.key);
          out.resolve(resultOf(line, row));
          return;
        }
        const job = { ...asking.job, answer: { given, to: questionsOf(record) } };
        const again = { ...asking, id: idOf(job), job };
        this.#out.set(row.key, again);
        await this.#adds.ask(again);
      })
      .catch((error) => {
        if (this.#out.get(row.key)?.row !== row) return;
        this.#leave(row.key);
        out.reject(error);
      });
    return true;
  }

  async #ask(): Promise<void> {
    const { id, onEnded } = this.#options;
    const [found] = (await this.#store.read([documents.batch(id)])) as [BatchDocument | null];
    if (found?.epoch === this.batch.epoch && found.ended !== null && this.#ended === null) {
      this.#ended = { why: found.ended, atMs: performance.now() };
      onEnded(found.ended);
    }
    if (this.#out.size === 0) return;
    const workers = await liveWorkers(this.#store, this.batch.dag);
    if (this.#ended !== null) {
      const atWork = workers.reduce((sum, { rows }) => sum + (rows[id] ?? 0), 0);
      if (atWork === 0 && performance.now() - this.#ended.atMs > hearsWithinMs) {
        await this.#readLines();
        for (const [key, { resolve }] of [...this.#out]) {
          this.#leave(key);
          resolve(null);
        }
      }
      return;
    }
    this.#tellWorkers(workers);
    if (performance.now() - this.#lastRowMs > lostAfterMs) await this.#sendAgain();
  }

  #tellWorkers(workers: Awaited<ReturnType<typeof liveWorkers>>): void {
    const own = JSON.stringify(this.#version);
    const others = workers.filter(({ version }) => JSON.stringify(version) !== own);
    const isSame = others.length < workers.length;
    const { onNotice } = this.#options;
    const tell = (what: string, message: string) => {
      if (this.#told.has(what)) return;
      this.#told.add(what);
      onNotice(message);
    };
    const [other] = others;
    if (!isSame && other !== undefined) {
      tell(
        "version",
        `The workers run another version of "${this.batch.dag}" and refuse the rows (${versionText(other.version)}; here: ${versionText(this.#version)}). Start a worker of this version.`,
      );
    } else if (!isSame) {
      tell("none", `No worker takes rows yet: agent-dag worker FILE --engine … starts one, on any machine.`);
    }
  }

  /** Rows that the queue has lost, as a store without persistence does when it is restarted. */
  async #sendAgain(): Promise<void> {
    this.#lastRowMs = performance.now();
    if ((await this.#queue.count()) > 0) return;
    const out = [...this.#out.values()].filter(({ id }) => id !== "");
    for (let at = 0; at < out.length; at += 500) await this.#queue.add(out.slice(at, at + 500));
  }

  #fail(error: unknown): void {
    for (const [key, { reject }] of [...this.#out]) {
      this.#leave(key);
      reject(error);
    }
  }
}

/** Not a number alone, which the queue would take for one of its own. */
function idOf({ batch, epoch, key, inputHash, after }: RowJob): string {
  return `row-${hashOf([batch, epoch, key, inputHash, after])}`;
}

function resultOf({ item, figures, record }: NumberedRow, row: NamedRow): RowResult {
  return { item: { ...located(item, row), ...(record !== null && { record }) }, figures };
}

/** A line tells where its row stood when it was made: rows are known by their key, and may have moved. */
function located(item: BatchItem, { index, place }: NamedRow): BatchItem {
  const { place: _, ...rest } = item;
  return { ...rest, index, ...(place !== null && { place }) };
}
