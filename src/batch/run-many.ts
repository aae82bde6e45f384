import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { topologyOf } from "../../graphs/compile.js";
import { defaultTopology } from "../../graphs/topology.js";
import { asError, DagValidationError } from "../errors.js";
import { createBudget } from "../limits/budget.js";
import { createHedgeStatistics } from "../limits/hedge-statistics.js";
import type { LimitOptions } from "../limits/limit-options.js";
import { createLimiter } from "../limits/limiter.js";
import { createPrefixWarmth } from "../limits/prefix-warmth.js";
import { heardByMany } from "../models/abortable.js";
import type { RunRecord } from "../records/record.js";
import type { TypedRecord } from "../records/typed.js";
import type { RunDagOptions } from "../run/run.js";
import { fixedSpec } from "../spec/assert-valid.js";
import { dagHash, hashOf } from "../spec/canonical.js";
import { assertArgument, isObject } from "../spec/issue.js";
import type { DagSpec } from "../spec/shape.js";
import type { InputOf, OptionsFor, OutputOf } from "../spec/values.js";
import { makeFolder } from "../stores/make-folder.js";
import { replaceFile } from "../stores/replace-file.js";
import { storeError } from "../stores/store-error.js";
import { assertBatchOptions, type RowName, type RunManyOptions } from "./batch-options.js";
import type { EngineRows } from "./engine/engine-rows.js";
import { type InputRow, type NamedRow, nameRow } from "./input-row.js";
import type { BatchItem } from "./item.js";
import { ItemFeed } from "./item-feed.js";
import { ResultsFile } from "./results-file.js";
import { type KnownRow, RowTable } from "./row-table.js";
import { runRow } from "./run-row.js";
import { type BatchEnd, type BatchSummary, BatchSums, type RowFigures } from "./summary.js";
import { tooManyFailed } from "./too-many-failed.js";

/** A batch under way. It goes on whether or not its items are read; who reads slowly makes it wait. */
export interface Batch<Output = unknown, Record = RunRecord>
  extends AsyncIterable<BatchItem<Output, Record>> {
  /** What it came to, once every row is done. */
  readonly summary: Promise<BatchSummary>;
}

/** Inputs of a batch: read one by one, as rows are started. */
export type BatchInputs<Input> = Iterable<Input | InputRow> | AsyncIterable<Input | InputRow>;

const defaultConcurrency = 8;

/** Rows that may wait for the disk or for a person, besides those that run: lines that come together are written together. */
const mostResting = 128;

/** Rows between two breaths in which signals, readers and timers have their turn, where inputs come without a wait. */
const breathEvery = 128;

/**
 * Runs a spec on many inputs: a few at a time, in memory that does not grow with their number. With `results` each row's line is
 * on the disk before it counts as done, and the same call goes on after any crash: done rows are not run again, changed, new and
 * broken-off ones are. A row that fails, or whose input cannot be used, costs only itself. Items come in the order in which rows
 * end; whoever breaks off the reading ends the batch after the rows that run, unless `summary` was asked for before.
 * Iteration and `summary` reject with what every row would meet: DagValidationError, `MODEL_KEY_MISSING`, `CHECKPOINTER_MISSING`,
 * `RESULTS_BUSY`, `RESULTS_UNUSABLE`, `STORE_FAILED`, and what reading the inputs throws.
 * @example
 * for await (const { key, output } of runMany(feedback, ["Great lamp.", "It broke."], { results: "results.jsonl" })) {
 *   console.log(key, output);
 * }
 */
export function runMany<D extends DagSpec>(
  spec: D,
  inputs: BatchInputs<InputOf<D>>,
  ...[options]: OptionsFor<RunManyOptions<InputOf<D>>, D>
): Batch<OutputOf<D>, TypedRecord<RunRecord, D>> {
  const batch = new RunningBatch(spec, inputs, (options ?? {}) as RunManyOptions);
  const summary = batch.drive();
  // Whoever only iterates gets the error from the iteration; it must not count as unhandled.
  summary.catch(() => {});
  return {
    get summary() {
      batch.isAwaited = true;
      return summary;
    },
    [Symbol.asyncIterator]: () => batch.items.read() as AsyncIterator<any>,
  };
}

