import type { LimitOptions } from "../../limits/limit-options.js";
import { createLimiter, type Estimate, type Lease, type Limiter } from "../../limits/limiter.js";
import type { Contact } from "./contact.js";
import type { EngineStore } from "./engine-store.js";
import { type PauseState, SharedPauses } from "./shared-pauses.js";
import { type GateLimits, type RateCorrection, type RateState, takeTurn } from "./shared-rates.js";

interface Waiting {
  readonly estimate: Estimate;
  readonly arrival: number;
  readonly decide: (slice: number) => void;
}

/** How often a full set of slots is asked for again, in milliseconds. */
const slotEveryMs = 100;

/** What was used is told at the latest after so long, in milliseconds, and slots are held on to as often. */
const tellEveryMs = 3000;

/** A permit that took longer than this to arrive, in milliseconds, is given back: it might be used too late. */
const freshMs = 400;

/** What a batch's limiter is made of. */
export interface SharedLimiterOptions {
  readonly store: EngineStore;
  readonly contact: Contact;
  /** Document of the batch's limits. */
  readonly document: string;
  /** Document of the pauses that providers have asked for. */
  readonly pauses: string;
  readonly worker: string;
  readonly limits: LimitOptions;
  /** How long a minute takes, in milliseconds. @default 60000 */
  readonly minuteMs?: number;
}

/**
 * A limiter that all workers of a batch share through its store: their requests and tokens of any minute together stay within the
 * limits, and so does what they have under way. A pause that a provider asks for (429) holds for all of them; what else it says of
 * its own limits each worker heeds for itself. Nothing is sent while the store is out of reach.
 */
export class SharedLimiter implements Limiter {
  readonly #options: SharedLimiterOptions;
  readonly #gates: GateLimits;
  readonly #minuteMs: number;
  readonly #local = createLimiter();
  readonly #pauses: SharedPauses;
  readonly #underWay = new Map<string, number>();
  #queue: Waiting[] = [];
  #corrections: RateCorrection[] = [];
  #arrivals = 0;
  #isTurning = false;
  #wake: () => void = () => {};
  #tellTimer: NodeJS.Timeout | undefined;

  constructor(options: SharedLimiterOptions) {
    this.#options = options;
    this.#minuteMs = options.minuteMs ?? 60_000;
    this.#gates = gatesOf(options.limits);
    this.#pauses = new SharedPauses(options.store, options.pauses);
  }

  get waiting(): number {
    return this.#local.waiting + this.#queue.length;
  }

  get active(): number {
    return this.#local.active - this.#queue.length;
  }

