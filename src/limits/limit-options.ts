/** Rates and concurrency, for all models or for one. */
export interface RateLimits {
  /** Most model requests under way at once; an integer of at least 1. @default no limit */
  readonly maxConcurrency?: number;
  /** Most requests in any 60 seconds, above 0. @default no limit */
  readonly requestsPerMinute?: number;
  /** Most tokens (input and output) in any 60 seconds, above 0. @default no limit */
  readonly tokensPerMinute?: number;
}

/** Limits of a whole run: subgraphs, maps, planner and joiner included. */
export interface LimitOptions extends RateLimits {
  /** Limits of single models by id (`openai:gpt-4.1-mini`), on top of the others. */
  readonly models?: Readonly<Record<string, RateLimits>>;
  /** Most tokens (input and output) that the run may use. @default no limit */
  readonly maxTokens?: number;
  /** Most US dollars that the run may cost. @default no limit */
  readonly maxCostUsd?: number;
  /** Most model requests that the run may make, retries included. @default no limit */
  readonly maxModelCalls?: number;
}
