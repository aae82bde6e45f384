import { DagError } from "../errors.js";
import { isObject, showValue } from "../spec/issue.js";

/** How a model's latency is drawn. */
export interface LatencyProfile {
  /** Name of the profile, as `--simulate` takes it and a record's `simulated` tells it. */
  readonly name: string;
  /** Median time to first token, in milliseconds above 0. */
  readonly ttftMs: number;
  /** Standard deviation of the logarithm of the time to first token, at least 0. */
  readonly sigma: number;
  /** Output tokens a second after the first, above 0. */
  readonly tokensPerSecond: number;
  /** Share of slow replies, from 0 to 1, whose time to first token is 4 to 8 times the median. @default 0.02 */
  readonly slowShare?: number;
}

/**
 * Measured medians, spreads and speeds of models. The body of each is log-normal; the tail is heavier, which the slow
 * mode stands for.
 */
export const latencyProfiles: Readonly<Record<string, LatencyProfile>> = Object.fromEntries(
  (
    [
      ["gpt-4o-mini", 536, 0.28, 82],
      ["gpt-4o", 639, 0.35, 32],
      ["gpt-4.1-mini", 661, 0.3, 70],
      ["gpt-4.1", 726, 0.32, 68],
      ["haiku-4.5", 541, 0.66, 53],
      ["sonnet-4.6", 941, 0.69, 63],
    ] as const
  ).map(([name, ttftMs, sigma, tokensPerSecond]) => [name, { name, ttftMs, sigma, tokensPerSecond }]),
);

/**
 * The profile of that name, or the profile itself.
 * @throws DagError `LATENCY_PROFILE_UNKNOWN`, `LATENCY_PROFILE_INVALID`.
 */
export function latencyProfile(profile: string | LatencyProfile): LatencyProfile {
  const found = typeof profile === "string" ? latencyProfiles[profile.toLowerCase()] : profile;
  if (!isObject(found)) {
    throw new DagError("LATENCY_PROFILE_UNKNOWN", `There is no latency profile ${showValue(profile)}.`, {
      hint: `Choose one of: ${Object.keys(latencyProfiles).join(", ")}.`,
    });
  }
  const { ttftMs, sigma, tokensPerSecond, slowShare = 0 } = found;
  const usable = ttftMs > 0 && tokensPerSecond > 0 && sigma >= 0 && slowShare >= 0 && slowShare <= 1;
  if (usable && [ttftMs, sigma, tokensPerSecond].every(Number.isFinite)) return found;
  throw new DagError(
    "LATENCY_PROFILE_INVALID",
    `The latency profile "${found.name}" has values out of bounds.`,
    {
      facts: { profile: found },
      hint: "ttftMs and tokensPerSecond are above 0, sigma is at least 0, slowShare is from 0 to 1.",
    },
  );
}
