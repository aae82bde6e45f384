import type { ServedRun } from "./served-run.js";

/** How many ended runs stay, and how long. */
export interface KeepRules {
  /** Most ended runs. */
  readonly most: number;
  /** Longest that one stays, in milliseconds. */
  readonly longestMs: number;
  /** Whether a run that waits for an answer may go: it can be read again from a store. */
  readonly waitingToo: boolean;
}

/** The runs that a service has in memory, by id and by thread. */
export class KeptRuns {
  readonly #rules: KeepRules;
  readonly #byId = new Map<string, ServedRun>();
  readonly #byThread = new Map<string, ServedRun>();

  constructor(rules: KeepRules) {
    this.#rules = rules;
  }

  /** By its id, or by its thread. */
  get(name: string): ServedRun | undefined {
    return this.#byId.get(name) ?? this.#byThread.get(name);
  }

  all(): ServedRun[] {
    return [...this.#byId.values()];
  }

  /** The parts of runs that are under way. */
  parts(): Promise<void>[] {
    return this.all().flatMap(({ part }) => (part === null ? [] : [part.done]));
  }

  keep(it: ServedRun): void {
    this.#byId.set(it.id, it);
    this.#byThread.set(it.thread, it);
  }

  forget(it: ServedRun): void {
    it.feed.close();
    it.page?.close();
    if (this.#byId.get(it.id) === it) this.#byId.delete(it.id);
    if (this.#byThread.get(it.thread) === it) this.#byThread.delete(it.thread);
  }

  /** Lets go of ended runs that nobody reads: the oldest beyond the most that stay, and those that stayed long enough. */
  forgetOld(): void {
    const { most, longestMs, waitingToo } = this.#rules;
    const old = this.all().filter(
      (it) => it.part === null && it.feed.readers === 0 && (waitingToo || !it.waits),
    );
    old.sort((a, b) => a.settledAt - b.settledAt);
    const latest = Date.now() - longestMs;
    for (const [at, it] of old.entries()) {
      if (at < old.length - most || it.settledAt < latest) this.forget(it);
    }
  }
}
