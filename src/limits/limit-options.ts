import type { Budget, BudgetLimits } from "./budget.js";
import type { RateLimits } from "./gate.js";
import type { HedgeStatistics } from "./hedge-statistics.js";
import type { Limiter } from "./limiter.js";
import type { PrefixWarmth } from "./prefix-warmth.js";

/** Limits of a whole run: subgraphs, maps, planner and joiner included. */
export interface LimitOptions extends RateLimits, BudgetLimits {
  /** Limits of single models by id (`openai:gpt-4.1-mini`), on top of the others. */
  readonly models?: Readonly<Record<string, RateLimits>>;
  /** A limiter that several runs share, from `createLimiter`; replaces `maxConcurrency`, the rates and `models`. @default one for the run */
  readonly limiter?: Limiter;
  /** A budget that several runs share, from `createBudget`; replaces `maxTokens`, `maxCostUsd` and `maxModelCalls`. @default one for the run */
  readonly budget?: Budget;
  /** What is known of the providers' prefix caches, shared between runs, from `createPrefixWarmth`; used with `warm`. @default the run's own */
  readonly warmth?: PrefixWarmth;
  /**
   * Where the run stands among those that share `limiter`: sharers of different names take turns, runs of one name go by their
   * `order`, lower first, as the rows of a batch do. @default a sharer of its own
   */
  readonly place?: { readonly sharer: string; readonly order: number };
  /** What hedging knows of first-token times, shared between runs, from `createHedgeStatistics`. @default the run's own */
  readonly hedgeStatistics?: HedgeStatistics;
}
