import { createGate, type Gate, type Passage, type RateLimits } from "./gate.js";
import type { RateLimit } from "./rate-limit.js";

/** What a request is expected to use, and where it stands among those that wait. */
export interface Estimate {
  /** `provider:name`. */
  readonly model: string;
  /** Input and output tokens together. */
  readonly tokens: number;
  /** Longest that waiting makes sense, in milliseconds: a provider's pause that lasts longer is tried against at once. @default no end */
  readonly patienceMs?: number;
  /** Who asks, among runs and batches that share a limiter: they take turns. @default all the same */
  readonly sharer?: string;
  /** Place among what one sharer does: a batch's earlier rows go first, so that rows are finished. @default 0 */
  readonly order?: number;
  /** How much is still to come from this request on (its longest remaining path): the longer goes first. @default 0 */
  readonly priority?: number;
}

/** The right to send one request. */
export interface Lease {
  /** Milliseconds that limits held the request back; what the machine itself took is not among them. */
  readonly waitedMs: number;
  /** Gives the slot back and corrects the estimate by what was really used; only the first call counts. */
  settle(usage: { readonly inputTokens: number; readonly outputTokens: number }): void;
  /** Enters what the reply's headers say of the provider's limits. */
  observe(limits: RateLimit): void;
  /** Enters that the provider refused the request for its rate. */
  refused(retryAfterMs: number | null): void;
}

/** Limits of a limiter. */
export interface LimiterOptions extends RateLimits {
  /** Limits of single models by id (`openai:gpt-4.1-mini`), on top of the others. */
  readonly models?: Readonly<Record<string, RateLimits>>;
  /** How long a minute takes, in milliseconds above 0; for simulations in scaled time. @default 60000 */
  readonly minuteMs?: number;
}

/** A clock, the machine's or a simulation's. */
export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Calls once, after so many milliseconds; what it gives takes that back. */
  after(ms: number, call: () => void): () => void;
  /** Calls once everything that happens at this moment has happened. */
  soon(call: () => void): void;
}

/** Requests that wait for their admission, in the order of the rules below. */
export interface Admission {
  /** Enters a request; what it gives takes it out again. Without limits `grant` is called before that returns. */
  enter(estimate: Estimate, grant: (lease: Lease) => void): () => void;
  readonly waiting: number;
  readonly active: number;
}

interface Waiting {
  readonly estimate: Estimate;
  readonly sinceMs: number;
  /** The turn in which it is looked at first: who is admitted in it was held back by nothing. */
  readonly firstTurn: number;
  readonly grant: (lease: Lease) => void;
}

/** What one sharer waits for and has under way. */
interface Sharer {
  readonly name: string;
  readonly queue: Waiting[];
  active: number;
  /** When it was served last, counted in requests. */
  served: number;
}

/**
 * Admits requests under limits. Nothing is sent and no timer runs until something waits. Who goes first:
 * 1. of sharers, the one with the fewest requests under way, then the one that was served longest ago;
 * 2. of one sharer's requests the lowest `order`, then the highest `priority`, then the first to arrive.
 * A request waits behind every one before it that waits for the same limit; a model that has to wait does not hold up others.
 */
