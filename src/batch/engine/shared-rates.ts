import type { RateLimits } from "../../limits/gate.js";

/** What all machines have sent of late: JSON that they share, a gate for each set of limits. */
export type RateState = Readonly<Record<string, GateState>>;

interface GateState {
  /** Requests and tokens by the number of the slice of time that they were sent in, oldest first. */
  readonly slices: readonly Slice[];
  /** Requests under way by worker, and when it last said so. */
  readonly active: Readonly<Record<string, readonly [count: number, atMs: number]>>;
}

type Slice = readonly [number: number, requests: number, tokens: number];

/** Limits by gate: `""` holds for every model, others for the model of that name. */
export type GateLimits = Readonly<Record<string, RateLimits>>;

/** A request that wants to be sent. */
export interface RateAsk {
  readonly model: string;
  readonly tokens: number;
}

/** A correction of what was counted. */
export interface RateCorrection {
  readonly model: string;
  readonly slice: number;
  readonly requests: number;
  readonly tokens: number;
}

/** Who asks, and what there is to say beside. */
export interface RateTurn {
  readonly worker: string;
  /** Requests of the worker that are under way, by model. */
  readonly underWay: Readonly<Record<string, number>>;
  readonly corrections: readonly RateCorrection[];
  readonly asks: readonly RateAsk[];
}

/** What came of a turn. */
export interface RateAnswer {
  readonly state: RateState;
  /** Of each ask whether it may be sent. */
  readonly granted: readonly boolean[];
  /** The slice that they are counted in. */
  readonly slice: number;
  /** Milliseconds until one of the others may be sent, as far as time alone decides; `Infinity` when something has to end first. */
  readonly waitMs: number;
}

/** Slices of a minute. */
const slices = 120;

/**
 * A request counts at the provider when it arrives there, a moment after it was admitted: one part in a hundred is added to the
 * window, so that none is sent before the one it replaces has left the provider's.
 */
const margin = 1.01;

/** A worker that has not been heard of for so long, in milliseconds, has no requests under way any more. */
const goneAfterMs = 15_000;

/**
 * One turn of a worker at the shared limits. A window is any minute: a slice of time counts until all of it has left the window,
 * so that whatever minute is looked at, it never holds more than the limit.
 */
export function takeTurn(
  before: RateState | null,
  limits: GateLimits,
  turn: RateTurn,
  nowMs: number,
  minuteMs = 60_000,
): RateAnswer {
  const sliceMs = minuteMs / slices;
  const slice = Math.floor(nowMs / sliceMs);
  const gates = new Map<string, OpenGate>();
  for (const [name, limit] of Object.entries(limits)) {
    gates.set(name, new OpenGate(before?.[name], limit, turn, name, { nowMs, sliceMs, minuteMs }));
  }
  const passing = (model: string) => ["", model].flatMap((name) => gates.get(name) ?? []);
  for (const { model, slice: at, requests, tokens } of turn.corrections) {
    for (const gate of passing(model)) gate.correct(at, requests, tokens);
  }
  let waitMs = Number.POSITIVE_INFINITY;
  const blocked = new Set<string>();
  const granted = turn.asks.map(({ model, tokens }) => {
    if (blocked.has("") || blocked.has(model)) return false;
    const waits = passing(model).map((gate) => ({ gate, ms: gate.waitMs(tokens) }));
    const longest = Math.max(0, ...waits.map(({ ms }) => ms));
    if (longest > 0) {
      // Whoever comes later does not overtake at the limit that this one waits for.
      for (const { gate, ms } of waits) if (ms > 0) blocked.add(gate.name);
      waitMs = Math.min(waitMs, longest);
      return false;
    }
    for (const { gate } of waits) gate.pass(slice, tokens);
    return true;
  });
  const state = Object.fromEntries([...gates].map(([name, gate]) => [name, gate.state(turn.worker)]));
  return { state, granted, slice, waitMs };
}

interface Times {
  readonly nowMs: number;
  readonly sliceMs: number;
  readonly minuteMs: number;
}

class OpenGate {
  readonly name: string;
  readonly #limits: RateLimits;
  readonly #times: Times;
  #slices: Slice[];
  readonly #others: Record<string, readonly [number, number]>;
  #own: number;

  constructor(before: GateState | undefined, limits: RateLimits, turn: RateTurn, name: string, times: Times) {
    this.name = name;
    this.#limits = limits;
    this.#times = times;
    this.#slices = (before?.slices ?? []).filter(([number]) => this.#leavesInMs(number) > 0);
    this.#others = Object.fromEntries(
      Object.entries(before?.active ?? {}).filter(
        ([worker, [count, atMs]]) => worker !== turn.worker && count > 0 && atMs + goneAfterMs > times.nowMs,
      ),
    );
    this.#own = Object.entries(turn.underWay).reduce(
      (sum, [model, count]) => sum + (name === "" || name === model ? count : 0),
      0,
    );
  }

  correct(at: number, requests: number, tokens: number): void {
    this.#slices = this.#slices.map(
      ([number, r, t]): Slice =>
        number === at ? [number, Math.max(0, r + requests), Math.max(0, t + tokens)] : [number, r, t],
    );
  }

  waitMs(tokens: number): number {
    const { maxConcurrency = Infinity, requestsPerMinute, tokensPerMinute } = this.#limits;
    const active = Object.values(this.#others).reduce((sum, [count]) => sum + count, this.#own);
    if (active >= maxConcurrency) return Number.POSITIVE_INFINITY;
    return Math.max(
      this.#fitsInMs(1, requestsPerMinute, ([, requests]) => requests),
      this.#fitsInMs(tokens, tokensPerMinute, ([, , counted]) => counted),
    );
  }

  pass(slice: number, tokens: number): void {
    this.#own++;
    const last = this.#slices.at(-1);
    if (last?.[0] === slice) this.#slices[this.#slices.length - 1] = [slice, last[1] + 1, last[2] + tokens];
    else this.#slices.push([slice, 1, tokens]);
  }

  state(worker: string): GateState {
    const own = this.#own > 0 ? { [worker]: [this.#own, this.#times.nowMs] as const } : {};
    return { slices: this.#slices, active: { ...this.#others, ...own } };
  }

  /** Milliseconds until so much fits; more than the limit fits when nothing else is counted. */
  #fitsInMs(weight: number, limit: number | undefined, of: (slice: Slice) => number): number {
    if (limit === undefined) return 0;
    let over = this.#slices.reduce((sum, slice) => sum + of(slice), 0) + Math.min(weight, limit) - limit;
    for (const slice of this.#slices) {
      if (over <= 0) return 0;
      over -= of(slice);
      if (over <= 0) return this.#leavesInMs(slice[0]);
    }
    return 0;
  }

  /** Milliseconds until a slice has left the window. */
  #leavesInMs(number: number): number {
    const { nowMs, sliceMs, minuteMs } = this.#times;
    return (number + 1) * sliceMs + minuteMs * margin - nowMs;
  }
}
