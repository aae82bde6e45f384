import type { RetryPolicy } from "../spec/policy.js";

/** What holds where a policy states nothing else. */
export const retryDefaults = {
  maxAttempts: 3,
  initialIntervalMs: 500,
  backoffFactor: 2,
  maxIntervalMs: 30_000,
  jitter: true,
} as const;

/**
 * The wait before the next attempt, in milliseconds: exponential backoff, drawn from its upper half when `jitter` is
 * on ("equal jitter": AWS Architecture Blog, "Exponential Backoff And Jitter"). A server's `Retry-After` is never
 * undercut, and with `jitter` spread over one more tenth of itself, so that parallel calls do not return together.
 *
 * @param failedAttempt The attempt that failed, from 1.
 */
export function retryWaitMs(
  policy: RetryPolicy,
  failedAttempt: number,
  { retryAfterMs = null, random = Math.random }: RetryWaitOptions = {},
): number {
  const { initialIntervalMs, backoffFactor, jitter } = { ...retryDefaults, ...policy };
  const maxIntervalMs = policy.maxIntervalMs ?? Math.max(retryDefaults.maxIntervalMs, initialIntervalMs);
  const ceilingMs = Math.min(maxIntervalMs, initialIntervalMs * backoffFactor ** (failedAttempt - 1));
  const backoffMs = jitter ? ceilingMs * (0.5 + random() / 2) : ceilingMs;
  if (retryAfterMs === null) return backoffMs;
  return Math.max(backoffMs, jitter ? retryAfterMs * (1 + random() / 10) : retryAfterMs);
}

/** What a wait depends on besides the policy. */
export interface RetryWaitOptions {
  /** How long the server asked to wait, in milliseconds; `null` when it did not say. @default null */
  readonly retryAfterMs?: number | null;
  /** A number from 0 to below 1. @default Math.random */
  readonly random?: () => number;
}
