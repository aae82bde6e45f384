import type { Budget } from "../limits/budget.js";
import type { HedgeStatistics } from "../limits/hedge-statistics.js";
import type { Estimate, Limiter } from "../limits/limiter.js";
import type { PrefixWarmth } from "../limits/prefix-warmth.js";
import type { PriceTable } from "../records/price.js";
import type { Policy } from "../spec/policy.js";
import { hedgeCalls } from "./hedge-calls.js";
import { limitCalls } from "./limit-calls.js";
import { batchesOf, batchModel, type Model, type ModelMiddleware, type ModelRequest } from "./port.js";
import { retryCalls } from "./retry-calls.js";
import { timeCalls } from "./time-calls.js";
import { warmCalls } from "./warm-calls.js";

/** What all model requests of a run share. */
export interface SharedCalls {
  readonly limiter: Limiter;
  readonly budget: Budget | null;
  readonly hedgeStatistics: HedgeStatistics;
  readonly prices: () => Promise<PriceTable>;
  /** Whether anybody reads replies while they come, for requests that do not say. @default true */
  readonly stream?: boolean;
  /** Records each attempt. */
  readonly record: ModelMiddleware;
  readonly remainingMs: () => number;
  /** What is known of the providers' caches. @default no request waits for another */
  readonly warmth?: PrefixWarmth | undefined;
  /** Where the model's requests stand among those that wait for the limiter. */
  readonly place?: Pick<Estimate, "sharer" | "order" | "priority">;
  readonly onRetry: (request: ModelRequest) => void;
  /** Told when the budget has no room for a request; what it returns is thrown to the node. */
  readonly onBudgetSpent: (error: Error) => Error;
}

/**
 * A node's model under its policy. From the outside in: fallback models and retries, hedging, the warm start, budget and
 * limiter, the record, the clocks, and then `model` with what `use` put around it. So the clocks stand still while a request waits, a
 * hedged request takes a slot of its own, and each attempt is one call of the record, its timeout included.
 */
export function withPolicy(
  model: Model,
  fallbacks: readonly Model[],
  policy: Policy,
  shared: SharedCalls,
): Model {
  const clocks = timeCalls(policy);
  const attempt = (one: Model): Model => {
    const sent = limitCalls(shared.record(clocks(one)), shared);
    const { warmth } = shared;
    const limited = warmth === undefined ? sent : warmCalls(sent, { warmth, prices: shared.prices });
    return policy.hedge === undefined ? limited : hedgeCalls(limited, policy.hedge, shared.hedgeStatistics);
  };
  const retried = retryCalls(attempt(model), fallbacks.map(attempt), {
    retry: policy.retry ?? {},
    onRetry: shared.onRetry,
    onBudgetSpent: shared.onBudgetSpent,
    remainingMs: shared.remainingMs,
  });
  return batchModel(model.id, (request) =>
    batchesOf(retried, shared.stream === false ? { stream: false, ...request } : request),
  );
}
