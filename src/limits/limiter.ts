import { createGate, type Gate, type Passage, type RateLimits } from "./gate.js";
import type { RateLimit } from "./rate-limit.js";

/** What a request is expected to use. */
export interface Estimate {
  /** `provider:name`. */
  readonly model: string;
  /** Input and output tokens together. */
  readonly tokens: number;
  /** Longest that waiting makes sense, in milliseconds: a provider's pause that lasts longer is tried against at once. @default no end */
  readonly patienceMs?: number;
}

/** The right to send one request. */
export interface Lease {
  /** Milliseconds that the request waited. */
  readonly waitedMs: number;
  /** Gives the slot back and corrects the estimate by what was really used; only the first call counts. */
  settle(usage: { readonly inputTokens: number; readonly outputTokens: number }): void;
  /** Enters what the reply's headers say of the provider's limits. */
  observe(limits: RateLimit): void;
  /** Enters that the provider refused the request for its rate. */
  refused(retryAfterMs: number | null): void;
}

/**
 * Admits model requests under limits, in order of arrival: a request waits behind every earlier one that waits for the
 * same limit. One limiter serves a whole run, and several runs when it is passed to each as `limits.limiter`.
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

/** Limits of a limiter. */
export interface LimiterOptions extends RateLimits {
  /** Limits of single models by id (`openai:gpt-4.1-mini`), on top of the others. */
  readonly models?: Readonly<Record<string, RateLimits>>;
  /** How long a minute takes, in milliseconds above 0; for simulations in scaled time. @default 60000 */
  readonly minuteMs?: number;
}

interface Waiting {
  readonly estimate: Estimate;
  readonly sinceMs: number;
  readonly grant: (lease: Lease) => void;
}

/** A limiter on its own clock; nothing is sent and no timer runs until something waits. */
export function createLimiter(options: LimiterOptions = {}): Limiter {
  const { minuteMs = 60_000, models = {}, ...common } = options;
  const all = createGate(common, minuteMs);
  const gates = new Map<string, Gate>();
  const queue = new Set<Waiting>();
  let active = 0;
  let timer: NodeJS.Timeout | undefined;

  const gateOf = (model: string): Gate => {
    let gate = gates.get(model);
    if (gate === undefined) {
      gate = createGate(Object.hasOwn(models, model) ? (models[model] ?? {}) : {}, minuteMs);
      gates.set(model, gate);
    }
    return gate;
  };

  const waitOf = ({ model, tokens, patienceMs = Infinity }: Estimate, nowMs: number) => {
    const gate = gateOf(model);
    const providerMs = gate.providerWaitMs(tokens, nowMs);
    return {
      own: Math.max(gate.waitMs(tokens, nowMs), providerMs > patienceMs ? 0 : providerMs),
      common: all.waitMs(tokens, nowMs),
    };
  };

  /** Admits, in order of arrival, everything that may pass; a model that has to wait does not hold up the others. */
  const pump = () => {
    clearTimeout(timer);
    timer = undefined;
    const blocked = new Set<string>();
    let nextMs = Infinity;
    for (const waiting of queue) {
      const { model } = waiting.estimate;
      if (blocked.has(model)) continue;
      const nowMs = performance.now();
      const { own, common: shared } = waitOf(waiting.estimate, nowMs);
      if (own <= 0 && shared <= 0) {
        queue.delete(waiting);
        waiting.grant(leaseFor(waiting, nowMs));
        continue;
      }
      nextMs = Math.min(nextMs, Math.max(own, shared));
      if (own > shared) blocked.add(model);
      else break;
    }
    if (nextMs < Infinity) timer = setTimeout(pump, Math.ceil(nextMs));
  };

  const leaseFor = ({ estimate, sinceMs }: Waiting, nowMs: number): Lease => {
    const passages: Passage[] = [all, gateOf(estimate.model)].map((gate) =>
      gate.pass(estimate.tokens, nowMs),
    );
    const own = passages[1];
    let open = true;
    active++;
    return {
      waitedMs: nowMs - sinceMs,
      settle({ inputTokens, outputTokens }) {
        if (!open) return;
        open = false;
        active--;
        for (const passage of passages) passage.leave(inputTokens + outputTokens);
        pump();
      },
      observe(limits) {
        own?.tell(limits, performance.now());
        if (queue.size > 0) pump();
      },
      refused(retryAfterMs) {
        own?.refuse(retryAfterMs, performance.now());
      },
    };
  };

  return {
    acquire(estimate, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      return new Promise((resolve, reject) => {
        const waiting: Waiting = {
          estimate,
          sinceMs: performance.now(),
          grant(lease) {
            signal.removeEventListener("abort", onAbort);
            resolve(lease);
          },
        };
        const onAbort = () => {
          queue.delete(waiting);
          reject(signal.reason);
          pump();
        };
        signal.addEventListener("abort", onAbort, { once: true });
        queue.add(waiting);
        pump();
      });
    },
    get waiting() {
      return queue.size;
    },
    get active() {
      return active;
    },
  };
}
