import { setMaxListeners } from "node:events";
import { abortError } from "./model-error.js";

/** A signal of its own that also follows others, until it is closed. */
export interface FollowingSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Detaches from the other signals; aborts what still runs, unless everything is known to have ended. */
  close(hasEnded?: boolean): void;
}

const quiet = new WeakSet<AbortSignal>();

/** Lets any number of calls and runs listen to a signal, without Node's warning of more than 10. */
export function heardByMany(signal: AbortSignal): void {
  if (quiet.has(signal)) return;
  quiet.add(signal);
  try {
    setMaxListeners(0, signal);
  } catch {
    // A signal of another make: Node counts no listeners of it.
  }
}

/**
 * A controller that follows other signals, which all calls of a run may follow, until it is closed: nothing stays attached to
 * them.
 */
export function followSignal(...signals: readonly AbortSignal[]): FollowingSignal {
  const controller = new AbortController();
  const detach = signals.map((signal) => {
    const follow = () => controller.abort(signal.reason);
    if (signal.aborted) follow();
    else {
      heardByMany(signal);
      signal.addEventListener("abort", follow, { once: true });
    }
    return () => signal.removeEventListener("abort", follow);
  });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    close(hasEnded = false) {
      for (const off of detach) off();
      if (!hasEnded) controller.abort();
    },
  };
}

/** Settles like `work`, or rejects as soon as the signal is aborted, also where the work pays it no heed. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(abortError(signal));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/**
 * Iterates `stream` until it ends or the signal is aborted. Does not wait for an aborted stream's own end. Written out
 * rather than as a generator, which would cost each piece of every reply several promises.
 */
export function iterateUntilAborted<T>(stream: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = stream[Symbol.asyncIterator]();
      let stop = () => {};
      const onAbort = () => stop();
      signal.addEventListener("abort", onAbort, { once: true });
      const over = () => signal.removeEventListener("abort", onAbort);
      const leave = () => {
        over();
        void Promise.resolve(iterator.return?.()).catch(() => undefined);
      };
      return {
        next: () =>
          new Promise<IteratorResult<T>>((resolve, reject) => {
            stop = () => {
              leave();
              reject(abortError(signal));
            };
            iterator.next().then(
              (result) => {
                if (result.done === true) over();
                resolve(result);
              },
              (error: unknown) => {
                over();
                reject(error);
              },
            );
            if (signal.aborted) stop();
          }),
        async return() {
          leave();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
