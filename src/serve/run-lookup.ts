import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { RunEvent } from "../records/events.js";
import type { DagSpec } from "../spec/shape.js";
import type { KeptRuns } from "./kept-runs.js";
import { isRunName, type RunEntry, type RunIndex } from "./run-index.js";
import type { ServedRun } from "./served-run.js";
import { readServedRun } from "./stored-runs.js";

/** A run that another process drives is looked at in the store this often while somebody follows it, in milliseconds. */
const lookEveryMs = 500;

/** Where runs are. */
interface LookupIn {
  /** Those in memory. */
  readonly runs: KeptRuns;
  /** Those of the store; `null` without one. */
  readonly stored: { readonly index: RunIndex; readonly store: BaseCheckpointSaver } | null;
  readonly specs: ReadonlyMap<string, DagSpec>;
}

/** Finds the runs of a service in memory and in its store, and looks there what other processes do with them. */
export class RunLookup {
  readonly #in: LookupIn;
  readonly #followed = new Set<ServedRun>();
  #hasEnded = false;

  constructor(places: LookupIn) {
    this.#in = places;
  }

  /** In memory, or else as the store has it; there too where more may have happened in another process. */
  async find(id: string): Promise<ServedRun | null> {
    const { runs } = this.#in;
    const here = runs.get(id);
    if (here !== undefined && (here.part !== null || !here.isOpen)) return here;
    const now = await this.stored(id);
    if (now === null) return here ?? null;
    const again = runs.get(now.id);
    if (again === undefined) {
      // Whoever reads many old runs fills nothing.
      runs.forgetOld();
      runs.keep(now);
    } else if (again.part === null) again.catchUp(now);
    return again ?? now;
  }

  /** As the store has it now. */
  async stored(id: string): Promise<ServedRun | null> {
    const { stored, specs } = this.#in;
    return stored === null || !isRunName(id) ? null : readServedRun({ id, ...stored, specs });
  }

  /** The runs, newest first. Of those that wait, the store is asked whether they still do. */
  async *list(before?: string): AsyncGenerator<RunEntry> {
    const { runs, stored } = this.#in;
    if (stored === null) {
      const all = runs.all().map((it) => it.entry());
      for (const entry of all.sort((a, b) => (a.id < b.id ? 1 : -1)))
        if (before === undefined || entry.id < before) yield entry;
      return;
    }
    for await (const entry of stored.index.list(before)) {
      const it = runs.get(entry.id);
      if (it !== undefined && (it.part !== null || !it.isOpen)) yield it.entry();
      else if (entry.state !== "interrupted") yield entry;
      else yield (await this.find(entry.id))?.entry() ?? entry;
    }
  }

  /** The events of a run after a number, as they happen, whichever process drives it. */
  read(it: ServedRun, after: number, signal: AbortSignal): AsyncGenerator<RunEvent> {
    if (it.part === null && this.#in.stored !== null) void this.#follow(it);
    return it.feed.read(after, () => it.isOpen, signal);
  }

  /** Whether another process on the same store may have told an event of a run under this number. */
  mayHaveTold(it: ServedRun, number: number): boolean {
    return number < it.feed.last || (this.#in.stored !== null && it.feed.mayBeOfAnother(number));
  }

  /** Nothing is followed any longer. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Tells those who follow a run what another process does with it, until they have gone or it goes on here. */
  async #follow(it: ServedRun): Promise<void> {
    if (this.#followed.has(it)) return;
    this.#followed.add(it);
    for (let waitMs = lookEveryMs; ; ) {
      await new Promise((resolve) => void setTimeout(resolve, waitMs).unref());
      if (it.feed.readers === 0 || it.part !== null || !it.isOpen || this.#hasEnded) break;
      const from = performance.now();
      // A store that fails is asked again.
      const now = await this.stored(it.id).catch(() => null);
      waitMs = Math.max(lookEveryMs, 10 * (performance.now() - from));
      if (now !== null && it.part === null) it.catchUp(now);
    }
    this.#followed.delete(it);
    if (this.#hasEnded) it.feed.close();
  }
}
