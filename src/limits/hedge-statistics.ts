/** Fewest first-token times from which a percentile is read. */
export const fewestSamples = 50;

/** Share of the requests that are extra, where a policy states none. */
export const defaultExtraShare = 0.05;

const keptSamples = 4000;
const recentRequests = 50;
const fewestRecent = 10;

/** More than this share of the recent requests being slow is no outlier any more: a second request would not be faster. */
const commonSlowness = 0.3;

/** A request that hedging follows. */
export interface FollowedRequest {
  /** Enters that it was slower than its threshold. */
  slow(): void;
  /** Enters its time to the first token in milliseconds, or for how long there was none when it was given up. */
  waited(ms: number): void;
}

/**
 * First-token times and counts by model, from which hedging tells what is slow and whether a second request is allowed.
 * Share one between runs (`limits.hedgeStatistics`), so that a percentile is known from the first request on.
 */
export interface HedgeStatistics {
  /** Enters a request that is sent now, extra ones not included. */
  request(model: string): FollowedRequest;
  /** The 95th percentile of the first-token times in milliseconds; `null` below 50 samples. */
  p95Ms(model: string): number | null;
  /**
   * Calls `then` as soon as an extra request is allowed: extra requests never exceed their share of all requests so far
   * (one is always allowed), and there are none while slowness is common. Requests that wait go in order of arrival.
   * Returns how to give up waiting.
   */
  whenExtraAllowed(model: string, maxExtraShare: number, then: () => void): () => void;
  /** Requests and extra requests so far. */
  counts(model: string): { readonly requests: number; readonly extra: number };
}

interface ModelStatistics {
  requests: number;
  extra: number;
  /** The last first-token times, as a ring. */
  readonly samples: number[];
  next: number;
  p95: { readonly at: number; readonly ms: number } | null;
  /** Whether each of the last requests was slow, as a ring. */
  readonly recent: boolean[];
  readonly waiting: Set<{ readonly maxExtraShare: number; readonly then: () => void }>;
}

/** Statistics of which nothing is known yet. */
export function createHedgeStatistics(): HedgeStatistics {
  const models = new Map<string, ModelStatistics>();
  const of = (model: string): ModelStatistics => {
    let known = models.get(model);
    if (known === undefined) {
      known = { requests: 0, extra: 0, samples: [], next: 0, p95: null, recent: [], waiting: new Set() };
      models.set(model, known);
    }
    return known;
  };
  return {
    request(model) {
      const known = of(model);
      const place = known.requests++ % recentRequests;
      known.recent[place] = false;
      allowWaiting(known);
      return {
        slow() {
          known.recent[place] = true;
        },
        waited(ms) {
          known.samples[known.next++ % keptSamples] = ms;
        },
      };
    },
    p95Ms: (model) => p95Of(of(model)),
    whenExtraAllowed(model, maxExtraShare, then) {
      const known = of(model);
      const entry = { maxExtraShare, then };
      known.waiting.add(entry);
      allowWaiting(known);
      return () => known.waiting.delete(entry);
    },
    counts(model) {
      const { requests, extra } = of(model);
      return { requests, extra };
    },
  };
}

function allowWaiting(known: ModelStatistics): void {
  for (const entry of known.waiting) {
    if (known.extra + 1 > Math.max(1, entry.maxExtraShare * known.requests) || isSlownessCommon(known))
      return;
    known.waiting.delete(entry);
    known.extra++;
    entry.then();
  }
}

function isSlownessCommon({ recent }: ModelStatistics): boolean {
  return recent.length >= fewestRecent && recent.filter(Boolean).length > recent.length * commonSlowness;
}

/** By the nearest-rank method, worked out again after every 32 samples. */
function p95Of(known: ModelStatistics): number | null {
  if (known.samples.length < fewestSamples) return null;
  if (known.p95 === null || known.next - known.p95.at >= 32) {
    const sorted = [...known.samples].sort((a, b) => a - b);
    const ms = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
    known.p95 = { at: known.next, ms };
  }
  return known.p95.ms;
}