class RunningBatch {
  /** Whether somebody waits for the summary: then it goes on when its readers leave. */
  isAwaited = false;
  readonly items = new ItemFeed<BatchItem>(() => {
    if (!this.isAwaited) this.#end("finished");
  });
  #spec: DagSpec;
  readonly #inputs: BatchInputs<unknown>;
  readonly #options: RunManyOptions;
  readonly #rows = new RowTable();
  readonly #sums = new BatchSums();
  readonly #running = new Set<Promise<void>>();
  /** Rows that are being written down or wait for an answer: they take no slot. */
  #resting = 0;
  readonly #failures: unknown[] = [];
  #rowOptions: RunDagOptions = {};
  #threads = "";
  #results: ResultsFile | undefined;
  /** Where others work at the rows. */
  #engine: EngineRows | undefined;
  #ended: BatchEnd | undefined;
  /** Inputs that were read. */
  #met = 0;
  /** Wakes the reading of inputs: a row has ended, or the batch is to end. */
  #wake: () => void = () => {};

  constructor(spec: DagSpec, inputs: BatchInputs<unknown>, options: RunManyOptions) {
    this.#spec = spec;
    this.#inputs = inputs;
    this.#options = options;
  }

  async drive(): Promise<BatchSummary> {
    const startedMs = performance.now();
    const detach: (() => void)[] = [];
    try {
      await this.#begin(detach);
      await this.#readRows();
      if (this.#ended === undefined) await this.#engine?.allRead(this.#met);
      await Promise.all(this.#running);
      if (this.#failures.length > 0) throw this.#failures[0];
      const { topology = defaultTopology } = this.#options;
      const isComplete = this.#ended === undefined;
      const ended = this.#ended ?? (this.#isTooMany("now") ? "failures" : "done");
      const results = this.#results;
      this.#results = undefined;
      await results?.close(isComplete);
      const engine = this.#engine;
      this.#engine = undefined;
      await engine?.close(ended);
      const durationMs = performance.now() - startedMs;
      const summary = this.#sums.summary({ dag: this.#spec.name, topology, ended, durationMs });
      this.items.end(null);
      return summary;
    } catch (thrown) {
      const error = asError(thrown);
      await Promise.all(this.#running);
      await this.#results?.close(false).catch(() => {});
      await this.#engine?.close(null).catch(() => {});
      this.items.end({ error });
      throw error;
    } finally {
      for (const off of detach) off();
    }
  }

  async #begin(detach: (() => void)[]): Promise<void> {
    const { results, records, finish, signal, checkpointer, limits = {} } = this.#options;
    const spec = fixedSpec(this.#spec);
    this.#spec = spec;
    const runOptions = assertBatchOptions(spec, this.#inputs, this.#options);
    topologyOf(runOptions.topology ?? defaultTopology);
    if (records !== undefined) makeStoredFolder(records);
    if (results !== undefined) this.#results = await ResultsFile.open(results, this.#rows, dagHash(spec));
    this.#rowOptions = { ...runOptions, limits: this.#sharedLimits(limits) };
    const place = results === undefined ? "" : `-${hashOf(resolve(results))}`;
    this.#threads = this.#options.thread ?? `${spec.name}${checkpointer === undefined ? "" : place}`;
    const others = this.#results?.ofOtherGraph ?? 0;
    if (others > 0 && this.#options.retryChanged !== true) {
      this.#options.onNotice?.(
        `${others} of the rows in "${results}" were made by another version of the graph and are left as they are (\`retryChanged\` runs them again).`,
      );
    }
    const listen = (from: AbortSignal | undefined, end: BatchEnd) => {
      if (from === undefined) return;
      // Each row that runs, or waits for its thread, listens to it.
      heardByMany(from);
      const onAbort = () => this.#end(end);
      if (from.aborted) onAbort();
      else from.addEventListener("abort", onAbort, { once: true });
      detach.push(() => from.removeEventListener("abort", onAbort));
    };
    listen(finish, "finished");
    listen(signal, "aborted");
    if (this.#options.engine !== undefined) await this.#openEngine(this.#options.engine, runOptions, place);
  }

  /** Rows go to workers elsewhere, and limits and budgets with them. */
  async #openEngine(engine: string, runOptions: RunDagOptions, place: string): Promise<void> {
    const { thread, concurrency, retryFailed = false, retryChanged = false, onNotice } = this.#options;
    const { onRowEvent, answer } = this.#options;
    const { sentOptions } = await import("./engine/sent-options.js");
    const { EngineRows } = await import("./engine/engine-rows.js");
    const { signal: _, ...sent } = runOptions;
    const { settings, issues } = sentOptions(this.#options, sent);
    if (issues.length > 0) throw new DagValidationError("The options", issues);
    const id = thread ?? `${this.#spec.name}${place}`;
    this.#engine = await EngineRows.open(this.#spec, {
      engine,
      id,
      topology: runOptions.topology ?? defaultTopology,
      settings,
      again: { retryFailed, retryChanged },
      spent: this.#results?.spent ?? { modelCalls: 0, tokens: 0, costUsd: 0 },
      ...(concurrency !== undefined && { concurrency }),
      onEnded: (why) => this.#end(why),
      onNotice: onNotice ?? (() => {}),
      ...(onRowEvent !== undefined && { onRowEvent }),
      ...(answer !== undefined && { answer }),
    });
    if (this.#ended !== undefined) this.#engine.end(this.#ended);
    onNotice?.(
      `Batch ${id}: agent-dag batch --follow ${id} --engine … looks on from elsewhere, --cancel ${id} ends it.`,
    );
  }

  /** Rows share their limiter as one batch, which takes turns with others; earlier rows go first, so that rows are finished. */
  #optionsOf(index: number): RunDagOptions {
    const { limits = {} } = this.#rowOptions;
    const { sharer = "", order = 0 } = limits.place ?? {};
    return { ...this.#rowOptions, limits: { ...limits, place: { sharer, order: order + index } } };
  }

  /** One limiter, one budget, one hedging statistic and one knowledge of what is warm for all rows; what the results file holds has been spent. */
  #sharedLimits(limits: LimitOptions): LimitOptions {
    const {
      maxTokens,
      maxCostUsd,
      maxModelCalls,
      budget,
      limiter,
      hedgeStatistics,
      warmth,
      place,
      ...rates
    } = limits;
    const budgets = {
      ...(maxTokens !== undefined && { maxTokens }),
      ...(maxCostUsd !== undefined && { maxCostUsd }),
      ...(maxModelCalls !== undefined && { maxModelCalls }),
    };
    const { modelCalls = 0, tokens = 0, costUsd = 0 } = this.#results?.spent ?? {};
    const used = { modelCalls, inputTokens: tokens, outputTokens: 0, costUsd };
    const shared = budget ?? createBudget(budgets, { used, owner: "batch" });
    return {
      limiter: limiter ?? createLimiter(rates),
      hedgeStatistics: hedgeStatistics ?? createHedgeStatistics(),
      warmth: warmth ?? createPrefixWarmth(),
      place: place ?? { sharer: `batch ${randomUUID()}`, order: 0 },
      ...(shared !== null && { budget: shared }),
    };
  }

  /** Starts no more rows. */
  #end(why: BatchEnd): void {
    if (this.#ended === undefined || why === "aborted") this.#ended = why;
    this.#engine?.end(this.#ended);
    this.#wake();
  }

  async #readRows(): Promise<void> {
    const { concurrency = defaultConcurrency, key } = this.#options;
    const source = iteratorOf(this.#inputs);
    let index = 0;
    try {
      for (;;) {
        while (!this.#hasSlot(concurrency)) await this.#orEnded(null);
        if (!this.items.hasRoom) await this.#orEnded(this.items.room());
        if (this.#ended !== undefined) break;
        const coming = source.next();
        // Inputs may be slow to come: whoever ends the batch does not wait for the next one.
        const next = coming instanceof Promise ? await this.#orEnded(coming) : await coming;
        if (next === undefined) break;
        assertArgument("runMany", isObject(next), ["inputs", next, "an iterable whose `next` gives objects"]);
        if (next.done === true) break;
        // Asked only when there is another row: a budget that the last one spent to the end was enough.
        if (this.#rowOptions.limits?.budget?.spent) this.#end("budget");
        if (this.#ended !== undefined) break;
        const row = nameRow(next.value, index++, key, this.#rows);
        this.#met = index;
        const known = this.#results?.find(row.key);
        if (known !== undefined && this.#isDone(row, known)) this.#passOn(row, known);
        else this.#start(row, known);
        if (index % breathEvery === 0) await new Promise(setImmediate);
      }
    } finally {
      // A reader that waits for its source would answer only when that does.
      if (this.#ended !== undefined) void Promise.resolve(source.return?.()).catch(() => {});
    }
  }

  /**
   * What the promise gives, or `undefined` once a row has ended or the batch is to end. One wait at a time, so that nothing is left
   * behind by those that are over.
   */
  #orEnded<T>(promise: Promise<T> | null): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        if (promise === null || this.#ended !== undefined) resolve(undefined);
      };
      promise?.then(resolve, reject);
    });
  }

  #hasSlot(concurrency: number): boolean {
    if (this.#engine !== undefined) return this.#engine.hasRoom;
    return this.#running.size - this.#resting < concurrency && this.#resting < mostResting;
  }

  #isDone({ inputHash }: NamedRow, known: KnownRow): boolean {
    if (known.inputHash !== inputHash) return false;
    if (known.standing === "open" || (known.standing === "failed" && this.#options.retryFailed)) return false;
    if (this.#options.retryChanged !== true) return true;
    return this.#results?.read(known.offset).dag === dagHash(this.#spec);
  }

  /** A row that the results file holds. */
  #passOn({ index, place }: NamedRow, known: KnownRow): void {
    const results = this.#results as ResultsFile;
    const item = {
      ...results.read(known.offset),
      index,
      ...(place !== null && { place }),
      reused: true as const,
    };
    this.#sums.add(item);
    this.items.push(item);
  }

  #start(row: NamedRow, known: KnownRow | undefined): void {
    const running = this.#run(row, known).catch((error) => {
      this.#failures.push(error);
      this.#end("failures");
    });
    this.#running.add(running);
    void running.then(() => {
      this.#running.delete(running);
      this.#wake();
    });
  }

  async #run(row: NamedRow, known: KnownRow | undefined): Promise<void> {
    if (this.#engine !== undefined && row.error === null) return this.#runElsewhere(row, this.#engine);
    const results = this.#results;
    const line = known === undefined ? undefined : results?.read(known.offset);
    const { onRowEvent, answer } = this.#options;
    const name: RowName = { key: row.key, index: row.index };
    const item = await runRow(row, {
      spec: this.#spec,
      options: this.#optionsOf(row.index),
      threads: this.#threads,
      known,
      line,
      ...(onRowEvent !== undefined && { onEvent: (event) => onRowEvent(event, name) }),
      ...(answer !== undefined && { answer: (record) => this.#rest(() => answer(record, name)) }),
    });
    await this.#rest(() => this.#writeDown(row, item));
  }

  /** Waits for something while the row takes no slot. */
  async #rest<T>(wait: () => Promise<T>): Promise<T> {
    this.#resting++;
    this.#wake();
    try {
      return await wait();
    } finally {
      this.#resting--;
    }
  }

  async #runElsewhere(row: NamedRow, engine: EngineRows): Promise<void> {
    const result = await engine.run(row);
    if (result !== null) await this.#writeDown(row, result.item, result.figures ?? undefined);
  }

  async #writeDown(row: NamedRow, item: BatchItem, figures?: RowFigures): Promise<void> {
    const { record } = item;
    // Counted before it is written down: what is started meanwhile would not have been.
    this.#sums.add(item, figures);
    if (item.error?.code === "BUDGET_SPENT") this.#end("budget");
    if (item.state === "failed" && this.#isTooMany("so far")) this.#end("failures");
    // A row that was ended before it sent anything has not been started, as far as the results know.
    const isUntouched = item.state === "cancelled" && item.usage.modelCalls === 0;
    const kept = isUntouched || record === undefined ? Promise.resolve() : this.#keepRecord(row.key, record);
    try {
      // The row was paid for: its line is tried whatever becomes of its record.
      await Promise.allSettled([kept]);
      if (!isUntouched) await this.#results?.append(item);
      await kept;
    } finally {
      // Whoever reads the items has it, even where it could not be written.
      const { record: _, ...light } = item;
      this.items.push(this.items.isRead ? item : light);
    }
  }

  async #keepRecord(key: string, record: RunRecord): Promise<void> {
    const folder = this.#options.records;
    if (folder === undefined) return;
    const file = join(folder, recordName(key));
    try {
      await replaceFile(file, JSON.stringify(record));
    } catch (error) {
      throw storeError(error, file);
    }
  }

  #isTooMany(when: "so far" | "now"): boolean {
    const { failedNow: failed, ranNow: ran } = this.#sums;
    return tooManyFailed(this.#options.maxFailures, { failed, ran }, when);
  }
}

function makeStoredFolder(path: string): void {
  try {
    makeFolder(path);
  } catch (error) {
    throw storeError(error, path);
  }
}

/** The file that a row's record is in: its key, where that is a file's name everywhere, else a readable part and its hash. */
export function recordName(key: string): string {
  if (/^[a-z0-9_][a-z0-9_.-]{0,99}$/.test(key)) return `${key}.json`;
  return `${key.replaceAll(/[^\w.-]+|^\.+/g, "_").slice(0, 60)}-${hashOf(key)}.json`;
}

function iteratorOf(inputs: BatchInputs<unknown>): AsyncIterator<unknown> | Iterator<unknown> {
  const iterator: unknown =
    Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
  const next = isObject(iterator) ? iterator.next : undefined;
  assertArgument("runMany", typeof next === "function", [
    "inputs",
    inputs,
    "a list or an (async) iterable of inputs",
  ]);
  return iterator as AsyncIterator<unknown> | Iterator<unknown>;
}
