import type { Clock } from "../../src/limits/admission.js";

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  /** Lets everything happen that is due at this moment and within so many milliseconds. */
  advance(ms: number): void;
  /** The machine is busy for so many milliseconds before what is due at this moment happens. */
  advanceBusy(ms: number): void;
  /** Timers that are set. */
  readonly timers: number;
}

/** More than any test lets happen at once: whoever asks for the next moment without end is told. */
const mostCalls = 10_000;

export function createVirtualClock(): VirtualClock {
  let nowMs = 0;
  const timers = new Set<{ atMs: number; call: () => void }>();
  const atThisMoment: (() => void)[] = [];
  const settle = () => {
    for (let call = atThisMoment.shift(); call !== undefined; call = atThisMoment.shift()) call();
  };
  return {
    now: () => nowMs,
    after(ms, call) {
      const timer = { atMs: nowMs + ms, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    soon: (call) => void atThisMoment.push(call),
    advance(ms) {
      const untilMs = nowMs + ms;
      settle();
      for (let calls = 0; ; calls++) {
        if (calls > mostCalls) throw new Error(`More than ${mostCalls} timers came due.`);
        const [next] = [...timers].sort((a, b) => a.atMs - b.atMs);
        if (next === undefined || next.atMs > untilMs) break;
        timers.delete(next);
        nowMs = next.atMs;
        next.call();
        settle();
      }
      nowMs = untilMs;
    },
    advanceBusy(ms) {
      nowMs += ms;
      settle();
    },
    get timers() {
      return timers.size;
    },
  };
}
