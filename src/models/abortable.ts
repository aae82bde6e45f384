import { setMaxListeners } from "node:events";
import { abortError } from "./model-error.js";

/** A signal of its own that also follows another one, until it is closed. */
export interface FollowingSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Detaches from the other signal; aborts what still runs, unless everything is known to have ended. */
  close(hasEnded?: boolean): void;
}

/** Signals of which any number of calls may hear. */
const quiet = new WeakSet<AbortSignal>();

/**
 * A controller that follows another signal until it is closed, so that nothing stays attached to that signal. All calls
 * of a run follow one signal: Node's warning of more than 10 listeners is switched off for it.
 */
export function followSignal(signal: AbortSignal): FollowingSignal {
  const controller = new AbortController();
  const follow = () => controller.abort(signal.reason);
  if (signal.aborted) follow();
  else {
    if (!quiet.has(signal)) {
      quiet.add(signal);
      setMaxListeners(0, signal);
    }
    signal.addEventListener("abort", follow, { once: true });
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    close(hasEnded = false) {
      signal.removeEventListener("abort", follow);
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
