import { createHedgeStatistics } from "../../limits/hedge-statistics.js";
import type { LimitOptions } from "../../limits/limit-options.js";
import { createPrefixWarmth } from "../../limits/prefix-warmth.js";
import { simulateLatency } from "../../models/simulate-latency.js";
import type { RunDagOptions } from "../../run/run.js";
import { hashOf } from "../../spec/canonical.js";
import type { NamedRow } from "../input-row.js";
import type { BatchItem } from "../item.js";
import type { Spent } from "../row-table.js";
import type { BatchEnd } from "../summary.js";
import { tooManyFailed } from "../too-many-failed.js";
import { type BatchDocument, type BatchSettings, documents, endBatch } from "./batch-document.js";
import type { Contact } from "./contact.js";
import type { EngineStore, LedgerRow } from "./engine-store.js";
import { RowEventsTeller } from "./row-events.js";
import { type RowBudget, SharedBudget } from "./shared-budget.js";
import { SharedLimiter } from "./shared-limiter.js";
import type { PauseState } from "./shared-pauses.js";
import { Together } from "./together.js";

const noneSpent: Spent = { modelCalls: 0, tokens: 0, costUsd: 0 };

/** A batch as one worker sees it: what its rows are run with, and what they share with those of other workers. */
export class SharedBatch {
  readonly settings: BatchSettings;
  readonly events: RowEventsTeller;
  /** Rows of it that this worker has at hand. */
  rows = 0;
  #document: BatchDocument;
  readonly #store: EngineStore;
  readonly #abort = new AbortController();
  readonly #limiter: SharedLimiter;
  readonly #limits: LimitOptions;
  readonly #budget: SharedBudget | null;
  readonly #finds: Together<string, LedgerRow | null>;
  readonly #appends: Together<{ readonly row: LedgerRow; readonly thread: string | null }, null>;
  readonly #failures: Together<boolean, boolean>;

  private constructor(
    store: EngineStore,
    contact: Contact,
    worker: string,
    document: BatchDocument,
    settings: BatchSettings,
  ) {
    const { id } = document;
    const limits: LimitOptions = settings.options.limits ?? {};
    this.#store = store;
    this.#document = document;
    this.settings = settings;
    this.events = new RowEventsTeller(store, id);
    const hasBudget = [limits.maxTokens, limits.maxCostUsd, limits.maxModelCalls].some(
      (limit) => limit !== undefined,
    );
    this.#budget = hasBudget
      ? new SharedBudget({ store, contact, document: documents.budget(id), limits })
      : null;
    this.#limiter = new SharedLimiter({
      store,
      contact,
      document: documents.limits(id),
      pauses: documents.pauses(id),
      worker,
      limits,
    });
    this.#limits = {
      limiter: this.#limiter,
      hedgeStatistics: createHedgeStatistics(),
      warmth: createPrefixWarmth(),
    };
    this.#finds = new Together((keys) => store.find(id, keys));
    this.#appends = new Together(async (entries) => {
      await store.append(
        id,
        entries.map(({ row }) => row),
        entries.flatMap(({ thread }) => (thread === null ? [] : [thread])),
      );
      return entries.map(() => null);
    }, 100);
    this.#failures = new Together((failed) => this.#countFailures(failed));
  }

  /** Reads a batch and what it is run with; `null` where it is not known any more. */
  static async read(
    store: EngineStore,
    contact: Contact,
    worker: string,
    id: string,
  ): Promise<SharedBatch | null> {
    const [document] = (await store.read([documents.batch(id)])) as [BatchDocument | null];
    if (document === null) return null;
    const [settings] = (await store.read([documents.settings(id, document.epoch)])) as [BatchSettings | null];
    return settings === null ? null : new SharedBatch(store, contact, worker, document, settings);
  }

  get id(): string {
    return this.#document.id;
  }

  get epoch(): number {
    return this.#document.epoch;
  }

  get ended(): BatchEnd | null {
    return this.#document.ended;
  }

  /** Whether somebody takes the events of its rows. */
  get isHeard(): boolean {
    return this.#document.isHeard;
  }

  /** Whether somebody answers rows that wait for a person. */
  get isAnswered(): boolean {
    return this.#document.isAnswered;
  }

  get topology(): NonNullable<RunDagOptions["topology"]> {
    return this.#document.topology as NonNullable<RunDagOptions["topology"]>;
  }

  /** Aborted when the rows that run are to be ended. */
  get aborted(): AbortSignal {
    return this.#abort.signal;
  }

  /** Enters what the store says of the batch now. */
  tell(document: BatchDocument): void {
    this.#document = document;
    if (document.ended === "aborted" && !this.aborted.aborted) {
      this.#abort.abort(new DOMException("The batch was cancelled.", "AbortError"));
    }
  }

  /** Enters the pauses that providers have asked other workers for. @param nowMs The store's clock. */
  hear(pauses: PauseState | null, nowMs: number): void {
    this.#limiter.hear(pauses, nowMs);
  }

  /** Lets no more rows of it be started, anywhere. */
  async end(why: BatchEnd): Promise<void> {
    if (this.ended !== null) return;
    this.tell({ ...this.#document, ended: why });
    await endBatch(this.#store, this.id, this.epoch, why);
  }

  find(key: string): Promise<LedgerRow | null> {
    return this.#finds.ask(key);
  }

  /** Enters a row's line. @param thread Its thread, where that is deleted with it. */
  async append(row: LedgerRow, thread: string | null): Promise<void> {
    await this.#appends.ask({ row, thread });
  }

  /** The row's part of the batch's budget; `null` where it has none. */
  budgetOf({ key, inputHash }: Pick<NamedRow, "key" | "inputHash">, before = noneSpent): RowBudget | null {
    return this.#budget?.forRow(hashOf([key, inputHash]), before) ?? null;
  }

  /** What a row is run with: what the batch says, and what only the worker has. */
  options(
    { model, models, use = [], context, prices, onEvent }: RunDagOptions,
    index: number,
    budget: RowBudget | null,
  ): RunDagOptions {
    const { options, simulate } = this.settings;
    const { profile, seed, speed } = simulate ?? {};
    return {
      ...(model !== undefined && { model }),
      ...(models !== undefined && { models }),
      ...(prices !== undefined && { prices }),
      ...options,
      topology: this.topology,
      ...(context !== undefined && { context }),
      ...(onEvent !== undefined && { onEvent }),
      use: [
        ...(profile === undefined ? [] : [simulateLatency(profile, { seed: seed ?? 1, speed: speed ?? 1 })]),
        ...use,
      ],
      limits: {
        ...this.#limits,
        ...(budget !== null && { budget }),
        place: { sharer: this.id, order: index },
      },
    };
  }

  /** Counts a row that was run, and ends the batch once more have failed than may. */
  async judgeFailures({ state }: BatchItem): Promise<void> {
    if (this.settings.maxFailures === null) return;
    if (await this.#failures.ask(state === "failed")) await this.end("failures");
  }

  async #countFailures(failed: readonly boolean[]): Promise<boolean[]> {
    const { maxFailures } = this.settings;
    const isOver = await this.#store.change([documents.failures(this.id)], ([found]) => {
      const before = (found as { failed: number; ran: number } | null) ?? { failed: 0, ran: 0 };
      const now = {
        failed: before.failed + failed.filter(Boolean).length,
        ran: before.ran + failed.length,
      };
      return { write: [now], result: tooManyFailed(maxFailures ?? undefined, now, "so far") };
    });
    return failed.map(() => isOver);
  }
}
