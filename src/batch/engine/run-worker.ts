import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { underSpan } from "../../../nodes/engine/instrument.js";
import { DagError, DagValidationError, errorCode } from "../../errors.js";
import { followSignal } from "../../models/abortable.js";
import type { RunEvent } from "../../records/events.js";
import type { RunRecord } from "../../records/record.js";
import type { RunDagOptions } from "../../run/run.js";
import { fixedSpec } from "../../spec/assert-valid.js";
import { validateNumber } from "../../spec/bounds.js";
import type { DagSpec } from "../../spec/shape.js";
import { storeError } from "../../stores/store-error.js";
import { type BatchItem, failedItem, knownRow, standingOf } from "../item.js";
import { runRow, threadOfRow } from "../run-row.js";
import { figuresOf } from "../summary.js";
import {
  type BatchDocument,
  documents,
  listWorker,
  questionsOf,
  queueOf,
  versionOf,
  versionText,
  type WorkerDocument,
  type WorkVersion,
} from "./batch-document.js";
import { Contact, untilOpened } from "./contact.js";
import type { EngineStore, LedgerRow } from "./engine-store.js";
import { assertEngineUrl, openEngineStore } from "./open-engine.js";
import { type Handled, type RowAnswer, type RowJob, type RowTaker, takeRows } from "./row-queue.js";
import { RowSaver } from "./row-saver.js";
import { SharedBatch } from "./shared-batch.js";

/** Options of `runWorker`: where the rows come from, and what of a run cannot be sent to other machines. */
export interface WorkerOptions
  extends Pick<RunDagOptions, "model" | "models" | "use" | "context" | "prices" | "onEvent"> {
  /** `postgres://user:password@host:port/database` or `redis://user:password@host:port/0`, as `runMany` was given. */
  readonly engine: string;
  /** Most rows under way at once on this worker, an integer of at least 1. @default 8 */
  readonly concurrency?: number;
  /** Where the rows' progress is kept, shared by all workers. @default the engine's own store */
  readonly checkpointer?: BaseCheckpointSaver;
  /** Once aborted, no further row is taken, and the worker ends when those that run are finished. */
  readonly finish?: AbortSignal;
  /** Once aborted, the rows that run are given back, for others to go on with, and the worker ends. */
  readonly signal?: AbortSignal;
  /** Told what there is to know: batches that it refuses, a store that it lost. */
  readonly onNotice?: (message: string) => void;
}

/** What a worker did. */
export interface WorkerSummary {
  /** Rows that have ended at it. */
  readonly done: number;
  /** Of them, rows that failed. */
  readonly failed: number;
  /** Rows that it brought to a question and has not gone on with since: they wait for an answer, or went on elsewhere. */
  readonly waiting: number;
  /** Rows that it has given back. */
  readonly givenBack: number;
}

const defaultConcurrency = 8;

/** A row with which so many workers died is not tried again: it is what kills them. */
const mostLost = 20;

/**
 * Works at the rows of all batches of a graph that an engine holds, until `finish` or `signal` is aborted. Each row runs on a thread
 * of its own in the engine's store: the row of a worker that dies is taken up by another within 20 s, from its last finished
 * node. Rows of another version of the graph, of this package or of the protocol are left to workers of that version.
 * @throws DagError `ENGINE_UNKNOWN`, `ENGINE_PACKAGE_MISSING`, `CHECKPOINTER_UNUSABLE`, and what every row would meet: a missing
 * key or package.
 */
export async function runWorker(declared: DagSpec, options: WorkerOptions): Promise<WorkerSummary> {
  const spec = fixedSpec(declared);
  const issues = validateNumber(options?.concurrency, "concurrency", { min: 1, integer: true });
  if (issues.length > 0) throw new DagValidationError("The options", issues);
  assertEngineUrl(options?.engine);
  const isEnding = () => options.finish?.aborted === true || options.signal?.aborted === true;
  const store = await untilOpened(
    () => openEngineStore(options.engine),
    () => !isEnding(),
  );
  try {
    return await new WorkingProcess(spec, options, store, options.checkpointer ?? store.threads).work();
  } finally {
    await store.close();
  }
}

