/** How long a cached beginning is sure to stay after it was last used, in milliseconds: OpenAI's and Anthropic's 5 minutes. */
const cachedForMs = 5 * 60_000;

/**
 * What is known of the beginnings of requests that providers hold in their caches. One serves a run, and several runs when it
 * is passed to each as `limits.warmth`.
 */
export interface PrefixWarmth {
  /** Asks to send a request that begins so. */
  claim(key: string): WarmClaim;
}

/** `"warm"`: the cache has the beginning. A lead: nobody has it under way. A wait: somebody has. */
export type WarmClaim = "warm" | WarmLead | WarmWait;

/** The right to go ahead of the others that begin alike. */
export interface WarmLead {
  /** The first token came: the provider has the beginning in its cache. */
  warmed(): void;
  /** The request has ended; without a first token, another goes ahead. Safe to call after `warmed`. */
  ended(): void;
}

/** Another request that begins alike is under way and has brought no token yet. */
export interface WarmWait {
  /** Calls once, when it is time to claim again. */
  whenOver(again: () => void): void;
}

/** Nothing is warm yet. @param nowMs Milliseconds on a clock that never goes back. @default performance.now */
export function createPrefixWarmth(nowMs: () => number = () => performance.now()): PrefixWarmth {
  const warmUntilMs = new Map<string, number>();
  const ahead = new Map<string, (() => void)[]>();
  return {
    claim(key) {
      if ((warmUntilMs.get(key) ?? -Infinity) > nowMs()) {
        warmUntilMs.set(key, nowMs() + cachedForMs);
        return "warm";
      }
      warmUntilMs.delete(key);
      const others = ahead.get(key);
      if (others !== undefined) return { whenOver: (again) => void others.push(again) };
      const waiting: (() => void)[] = [];
      ahead.set(key, waiting);
      let open = true;
      const end = () => {
        if (!open) return;
        open = false;
        ahead.delete(key);
        for (const again of waiting) again();
      };
      return {
        warmed() {
          warmUntilMs.set(key, nowMs() + cachedForMs);
          end();
        },
        ended: end,
      };
    },
  };
}
