/** What was counted at one moment; its weight may be corrected later. */
export interface Counted {
  readonly atMs: number;
  weight: number;
}

/** A log of what was counted in the last window: its sum never exceeds the limit, wherever the window is laid. */
export interface SlidingWindow {
  /** Milliseconds until `weight` fits; 0 when it does. A weight above the limit fits when nothing else is counted. */
  waitMs(weight: number, nowMs: number): number;
  add(weight: number, nowMs: number): Counted;
  /** Replaces the weight of what was counted, where it is still in the window. */
  correct(counted: Counted, weight: number): void;
}

/** A window of `windowMs` that holds at most `limit`. */
export function createSlidingWindow(limit: number, windowMs: number): SlidingWindow {
  let log: Counted[] = [];
  let first = 0;
  let sum = 0;

  const forget = (nowMs: number) => {
    for (
      let oldest = log[first];
      oldest !== undefined && oldest.atMs + windowMs <= nowMs;
      oldest = log[first]
    ) {
      sum -= oldest.weight;
      first++;
    }
    if (first > 1024 && first * 2 > log.length) {
      log = log.slice(first);
      first = 0;
    }
  };
  const isForgotten = (counted: Counted) => {
    const oldest = log[first];
    return oldest === undefined || counted.atMs < oldest.atMs;
  };

  return {
    waitMs(weight, nowMs) {
      forget(nowMs);
      let over = sum + Math.min(weight, limit) - limit;
      if (over <= 0) return 0;
      for (let i = first; i < log.length; i++) {
        const counted = log[i];
        if (counted === undefined) break;
        over -= counted.weight;
        if (over <= 0) return counted.atMs + windowMs - nowMs;
      }
      return 0;
    },
    add(weight, nowMs) {
      const counted = { atMs: nowMs, weight };
      log.push(counted);
      sum += weight;
      return counted;
    },
    correct(counted, weight) {
      if (isForgotten(counted)) return;
      sum += weight - counted.weight;
      counted.weight = weight;
    },
  };
}
