import { setMaxListeners } from "node:events";
import type { DagError } from "../../src/errors.js";

/**
 * Stops a piece of work, once. What an `AbortController` does, for thousands of nodes: a signal is made only for work that
 * asks for one.
 */
export class Stopper {
  #reason: DagError | undefined;
  #controller: AbortController | undefined;
  #listeners: Set<(reason: DagError) => void> | undefined;

  /** Why the work was stopped; `undefined` while it was not. */
  get reason(): DagError | undefined {
    return this.#reason;
  }

  /** Aborted with the reason; the same one each time. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // All of a node's requests and tools may listen to it.
      setMaxListeners(0, this.#controller.signal);
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Stops the work; only the first reason counts. */
  stop(reason: DagError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener(reason);
  }

  /** Calls back when the work is stopped, at once when it is. Gives what takes the callback back. */
  onStop(listener: (reason: DagError) => void): () => void {
    if (this.#reason !== undefined) {
      listener(this.#reason);
      return () => {};
    }
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => void this.#listeners?.delete(listener);
  }
}