export function createAdmission(options: LimiterOptions, clock: Clock): Admission {
  const { minuteMs = 60_000, models = {}, ...common } = options;
  const all = createGate(common, minuteMs);
  const gates = new Map<string, Gate>();
  const sharers = new Map<string, Sharer>();
  let [waiting, active, served, turn] = [0, 0, 0, 0];
  let stopTimer = () => {};

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

  const inTurn = (): Sharer[] => {
    const some = [...sharers.values()].filter(({ queue }) => queue.length > 0);
    return some.length < 2 ? some : some.sort((a, b) => a.active - b.active || a.served - b.served);
  };

  /** The next that may pass, or in how many milliseconds somebody may. */
  const next = (): { readonly sharer: Sharer; readonly index: number } | number => {
    const blocked = new Set<string>();
    const nowMs = clock.now();
    let soonestMs = Infinity;
    for (const sharer of inTurn()) {
      for (const [index, { estimate }] of sharer.queue.entries()) {
        if (blocked.has(estimate.model)) continue;
        const { own, common: shared } = waitOf(estimate, nowMs);
        if (own <= 0 && shared <= 0) return { sharer, index };
        soonestMs = Math.min(soonestMs, Math.max(own, shared));
        if (own <= shared) return soonestMs;
        blocked.add(estimate.model);
      }
    }
    return soonestMs;
  };

  const pump = () => {
    turn++;
    stopTimer();
    stopTimer = () => {};
    for (;;) {
      const found = next();
      if (typeof found === "number") {
        stopTimer();
        if (found < Infinity) stopTimer = clock.after(Math.ceil(found), pump);
        return;
      }
      const { sharer, index } = found;
      const [one] = sharer.queue.splice(index, 1);
      if (one === undefined) return;
      waiting--;
      sharer.active++;
      sharer.served = ++served;
      one.grant(leaseFor(one, sharer));
    }
  };

  // Requests that come at one moment are put in order before the first of them takes a slot.
  const isLimited = [common, ...Object.values(models)].some((limits) => Object.keys(limits).length > 0);
  let isDue = false;
  const pumpSoon = () => {
    if (!isLimited) return pump();
    if (isDue) return;
    isDue = true;
    clock.soon(() => {
      isDue = false;
      pump();
    });
  };

  const leaseFor = ({ estimate, sinceMs, firstTurn }: Waiting, sharer: Sharer): Lease => {
    const nowMs = clock.now();
    const passages: Passage[] = [all, gateOf(estimate.model)].map((gate) =>
      gate.pass(estimate.tokens, nowMs),
    );
    const own = passages[1];
    let open = true;
    active++;
    return {
      waitedMs: turn === firstTurn ? 0 : nowMs - sinceMs,
      settle({ inputTokens, outputTokens }) {
        if (!open) return;
        open = false;
        active--;
        sharer.active--;
        forget(sharer);
        for (const passage of passages) passage.leave(inputTokens + outputTokens);
        if (waiting > 0) pumpSoon();
      },
      observe(limits) {
        own?.tell(limits, clock.now());
        if (waiting > 0) pump();
      },
      refused(retryAfterMs) {
        own?.refuse(retryAfterMs, clock.now());
      },
    };
  };

  /**
   * The sharer of this name. A new one, or one that comes back, goes before whoever was served last and behind those that were
   * served longer ago: one that asks again each time it is done would else pass all that wait.
   */
  const sharerOf = (name: string): Sharer => {
    const sharer = sharers.get(name) ?? { name, queue: [], active: 0, served: served - 0.5 };
    sharers.set(name, sharer);
    return sharer;
  };

  /** Sharers come and go: one that neither waits nor has anything under way is not kept. */
  const forget = ({ name, active, queue }: Sharer) => {
    if (active === 0 && queue.length === 0) sharers.delete(name);
  };

  return {
    enter(estimate, grant) {
      const sharer = sharerOf(estimate.sharer ?? "");
      const one: Waiting = { estimate, sinceMs: clock.now(), firstTurn: turn + 1, grant };
      sharer.queue.splice(placeIn(sharer.queue, one), 0, one);
      waiting++;
      pumpSoon();
      return () => {
        const index = sharer.queue.indexOf(one);
        if (index < 0) return;
        sharer.queue.splice(index, 1);
        waiting--;
        forget(sharer);
        pump();
      };
    },
    get waiting() {
      return waiting;
    },
    get active() {
      return active;
    },
  };
}

/** Where a request belongs in a queue that is in order: behind its equals, which came before it. */
function placeIn(queue: readonly Waiting[], one: Waiting): number {
  let [low, high] = [0, queue.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (goesBefore(one, queue[middle] as Waiting)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function goesBefore(a: Waiting, b: Waiting): boolean {
  const [{ order: orderA = 0, priority: priorityA = 0 }, { order: orderB = 0, priority: priorityB = 0 }] = [
    a.estimate,
    b.estimate,
  ];
  return (orderA - orderB || priorityB - priorityA) < 0;
}
