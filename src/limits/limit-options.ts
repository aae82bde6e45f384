import type { RateLimits } from "./gate.js";
import type { HedgeStatistics } from "./hedge-statistics.js";
import type { Limiter } from "./limiter.js";

/** Budgets of one run. A request's need is reserved before it is sent, so that parallel requests never overshoot. */
export interface BudgetLimits {
  /** Most tokens (input and output) that the run may use; an integer of at least 1. @default no limit */
  readonly maxTokens?: number;
  /** Most US dollars that the run may cost, above 0. A model whose price is unknown cannot be used with it. @default no limit */
  readonly maxCostUsd?: number;
  /** Most model requests that the run may make, retries and hedged requests included; an integer of at least 1. @default no limit */
  readonly maxModelCalls?: number;
}

/** Limits of a whole run: subgraphs, maps, planner and joiner included. */
export interface LimitOptions extends RateLimits, BudgetLimits {
  /** Limits of single models by id (`openai:gpt-4.1-mini`), on top of the others. */
  readonly models?: Readonly<Record<string, RateLimits>>;
  /** A limiter that several runs share, from `createLimiter`; replaces `maxConcurrency`, the rates and `models`. @default one for the run */
  readonly limiter?: Limiter;
  /** What hedging knows of first-token times, shared between runs, from `createHedgeStatistics`. @default the run's own */
  readonly hedgeStatistics?: HedgeStatistics;
}
