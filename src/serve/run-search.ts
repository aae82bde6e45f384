import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { storedRun } from "../../graphs/stored-run.js";
import { waitingThreads } from "../../graphs/thread.js";
import { errorCode, errorMessage } from "../errors.js";
import type { DagSpec } from "../spec/shape.js";
import { isDriven } from "../stores/thread-lease.js";
import type { RunEntry, RunIndex } from "./run-index.js";

/** Runs whose process is gone are looked for this often, in milliseconds. */
const searchEveryMs = 5000;

/** What the search needs of the service that it is for. */
interface SearchFor {
  readonly index: RunIndex;
  readonly store: BaseCheckpointSaver;
  readonly specs: ReadonlyMap<string, DagSpec>;
  /** Whether a run is under way in this service. */
  isHere(id: string): boolean;
  /** Resolves once one more run may be under way. */
  room(): Promise<void>;
  /** Goes on with a run; resolves once it has begun, rejects with what is wrong before. */
  goOn(entry: RunEntry, dag: DagSpec): Promise<void>;
  notice(message: string): void;
}

/** Looks in the store for runs whose process is gone, when a service begins and as long as it lives, and has them go on. */
export class RunSearch {
  readonly #for: SearchFor;
  /** Runs that cannot go on here, as was told. */
  readonly #hopeless = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(service: SearchFor) {
    this.#for = service;
  }

  /** Resolves once all that were found at first are begun; never rejects. */
  async begin(): Promise<void> {
    const from = performance.now();
    try {
      await this.#takeUpAll();
    } catch (error) {
      this.#for.notice(`The runs of the store cannot be read: ${errorMessage(error)}`);
    }
    if (this.#hasEnded) return;
    // A store that is slow is not kept busy by it.
    const waitMs = Math.max(searchEveryMs, 20 * (performance.now() - from));
    this.#timer = setTimeout(() => void this.begin(), waitMs).unref();
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }

  async #takeUpAll(): Promise<void> {
    let isNew = true;
    for await (const entry of this.#for.index.underWay()) {
      isNew = false;
      await this.#for.room();
      if (this.#hasEnded) return;
      await this.#takeUp(entry);
    }
    if (!isNew) return;
    for await (const _ of this.#for.index.list()) return;
    await this.#adopt();
  }

  /** One whose driver lives, or may still live, is looked at again the next time. */
  async #takeUp(entry: RunEntry): Promise<void> {
    const dag = this.#for.specs.get(entry.dag);
    if (dag === undefined || this.#hopeless.has(entry.id) || this.#for.isHere(entry.id)) return;
    if (await isDriven(this.#for.store, entry.thread)) return;
    try {
      await this.#for.goOn(entry, dag);
    } catch (error) {
      // Another service was faster.
      if (errorCode(error) === "THREAD_BUSY") return;
      this.#hopeless.add(entry.id);
      this.#for.notice(`The run ${entry.id} cannot go on: ${errorMessage(error)}`);
    }
  }

  /** In a store that no service has used yet, runs that wait may have been started by others: they are listed too. */
  async #adopt(): Promise<void> {
    const { index, store, specs } = this.#for;
    for (const { thread, dag, startedAt, interrupts } of await waitingThreads(store)) {
      if (!specs.has(dag)) continue;
      const stored = await storedRun(store, thread);
      if (stored === null) continue;
      const { id } = stored.record;
      await index.put({ id, thread, dag, startedAt, state: "interrupted", takenUp: 0, interrupts });
    }
  }
}
