/**
 * Every time in this file is at most 2147483647 ms (about 24.8 days): a timer cannot wait longer.
 */

/** When and how often a failed request is sent again. */
export interface RetryPolicy {
  /** Most attempts, the first included; an integer from 1 to 20. 1 switches retries off. @default 3 */
  readonly maxAttempts?: number;
  /** Wait before the second attempt, in milliseconds, at least 0. @default 500 */
  readonly initialIntervalMs?: number;
  /** Each wait is this many times the one before; at least 1. @default 2 */
  readonly backoffFactor?: number;
  /** Longest wait, in milliseconds, at least `initialIntervalMs`. A server's `Retry-After` may ask for more. @default 30000 */
  readonly maxIntervalMs?: number;
  /** Whether each wait is drawn uniformly from half of it to all of it, so that parallel calls do not return together. @default true */
  readonly jitter?: boolean;
  /** Which errors are retried: error codes, or a function. @default the errors that declare themselves retryable */
  readonly retryOn?: readonly string[] | ((error: unknown) => boolean);
}

/** A second request when the first is slow. */
export interface HedgePolicy {
  /** How long to wait for the first token, in milliseconds above 0, or the 95th percentile of what was seen (after 50 samples). */
  readonly after: number | "p95";
  /** Most extra requests, as a share of all requests, above 0 and at most 1. @default 0.05 */
  readonly maxExtraShare?: number;
}

/** What happens when things go wrong. Data: on a node, for a run, or as a spec's default, looked up in that order. */
export interface Policy {
  /**
   * How failed work is tried again. @default model requests as {@link RetryPolicy} says, functions and tools not at all
   */
  readonly retry?: RetryPolicy;
  /**
   * Longest one attempt of a model request, a function, a tool or an agent's call of a tool may take, in milliseconds above 0. The clock
   * does not run while a request waits for a slot or for tokens. @default none
   */
  readonly timeoutMs?: number;
  /** Longest silence between two streamed chunks, in milliseconds above 0. @default none */
  readonly idleTimeoutMs?: number;
  /** Longest the whole run may take, in milliseconds above 0. For a run or a spec, not for a node. @default none */
  readonly deadlineMs?: number;
  /** Whether a failure leaves siblings running or cancels them. @default "isolate" */
  readonly onError?: "isolate" | "fail-fast";
  /** Models to try in order when the first one's attempts are used up, as `"provider:name"`. @default [] */
  readonly fallbackModels?: readonly string[];
  /** Whether a slow request is sent a second time; the first token wins. @default no hedging */
  readonly hedge?: HedgePolicy;
  /** How often a model is told what was wrong with an output that does not fit its schema; an integer from 0 to 10. @default 1 */
  readonly repairAttempts?: number;
  /** Most rounds of tool calls that an agent with `tools` may make; an integer from 1 to 100. @default 8 */
  readonly maxToolRounds?: number;
}

/**
 * One policy from several, the most specific first: a field counts where it is stated first. `retry` and `hedge` are
 * merged field by field, so that a node that states `retry.maxAttempts` keeps the run's intervals.
 */
export function mergePolicies(...mostSpecificFirst: readonly (Policy | undefined)[]): Policy {
  const merged: Record<string, unknown> = {};
  for (const policy of mostSpecificFirst) if (policy !== undefined) fill(merged, policy);
  return merged as Policy;
}

const nested = ["retry", "hedge"];

function fill(into: Record<string, unknown>, from: object): void {
  for (const [key, value] of Object.entries(from)) {
    if (value === undefined) continue;
    if (into[key] === undefined) into[key] = nested.includes(key) ? { ...value } : value;
    else if (nested.includes(key)) fill(into[key] as Record<string, unknown>, value as object);
  }
}
