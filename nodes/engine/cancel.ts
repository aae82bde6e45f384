import { caught, DagError, type ErrorCode, errorMessage } from "../../src/errors.js";
import { heardByMany } from "../../src/models/abortable.js";
import { cancelled, failed, type Outcome, type OutcomeTimes, skipped } from "../../src/records/outcome.js";

/** Why work was cancelled from outside. */
export type CancelCode = "aborted" | "deadline" | "not-needed" | "fail-fast" | "budget" | "rejected";

/** What a call that was cut off by it records. */
const cancels: Readonly<Record<CancelCode, { readonly code: ErrorCode }>> = {
  aborted: { code: "STOPPED_ABORTED" },
  deadline: { code: "STOPPED_DEADLINE" },
  "not-needed": { code: "STOPPED_NOT_NEEDED" },
  "fail-fast": { code: "STOPPED_FAIL_FAST" },
  budget: { code: "STOPPED_BUDGET" },
  rejected: { code: "STOPPED_REJECTED" },
};

/** The reason of every abort signal that this package aborts. */
export class CancelError extends DagError {
  readonly cancel: CancelCode;

  constructor(
    cancel: CancelCode,
    message: string,
    { cause, ...facts }: { readonly cause?: unknown; readonly [fact: string]: unknown } = {},
  ) {
    super(cancels[cancel].code, message, { cause, facts });
    this.cancel = cancel;
  }
}

/** The run on a thread is cancelled for good: `resume` does not go on with it. A run inside it, on another thread, is aborted. */
export class RunCancelled extends CancelError {
  readonly thread: string;

  constructor(thread: string, message = "The run was cancelled.") {
    super("aborted", message, { thread });
    this.thread = thread;
  }
}

/** An abort reason of any origin as a {@link CancelError}: a user's own signal reads as `aborted`. */
export function cancelOf(given: unknown): CancelError {
  const reason = caught(given);
  if (reason instanceof CancelError) return reason;
  const detail = reason === undefined || isAbortError(reason) ? "" : `: ${errorMessage(reason)}`;
  return new CancelError("aborted", `The run was aborted${detail}.`, { cause: reason });
}

function isAbortError(reason: unknown): boolean {
  // By its name alone: a test runner's own realm has another `Error`.
  try {
    return (reason as Error | undefined)?.name === "AbortError";
  } catch {
    return false;
  }
}

/**
 * How work settles when it is cancelled: a deadline times out what runs and skips what had not started; a budget and a
 * rejection skip; everything else cancels.
 */
export function cancelledOutcome(error: CancelError, running: boolean, times: OutcomeTimes): Outcome {
  const { cancel, message } = error;
  if (cancel === "deadline" && running) return failed(times, { code: "DEADLINE", message }, "timed-out");
  const skips = cancel === "budget" || cancel === "rejected" || cancel === "deadline";
  return (skips ? skipped : cancelled)(times, cancel, message);
}

/**
 * Cancels a piece of work, once. What an `AbortController` does, for thousands of nodes: a signal is made only for work
 * that asks for one.
 */
export class Canceller {
  #reason: DagError | undefined;
  #controller: AbortController | undefined;
  #listeners: Set<(reason: DagError) => void> | undefined;

  /** Why the work was cancelled; `undefined` while it was not. */
  get reason(): DagError | undefined {
    return this.#reason;
  }

  /** Aborted with the reason; the same one each time. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // All of a node's requests and tools may listen to it.
      heardByMany(this.#controller.signal);
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Cancels the work; only the first reason counts. */
  cancel(reason: DagError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener(reason);
  }

  /** Calls back when the work is cancelled, at once when it is. Gives what takes the callback back. */
  onCancel(listener: (reason: DagError) => void): () => void {
    if (this.#reason !== undefined) {
      listener(this.#reason);
      return () => {};
    }
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => void this.#listeners?.delete(listener);
  }
}

/** Cancels `inner` together with `outer`, and with what `late` gives after `timeoutMs`. Gives what puts an end to both. */
export function cancelLate(
  inner: Canceller,
  outer: Canceller,
  timeoutMs: number,
  late: () => DagError,
): () => void {
  const detach = outer.onCancel((reason) => inner.cancel(reason));
  const timer = setTimeout(() => inner.cancel(late()), timeoutMs);
  return () => {
    clearTimeout(timer);
    detach();
  };
}

/**
 * What `work` gives, or the reason as soon as it is cancelled: work that ignores its signal is left behind.
 * @throws DagError the canceller's reason when it is cancelled first.
 */
export function untilCancelled<T>(work: Promise<T>, canceller: Canceller): Promise<T> {
  return new Promise((resolve, reject) => {
    const detach = canceller.onCancel(reject);
    work.then(
      (value) => {
        detach();
        resolve(value);
      },
      (error) => {
        detach();
        reject(error);
      },
    );
  });
}
