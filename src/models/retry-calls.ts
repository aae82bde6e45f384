import { DagError, errorCode, errorMessage } from "../errors.js";
import { budgetSpentCode } from "../limits/budget.js";
import { retryDefaults, retryWaitMs } from "../limits/retry-schedule.js";
import { retriesOn, retryAfterMsOf } from "../limits/retryable.js";
import { waitMs } from "../limits/wait.js";
import type { RetryPolicy } from "../spec/policy.js";
import { batchesOf, batchModel, isContent, type Model, type ModelRequest } from "./port.js";

/** How requests are sent again. */
export interface RetryCallsOptions {
  readonly retry: RetryPolicy;
  /** Told before each attempt after the first. */
  readonly onRetry: (request: ModelRequest) => void;
  /** Told when the budget has no room for a request; what it returns is thrown. @default the error as it is */
  readonly onBudgetSpent?: (error: Error) => Error;
  /** Milliseconds until the run's deadline; `Infinity` without one. */
  readonly remainingMs: () => number;
}

/**
 * The one retry layer: sends a request again while its error and the policy allow it, then tries the next model with as
 * many attempts of its own. Attempts count on over all models. Where an attempt fails in the middle of its reply, a
 * `restart` chunk tells the reader to forget what came. A wait that the run's deadline would end is not begun.
 */
export function retryCalls(first: Model, fallbacks: readonly Model[], options: RetryCallsOptions): Model {
  const models = [first, ...fallbacks];
  return batchModel(first.id, async function* (request) {
    let attempt = request.attempt;
    let begun = false;
    for (const model of models) {
      for (let tried = 1; ; tried++, attempt++) {
        const again: ModelRequest = { ...request, attempt };
        if (attempt > request.attempt) options.onRetry(again);
        if (begun) yield [{ type: "restart" }];
        begun = false;
        try {
          for await (const chunks of batchesOf(model, again)) {
            begun ||= chunks.some(isContent);
            yield chunks;
          }
          return;
        } catch (error) {
          if (errorCode(error) === budgetSpentCode) throw options.onBudgetSpent?.(error as Error) ?? error;
          if (request.signal.aborted) throw error;
          const next = afterFailure(error, tried, options);
          if ("waitMs" in next) {
            await waitMs(next.waitMs, request.signal);
            continue;
          }
          if (model === models.at(-1)) throw next.error;
          break;
        }
      }
      attempt++;
    }
  });
}

/** How long to wait before the next attempt, or the error with which this model is given up: it can be any value. */
function afterFailure(
  error: unknown,
  tried: number,
  { retry, remainingMs }: RetryCallsOptions,
): { readonly waitMs: number } | { readonly error: unknown } {
  const maxAttempts = retry.maxAttempts ?? retryDefaults.maxAttempts;
  if (!retriesOn(retry, error, { whenSilent: false })) return { error };
  if (tried >= maxAttempts) return { error: tried > 1 ? afterAttempts(error, tried) : error };
  const wait = retryWaitMs(retry, tried, { retryAfterMs: retryAfterMsOf(error) });
  return wait < remainingMs() ? { waitMs: wait } : { error: tooLate(error, wait, remainingMs()) };
}

function afterAttempts(error: unknown, attempts: number): unknown {
  return restated(error, `After ${attempts} attempts: ${errorMessage(error)}`, { attempts });
}

function tooLate(error: unknown, wait: number, remaining: number): unknown {
  const times = { waitMs: Math.round(wait), remainingMs: Math.round(remaining) };
  return restated(
    error,
    `${errorMessage(error)} Not tried again: the wait of ${times.waitMs} ms is longer than the ${times.remainingMs} ms until the run's deadline.`,
    times,
  );
}

/** The same error with more to say; errors that are not ours stay as they are. */
function restated(error: unknown, message: string, facts: Readonly<Record<string, unknown>>): unknown {
  if (!(error instanceof DagError)) return error;
  return new DagError(error.code, message, {
    facts: { ...error.facts, ...facts },
    retryable: error.retryable,
    ...(error.status !== undefined && { status: error.status }),
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
    ...(error.text !== undefined && { text: error.text }),
    timedOut: error.timedOut,
    cause: error,
  });
}
