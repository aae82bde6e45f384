/** What a provider said is left of one of its limits, and how it comes back. */
export interface Allowance {
  /** Milliseconds until `weight` is there, as far as the provider has told; 0 when it is, or when nothing is known. */
  waitMs(weight: number, nowMs: number): number;
  /** Counts a request that is sent now. */
  take(weight: number): void;
  /** How much has been taken so far, ever: noted with a request, so that its reply's headers can be read against it. */
  readonly taken: number;
  /** Enters what a reply's headers said; `takenThen` is what had been taken when its request was sent. */
  tell(told: Told, takenThen: number, nowMs: number): void;
}

/** One limit as a reply's headers state it; a field is `null` where the header is missing. */
export interface Told {
  readonly limit: number | null;
  readonly remaining: number | null;
  /** Milliseconds until all of it is there again. */
  readonly resetMs: number | null;
}

/**
 * An allowance of which nothing is known yet. Providers refill continuously, so that between a reply and its reset the
 * remainder is taken to grow evenly; without a stated limit it comes back at the reset.
 */
export function createAllowance(): Allowance {
  let taken = 0;
  let known: { left: number; perMs: number; atMs: number; resetAtMs: number; limit: number } | null = null;
  return {
    waitMs(weight, nowMs) {
      if (known === null) return 0;
      if (nowMs >= known.resetAtMs) {
        known = null;
        return 0;
      }
      const need = Math.min(weight, known.limit) - (known.left + known.perMs * (nowMs - known.atMs));
      if (need <= 0) return 0;
      const untilReset = known.resetAtMs - nowMs;
      return Math.min(need / known.perMs, untilReset);
    },
    take(weight) {
      taken += weight;
      if (known !== null) known.left -= weight;
    },
    get taken() {
      return taken;
    },
    tell({ limit, remaining, resetMs }, takenThen, nowMs) {
      if (remaining === null || resetMs === null) return;
      const perMs = limit === null ? 0 : Math.max(0, limit - remaining) / resetMs;
      const left = remaining - (taken - takenThen);
      known = { left, perMs, atMs: nowMs, resetAtMs: nowMs + resetMs, limit: limit ?? Infinity };
    },
  };
}
