import { DagError, errorMessage } from "../../src/errors.js";
import type { OutcomeError, OutcomeReason } from "../../src/records/outcome.js";
import type { Stopper } from "./stopper.js";

/** Why work was stopped from outside. */
export type StopCode = "aborted" | "deadline" | "not-needed" | "fail-fast" | "budget" | "approval";

/** The reason of every abort signal that this package aborts. */
export class StopError extends DagError {
  readonly stop: StopCode;

  constructor(
    stop: StopCode,
    message: string,
    { cause, ...facts }: { readonly cause?: unknown; readonly [fact: string]: unknown } = {},
  ) {
    super(`STOPPED_${stop.toUpperCase().replace("-", "_")}`, message, { cause, facts });
    this.stop = stop;
  }
}

/** An abort reason of any origin as a {@link StopError}: a user's own signal reads as `aborted`. */
export function stopOf(reason: unknown): StopError {
  if (reason instanceof StopError) return reason;
  const detail = reason === undefined || isAbortError(reason) ? "" : `: ${errorMessage(reason)}`;
  return new StopError("aborted", `The run was aborted${detail}.`, { cause: reason });
}

function isAbortError(reason: unknown): boolean {
  // By its name alone: a test runner's own realm has another `Error`.
  return typeof reason === "object" && reason !== null && "name" in reason && reason.name === "AbortError";
}

/** How work that was running, or had not started, settles when it is stopped. */
export type Stopped =
  | { readonly state: "timed-out"; readonly error: OutcomeError }
  | { readonly state: "skipped" | "cancelled"; readonly reason: OutcomeReason };

/** A deadline times out what runs and skips what had not started; a budget and a rejection skip; everything else cancels. */
export function stoppedOutcome(stop: StopError, running: boolean): Stopped {
  if (stop.stop === "deadline" && running) {
    return { state: "timed-out", error: { code: "DEADLINE", message: stop.message } };
  }
  const reason = { code: stop.stop, message: stop.message };
  const skipped =
    stop.stop === "budget" || stop.stop === "approval" || (stop.stop === "deadline" && !running);
  return { state: skipped ? "skipped" : "cancelled", reason };
}

/**
 * What `work` gives, or the reason as soon as it is stopped: work that ignores its signal is left behind.
 * @throws DagError the stopper's reason when it is stopped first.
 */
export function untilStopped<T>(work: Promise<T>, stopper: Stopper): Promise<T> {
  return new Promise((resolve, reject) => {
    const detach = stopper.onStop(reject);
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
