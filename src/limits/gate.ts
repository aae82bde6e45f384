import { type Allowance, createAllowance } from "./allowance.js";
import type { RateLimit } from "./rate-limit.js";
import { type Counted, createSlidingWindow, type SlidingWindow } from "./sliding-window.js";

/** Rates and concurrency, for all models or for one. */
export interface RateLimits {
  /** Most model requests under way at once; an integer of at least 1. @default no limit */
  readonly maxConcurrency?: number;
  /** Most requests in any 60 seconds, an integer of at least 1. @default no limit */
  readonly requestsPerMinute?: number;
  /** Most tokens (input and output) in any 60 seconds, an integer of at least 1. @default no limit */
  readonly tokensPerMinute?: number;
}

/** One set of limits: those of all models, or those of one together with what its provider says. */
export interface Gate {
  /** Milliseconds until a request of `tokens` may pass; `Infinity` when another has to end first. */
  waitMs(tokens: number, nowMs: number): number;
  /** Milliseconds of that which the provider asked for, as against our own limits. */
  providerWaitMs(tokens: number, nowMs: number): number;
  pass(tokens: number, nowMs: number): Passage;
}

/** One request that passed a gate. */
export interface Passage {
  /** Frees the slot and corrects the tokens; called once. */
  leave(tokens: number): void;
  /** Enters the rate-limit headers of its reply. */
  tell(limits: RateLimit, nowMs: number): void;
  /** Enters that the provider refused it (429): nothing passes for as long as it asked, or a growing while. */
  refuse(retryAfterMs: number | null, nowMs: number): void;
}

/** A provider that asks for a longer pause is tried again after this many milliseconds all the same. */
const longestPauseMs = 60_000;

/** Pause after the first refusal without a `Retry-After`, in milliseconds; it doubles with each further one. */
const firstPauseMs = 500;

/** A gate with these limits; `windowMs` is how long a minute takes. */
export function createGate(limits: RateLimits, windowMs: number): Gate {
  const { maxConcurrency = Infinity, requestsPerMinute, tokensPerMinute } = limits;
  const requestWindow = windowOf(requestsPerMinute, windowMs);
  const tokenWindow = windowOf(tokensPerMinute, windowMs);
  const requestAllowance = createAllowance();
  const tokenAllowance = createAllowance();
  let active = 0;
  let refusals = 0;
  let pausedSinceMs = -Infinity;
  let pausedUntilMs = 0;

  const providerWaitMs = (tokens: number, nowMs: number) =>
    Math.max(
      0,
      pausedUntilMs - nowMs,
      requestAllowance.waitMs(1, nowMs),
      tokenAllowance.waitMs(tokens, nowMs),
    );

  return {
    providerWaitMs,
    waitMs(tokens, nowMs) {
      if (active >= maxConcurrency) return Infinity;
      return Math.max(requestWindow?.waitMs(1, nowMs) ?? 0, tokenWindow?.waitMs(tokens, nowMs) ?? 0);
    },
    pass(tokens, nowMs) {
      active++;
      requestWindow?.add(1, nowMs);
      const counted: Counted | undefined = tokenWindow?.add(tokens, nowMs);
      const takenThen = { requests: take(requestAllowance, 1), tokens: take(tokenAllowance, tokens) };
      let refused = false;
      return {
        leave(used) {
          active--;
          if (!refused) refusals = 0;
          if (counted !== undefined) tokenWindow?.correct(counted, used);
        },
        tell(said, atMs) {
          requestAllowance.tell(
            { limit: said.limitRequests, remaining: said.remainingRequests, resetMs: said.resetRequestsMs },
            takenThen.requests,
            atMs,
          );
          tokenAllowance.tell(
            { limit: said.limitTokens, remaining: said.remainingTokens, resetMs: said.resetTokensMs },
            takenThen.tokens,
            atMs,
          );
        },
        refuse(retryAfterMs, atMs) {
          refused = true;
          // Of requests that were under way together, the first refusal says it all.
          if (retryAfterMs === null && nowMs < pausedSinceMs) return;
          const pauseMs = retryAfterMs ?? (firstPauseMs * 2 ** Math.min(refusals, 10) * windowMs) / 60_000;
          refusals++;
          pausedSinceMs = atMs;
          pausedUntilMs = Math.max(pausedUntilMs, atMs + Math.min(pauseMs, longestPauseMs));
        },
      };
    },
  };
}

function take(allowance: Allowance, weight: number): number {
  allowance.take(weight);
  return allowance.taken;
}

/**
 * A request counts at the provider when it arrives there, up to a moment after it was sent: one part in a hundred is
 * added to the window, so that none is sent before the one it replaces has left the provider's.
 */
function windowOf(limit: number | undefined, windowMs: number): SlidingWindow | null {
  return limit === undefined ? null : createSlidingWindow(limit, windowMs * 1.01);
}
