/** What a reply's headers say about the provider's limits. A field is `null` where the header is missing or unreadable. */
export interface RateLimit {
  /** Requests a minute (or whatever window the provider counts in). */
  readonly limitRequests: number | null;
  /** Tokens in that window. */
  readonly limitTokens: number | null;
  /** Requests that are left of it. */
  readonly remainingRequests: number | null;
  /** Tokens that are left of it. */
  readonly remainingTokens: number | null;
  /** Milliseconds until the requests are all there again. */
  readonly resetRequestsMs: number | null;
  /** Milliseconds until the tokens are all there again. */
  readonly resetTokensMs: number | null;
  /** How long the provider asks to wait before the next request, in milliseconds. */
  readonly retryAfterMs: number | null;
}

/** Reads one header, `null` where there is none. Names are lower case. */
export type HeaderReader = (name: string) => string | null;

/** The rate-limit headers of a reply (`x-ratelimit-*`, `retry-after`, `retry-after-ms`); `null` when it has none of them. */
export function readRateLimit(header: HeaderReader): RateLimit | null {
  const limits: RateLimit = {
    limitRequests: count(header("x-ratelimit-limit-requests")),
    limitTokens: count(header("x-ratelimit-limit-tokens")),
    remainingRequests: count(header("x-ratelimit-remaining-requests")),
    remainingTokens: count(header("x-ratelimit-remaining-tokens")),
    resetRequestsMs: durationMs(header("x-ratelimit-reset-requests")),
    resetTokensMs: durationMs(header("x-ratelimit-reset-tokens")),
    retryAfterMs: readRetryAfterMs(header),
  };
  return Object.values(limits).every((value) => value === null) ? null : limits;
}

/**
 * How long the provider asks to wait, in milliseconds, never negative: `retry-after-ms`, or `retry-after` in seconds
 * or as an HTTP date (RFC 9110, 10.2.3), which is read against the reply's own `date`, so that a wrong local clock
 * does not matter. `null` when it does not say.
 */
export function readRetryAfterMs(header: HeaderReader): number | null {
  const exactMs = count(header("retry-after-ms"));
  if (exactMs !== null) return exactMs;
  const value = header("retry-after")?.trim() ?? "";
  const seconds = count(value);
  if (seconds !== null) return seconds * 1000;
  const dateMs = Date.parse(value);
  if (Number.isNaN(dateMs)) return null;
  const serverNowMs = Date.parse(header("date") ?? "");
  return Math.max(0, dateMs - (Number.isNaN(serverNowMs) ? Date.now() : serverNowMs));
}

/** A number that is not negative. */
function count(text: string | null): number | null {
  if (text === null || text.trim() === "") return null;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : null;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration such as `6m0s`, `1.5s`, `120ms`, or plain seconds, in milliseconds. */
function durationMs(text: string | null): number | null {
  if (text === null) return null;
  const seconds = count(text);
  if (seconds !== null) return seconds * 1000;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return null;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g);
  return [...parts].reduce((sum, [, value, unit]) => sum + Number(value) * (unitMs[unit ?? ""] ?? 0), 0);
}
