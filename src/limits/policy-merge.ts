import type { Policy } from "../spec/policy.js";

/**
 * One policy from several, the most specific first: a field counts where it is stated first. `retry` and `hedge` are
 * merged field by field, so that a node that states `retry.maxAttempts` keeps the run's intervals.
 */
export function mergePolicies(...mostSpecificFirst: readonly (Policy | undefined)[]): Policy {
  const merged: Record<string, unknown> = {};
  for (const policy of mostSpecificFirst) if (policy !== undefined) fill(merged, policy);
  return merged as Policy;
}

const nested = ["retry", "hedge"];

function fill(into: Record<string, unknown>, from: object): void {
  for (const [key, value] of Object.entries(from)) {
    if (value === undefined) continue;
    if (into[key] === undefined) into[key] = nested.includes(key) ? { ...value } : value;
    else if (nested.includes(key)) fill(into[key] as Record<string, unknown>, value as object);
  }
}