  async acquire(estimate: Estimate, signal: AbortSignal): Promise<Lease> {
    const sinceMs = performance.now();
    const local = await this.#local.acquire(estimate, signal);
    try {
      await this.#pauses.over(estimate.model, estimate.patienceMs ?? Number.POSITIVE_INFINITY, signal);
      await this.#options.contact.reached(signal);
      if (Object.keys(this.#gates).length === 0) return this.#tellingOf(local, estimate.model);
      const slice = await this.#enter(estimate, signal);
      return this.#leaseFor(estimate, slice, local, performance.now() - sinceMs);
    } catch (error) {
      local.settle({ inputTokens: 0, outputTokens: 0 });
      throw error;
    }
  }

  /** Enters what the store says of providers' pauses. @param nowMs The store's clock. */
  hear(pauses: PauseState | null, nowMs: number): void {
    this.#pauses.hear(pauses, nowMs);
  }

  /** A lease whose refusal is told to all. */
  #tellingOf(local: Lease, model: string): Lease {
    return {
      ...local,
      refused: (retryAfterMs) => {
        local.refused(retryAfterMs);
        this.#pauses.refused(model, retryAfterMs);
      },
    };
  }

  #enter(estimate: Estimate, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        estimate,
        arrival: this.#arrivals++,
        decide(slice) {
          signal.removeEventListener("abort", onAbort);
          resolve(slice);
        },
      };
      const onAbort = () => {
        this.#queue = this.#queue.filter((one) => one !== waiting);
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#queue.push(waiting);
      this.#queue.sort(inTurn);
      this.#turn();
    });
  }

  #leaseFor({ model, tokens }: Estimate, slice: number, local: Lease, waitedMs: number): Lease {
    let open = true;
    return {
      ...this.#tellingOf(local, model),
      waitedMs,
      settle: (usage) => {
        if (!open) return;
        open = false;
        local.settle(usage);
        this.#leave(model);
        const more = usage.inputTokens + usage.outputTokens - tokens;
        if (more !== 0) this.#corrections.push({ model, slice, requests: 0, tokens: more });
        this.#wake();
        this.#tellSoon();
      },
    };
  }

  #leave(model: string): void {
    const left = (this.#underWay.get(model) ?? 1) - 1;
    if (left === 0) this.#underWay.delete(model);
    else this.#underWay.set(model, left);
  }

  /** Takes turns at the store for as long as something waits. */
  async #turn(): Promise<void> {
    if (this.#isTurning) return;
    this.#isTurning = true;
    while (this.#queue.length > 0) {
      const waitMs = await this.#takeTurn().catch(() => slotEveryMs * 3);
      if (this.#queue.length > 0 && waitMs > 0) await this.#pause(waitMs);
    }
    this.#isTurning = false;
    this.#tellSoon();
  }

  /** One turn; gives the milliseconds until the next one makes sense. */
  async #takeTurn(): Promise<number> {
    const { store, document, worker } = this.#options;
    // Some more than can be sent at once would only make the turn longer.
    const asked = this.#queue.slice(0, 200);
    const corrections = this.#corrections;
    this.#corrections = [];
    const turn = {
      worker,
      underWay: Object.fromEntries(this.#underWay),
      corrections,
      asks: asked.map(({ estimate: { model, tokens } }) => ({ model, tokens })),
    };
    const askedMs = performance.now();
    let answer: { granted: readonly boolean[]; slice: number; waitMs: number };
    try {
      answer = await store.change([document], ([found], nowMs) => {
        const { state, ...said } = takeTurn(
          found as RateState | null,
          this.#gates,
          turn,
          nowMs,
          this.#minuteMs,
        );
        return { write: [state], result: said };
      });
    } catch (error) {
      this.#corrections.push(...corrections);
      throw error;
    }
    const isFresh = performance.now() - askedMs < Math.max(20, (freshMs * this.#minuteMs) / 60_000);
    for (const [at, waiting] of asked.entries()) {
      if (!answer.granted[at]) continue;
      const { model, tokens } = waiting.estimate;
      if (isFresh && this.#queue.includes(waiting)) {
        this.#queue = this.#queue.filter((one) => one !== waiting);
        this.#underWay.set(model, (this.#underWay.get(model) ?? 0) + 1);
        waiting.decide(answer.slice);
      } else this.#corrections.push({ model, slice: answer.slice, requests: -1, tokens: -tokens });
    }
    return isFresh ? Math.min(answer.waitMs + Math.random() * 20, this.#patienceMs(answer.waitMs)) : 0;
  }

  /** Slots come free without a word from the store; of rates the wait is known. */
  #patienceMs(waitMs: number): number {
    return waitMs === Number.POSITIVE_INFINITY ? slotEveryMs * (0.5 + Math.random()) : this.#minuteMs;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** What was used, and that slots are still held, is told also when nothing is asked for. */
  #tellSoon(): void {
    if (this.#tellTimer !== undefined || this.#isTurning) return;
    if (this.#corrections.length === 0 && this.#underWay.size === 0) return;
    this.#tellTimer = setTimeout(async () => {
      this.#tellTimer = undefined;
      if (!this.#isTurning) await this.#takeTurn().catch(() => {});
      this.#tellSoon();
    }, tellEveryMs);
    this.#tellTimer.unref();
  }
}

function inTurn(a: Waiting, b: Waiting): number {
  const [{ order: orderA = 0, priority: priorityA = 0 }, { order: orderB = 0, priority: priorityB = 0 }] = [
    a.estimate,
    b.estimate,
  ];
  return orderA - orderB || priorityB - priorityA || a.arrival - b.arrival;
}

/** The gates that limits ask for. */
export function gatesOf(limits: LimitOptions): GateLimits {
  const { maxConcurrency, requestsPerMinute, tokensPerMinute, models = {} } = limits;
  const common = {
    ...(maxConcurrency !== undefined && { maxConcurrency }),
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    ...(tokensPerMinute !== undefined && { tokensPerMinute }),
  };
  return {
    ...(Object.keys(common).length > 0 && { "": common }),
    ...Object.fromEntries(Object.entries(models).filter(([, rates]) => Object.keys(rates).length > 0)),
  };
}
