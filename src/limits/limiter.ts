import { assertArgument, isObject } from "../spec/issue.js";
import { type Clock, createAdmission, type Estimate, type Lease, type LimiterOptions } from "./admission.js";

export type { Estimate, Lease, LimiterOptions } from "./admission.js";

/**
 * Admits model requests under limits: what has most still to come first, then in order of arrival. One limiter serves a
 * whole run, and several runs when it is passed to each as `limits.limiter`; those take turns.
 */
export interface Limiter {
  /**
   * Waits for a slot and for tokens, which it reserves.
   * @throws the signal's reason when that is aborted first; nothing is reserved then.
   */
  acquire(estimate: Estimate, signal: AbortSignal): Promise<Lease>;
  /** Requests that wait. */
  readonly waiting: number;
  /** Requests under way. */
  readonly active: number;
}

/** Runs once the promises that are settled now have been followed: after a whole chain of them, not in its midst. */
const { nextTick } = process;

const machineClock: Clock = {
  soon: (call) => nextTick(call),
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** A limiter on the machine's clock; nothing is sent and no timer runs until something waits. */
export function createLimiter(options: LimiterOptions = {}): Limiter {
  assertArgument("createLimiter", isObject(options), ["options", options, "an object of limits"]);
  const admission = createAdmission(options, machineClock);
  return {
    acquire(estimate, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      return new Promise((resolve, reject) => {
        let isGranted = false;
        let unhear = () => {};
        const leave = admission.enter(estimate, (lease) => {
          isGranted = true;
          unhear();
          resolve(lease);
        });
        if (isGranted) return;
        const onAbort = () => {
          reject(signal.reason);
          leave();
        };
        signal.addEventListener("abort", onAbort, { once: true });
        unhear = () => signal.removeEventListener("abort", onAbort);
      });
    },
    get waiting() {
      return admission.waiting;
    },
    get active() {
      return admission.active;
    },
  };
}