class WorkingProcess {
  readonly #id = randomUUID();
  readonly #spec: DagSpec;
  readonly #version: WorkVersion;
  readonly #options: WorkerOptions;
  readonly #store: EngineStore;
  readonly #contact: Contact;
  readonly #saver: RowSaver;
  readonly #batches = new Map<string, SharedBatch>();
  /** Ends the rows at hand, for others to go on with. */
  #giveBack = new AbortController();
  /** What was told, once each. */
  readonly #told = new Set<string>();
  #failure: { readonly error: unknown } | null = null;
  #isEnding = false;
  #end: () => void = () => {};
  readonly #ended = new Promise<void>((resolve) => {
    this.#end = () => {
      this.#isEnding = true;
      resolve();
    };
  });
  #done = 0;
  #failed = 0;
  #givenBack = 0;
  /** Rows that wait for an answer, by batch and key. */
  readonly #waiting = new Set<string>();

  constructor(spec: DagSpec, options: WorkerOptions, store: EngineStore, saver: BaseCheckpointSaver) {
    this.#spec = spec;
    this.#version = versionOf(spec);
    this.#options = options;
    this.#store = store;
    this.#contact = new Contact(
      () => this.#beat(),
      (error) => this.#lose(error),
    );
    this.#saver = new RowSaver(saver, this.#contact, (error) => this.#fail(storeError(error, store.name)));
  }

  async work(): Promise<WorkerSummary> {
    const { engine, concurrency = defaultConcurrency, finish, signal } = this.#options;
    const { name } = this.#spec;
    const onFinish = () => this.#end();
    const onAbort = () => {
      this.#giveBack.abort(signal?.reason);
      this.#end();
    };
    if (finish?.aborted) onFinish();
    if (signal?.aborted) onAbort();
    finish?.addEventListener("abort", onFinish, { once: true });
    signal?.addEventListener("abort", onAbort, { once: true });
    let taker: RowTaker | undefined;
    try {
      await this.#contact.open(
        () => listWorker(this.#store, name, this.#id, true),
        () => !this.#isEnding,
      );
      if (!this.#isEnding) {
        taker = await takeRows(engine, queueOf(name, this.#version), {
          concurrency,
          perform: (job, lost) => this.#perform(job, lost).catch((error) => this.#giveUpRow(job, error)),
          // Connections come back by themselves; that the store is lost is told once, by its own silence.
          onError: () => {},
        });
      }
      await this.#ended;
    } finally {
      finish?.removeEventListener("abort", onFinish);
      await taker?.close();
      signal?.removeEventListener("abort", onAbort);
      await this.#contact.close();
      await listWorker(this.#store, name, this.#id, false).catch(() => {});
      await this.#store
        .change([documents.worker(name, this.#id)], () => ({ write: [null], result: null }))
        .catch(() => {});
    }
    if (this.#failure !== null) throw this.#failure.error;
    return {
      done: this.#done,
      failed: this.#failed,
      waiting: this.#waiting.size,
      givenBack: this.#givenBack,
    };
  }

  /** Says that it is there, and hears which batches have ended and which are begun. */
  async #beat(): Promise<void> {
    const { name } = this.#spec;
    const held = [...this.#batches.values()];
    const own: Omit<WorkerDocument, "atMs"> = {
      id: this.#id,
      host: hostname(),
      pid: process.pid,
      version: this.#version,
      concurrency: this.#options.concurrency ?? defaultConcurrency,
      rows: Object.fromEntries(held.map((batch) => [batch.id, batch.rows])),
    };
    const askedMs = performance.now();
    const storeMs = await this.#store.change([documents.worker(name, this.#id)], (_, atMs) => ({
      write: [{ ...own, atMs }],
      result: atMs,
    }));
    this.#saver.tellTime(storeMs, askedMs);
    const [open, ...found] = await this.#store.read([
      documents.open,
      ...held.flatMap(({ id }) => [documents.batch(id), documents.pauses(id)]),
    ]);
    for (const [at, batch] of held.entries()) {
      const document = found[2 * at] as BatchDocument | null;
      batch.hear(found[2 * at + 1], storeMs);
      if (document?.epoch === batch.epoch) batch.tell(document);
      if ((document?.epoch !== batch.epoch || document.ended !== null) && batch.rows === 0) {
        this.#batches.delete(batch.id);
      }
    }
    this.#refuse(open ?? {});
  }

  /** Tells once of each batch of this graph that it takes no rows of. */
  #refuse(open: Readonly<Record<string, { dag: string; version: WorkerDocument["version"] }>>): void {
    const own = this.#version;
    for (const [id, { dag, version }] of Object.entries(open)) {
      if (dag !== this.#spec.name || JSON.stringify(version) === JSON.stringify(own)) continue;
      this.#tellOnce(
        `${id} ${JSON.stringify(version)}`,
        `This worker refuses the rows of batch "${id}": it was begun with another version of "${dag}" (${versionText(version)}; here: ${versionText(own)}). They wait for workers of that version.`,
      );
    }
  }

  /** Rows are ended before another worker may take them over; they are found again when the store is. */
  #lose(error: unknown): void {
    const why = error instanceof Error ? `: ${error.message}` : ".";
    this.#options.onNotice?.(`The store is out of reach, so nothing more is sent until it is back${why}`);
    const lost = this.#giveBack;
    this.#giveBack = new AbortController();
    lost.abort(new DagError("STORE_FAILED", "The store is out of reach.", { cause: error }));
  }

  /** A store that answers with a failure of its own is told of; one that is out of reach is told of by its silence. */
  #giveUpRow({ batch, key }: RowJob, error: unknown): Handled {
    this.#givenBack++;
    const told = storeError(error, this.#store.name);
    if (!told.retryable)
      this.#tellOnce(
        `rows of ${batch}: ${told.message}`,
        `Row "${key}" of batch "${batch}" is given back: ${told.message}`,
      );
    return "given back";
  }

  #tellOnce(about: string, message: string): void {
    if (this.#told.has(about)) return;
    this.#told.add(about);
    this.#options.onNotice?.(message);
  }

  async #perform(job: RowJob, lost: number): Promise<Handled> {
    const batch = await this.#batchOf(job);
    // Rows of a batch that has ended, or was begun anew with rows of its own, are nobody's.
    if (batch === null || batch.ended !== null) return "done";
    batch.rows++;
    try {
      return await this.#performIn(batch, job, lost);
    } finally {
      batch.rows--;
    }
  }

  async #performIn(batch: SharedBatch, job: RowJob, lost: number): Promise<Handled> {
    const line = await this.#contact.patiently(() => batch.find(job.key));
    const isSame = line?.item.inputHash === job.inputHash;
    if (line !== null && isSame && line.entry !== job.after) return "done";
    if (lost > mostLost) return this.#enter(batch, this.#lostRow(job, lost), null);
    const thread = threadOfRow(this.#spec, batch.id, job, batch.topology);
    try {
      return await this.#runIn(batch, job, line, thread);
    } finally {
      await this.#saver.giveBack(thread);
    }
  }

  async #runIn(batch: SharedBatch, job: RowJob, line: LedgerRow | null, thread: string): Promise<Handled> {
    const known = line === null ? undefined : knownRow(line.item, 0);
    const row = { ...job, error: null };
    const budget = batch.budgetOf(row, known?.spent);
    const ending = followSignal(this.#giveBack.signal, batch.aborted);
    let item: BatchItem;
    try {
      item = await runRow(row, {
        spec: this.#spec,
        options: {
          ...underSpan(batch.options(this.#options, job.index, budget), batch.settings.caller ?? null),
          checkpointer: this.#saver,
          signal: ending.signal,
        },
        threads: batch.id,
        known,
        line: line?.item,
        // Somebody may begin to listen while the row runs.
        onEvent: (event: RunEvent) => {
          if (batch.isHeard) batch.events.tell(job, event);
        },
        ...(job.answer !== undefined && { answer: answerOf(job.answer) }),
      });
    } catch (error) {
      return this.#giveUp(error);
    } finally {
      ending.close(true);
    }
    const isBrokenOff = item.state === "cancelled" && item.error?.code !== "BUDGET_SPENT";
    if ((isBrokenOff && !batch.aborted.aborted) || item.error?.code === "THREAD_BUSY") {
      this.#givenBack++;
      return "given back";
    }
    if (item.state === "cancelled" && item.usage.modelCalls === 0) return "done";
    await batch.events.told();
    const { record, ...light } = item;
    const entered = {
      entry: randomUUID(),
      item: light,
      figures: record === undefined ? null : figuresOf(record),
      record: keepsRecord(batch, item) ? (record ?? null) : null,
    };
    const isDone = this.#options.checkpointer === undefined && standingOf(item) === "done";
    // Whoever sees the line may go on with the row.
    if (!isDone) await this.#saver.giveBack(thread);
    const handled = await this.#enter(batch, entered, isDone ? thread : null);
    await budget?.end().catch(() => {});
    return handled;
  }

  #lostRow({ key, index, inputHash, place }: RowJob, lost: number): LedgerRow {
    const { graph: dag } = this.#version;
    const message = `${lost} workers died with this row; it is not tried again.`;
    const facts = { key, index, inputHash, dag, ...(place !== null && { place }) };
    const item = failedItem(facts, { code: "ROW_LOST", message });
    return { entry: randomUUID(), item, figures: null, record: null };
  }

  /** @param thread The row's, where it is deleted with that. */
  async #enter(batch: SharedBatch, row: LedgerRow, thread: string | null): Promise<Handled> {
    await this.#contact.patiently(() => batch.append(row, thread));
    if (thread !== null) this.#saver.forget(thread);
    this.#count(batch, row.item);
    if (row.item.error?.code === "BUDGET_SPENT") await batch.end("budget");
    else await batch.judgeFailures(row.item);
    return "done";
  }

  #count({ id }: SharedBatch, { key, state }: BatchItem): void {
    const row = JSON.stringify([id, key]);
    if (state === "interrupted") {
      this.#waiting.add(row);
      return;
    }
    this.#waiting.delete(row);
    this.#done++;
    if (state === "failed") this.#failed++;
  }

  /** What every row would meet ends the worker; its rows go to others. */
  #giveUp(error: unknown): Handled {
    this.#givenBack++;
    if (errorCode(error) !== "STORE_FAILED") this.#fail(error);
    return "given back";
  }

  #fail(error: unknown): void {
    // A store that is out of reach may come back.
    if (this.#contact.isLost || this.#isEnding) return;
    this.#failure ??= { error };
    this.#giveBack.abort(error);
    this.#end();
  }

  async #batchOf({ batch: id, epoch }: RowJob): Promise<SharedBatch | null> {
    const known = this.#batches.get(id);
    if (known !== undefined && known.epoch >= epoch) return known.epoch === epoch ? known : null;
    const found = await this.#contact.patiently(() =>
      SharedBatch.read(this.#store, this.#contact, this.#id, id),
    );
    if (found === null || found.epoch !== epoch) return null;
    // Several rows may have asked at once: one limiter and one budget serve them all.
    const now = this.#batches.get(id);
    if (now !== undefined && now.epoch === epoch) return now;
    this.#batches.set(id, found);
    return found;
  }
}

/** The record of a row that waits is what its caller answers from. */
function keepsRecord({ settings, isAnswered }: SharedBatch, { state }: BatchItem): boolean {
  return settings.keepsRecords || (isAnswered && state === "interrupted");
}

/** Answers what was asked when they were given, and nothing that comes after. */
function answerOf({ given, to }: RowAnswer) {
  return async (record: RunRecord) => (questionsOf(record) === to ? given : null);
}
