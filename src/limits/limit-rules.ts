import type { DagIssue } from "../errors.js";
import { validateNumber } from "../spec/bounds.js";
import {
  type Fields,
  isObject,
  isPlainObject,
  issue,
  pathTo,
  showValue,
  unknownKeys,
} from "../spec/issue.js";

const rateKeys = ["maxConcurrency", "requestsPerMinute", "tokensPerMinute"] as const;
const integerBudgets = ["maxTokens", "maxModelCalls"] as const;
const limitKeys = [
  ...rateKeys,
  ...integerBudgets,
  "maxCostUsd",
  "models",
  "limiter",
  "budget",
  "place",
  "warmth",
  "hedgeStatistics",
];

/** Every issue of a run's `limits`. Takes any value and never throws. */
export function validateLimits(limits: unknown, path: string): DagIssue[] {
  if (limits === undefined) return [];
  if (!isPlainObject(limits)) return [notAnObject(limits, path)];
  const at = (key: string) => pathTo(path, key);
  return [
    ...unknownKeys(limits, limitKeys, path),
    ...validateRates(limits, path),
    ...integerBudgets.flatMap((key) => validateNumber(limits[key], at(key), { min: 1, integer: true })),
    ...validateNumber(limits.maxCostUsd, at("maxCostUsd"), { above: 0 }),
    ...validateModels(limits.models, at("models")),
    ...validateMethods(limits.limiter, at("limiter"), "acquire", "createLimiter"),
    ...validateMethods(limits.budget, at("budget"), "reserve", "createBudget"),
    ...validateMethods(limits.warmth, at("warmth"), "claim", "createPrefixWarmth"),
    ...validatePlace(limits.place, at("place")),
    ...validateMethods(limits.hedgeStatistics, at("hedgeStatistics"), "request", "createHedgeStatistics"),
    ...validateSharing(limits, path),
  ];
}

function validatePlace(place: unknown, path: string): DagIssue[] {
  if (place === undefined) return [];
  if (isPlainObject(place) && typeof place.sharer === "string" && Number.isFinite(place.order)) return [];
  const message = `It has to be { sharer, order }, but is ${showValue(place)}.`;
  return [issue("bad-value", path, message, 'Write { sharer: "batch", order: 0 }.')];
}

function validateRates(rates: Fields, path: string): DagIssue[] {
  return rateKeys.flatMap((key) => validateNumber(rates[key], pathTo(path, key), { min: 1, integer: true }));
}

function validateModels(models: unknown, path: string): DagIssue[] {
  if (models === undefined) return [];
  if (!isPlainObject(models)) return [notAnObject(models, path)];
  return Object.entries(models).flatMap(([model, rates]) => {
    const here = pathTo(path, model);
    if (!isPlainObject(rates)) return [notAnObject(rates, here)];
    return [...unknownKeys(rates, rateKeys, here), ...validateRates(rates, here)];
  });
}

function validateMethods(value: unknown, path: string, method: string, maker: string): DagIssue[] {
  if (value === undefined || (isObject(value) && typeof value[method] === "function")) return [];
  const message = `It has to come from ${maker}, but is ${showValue(value)}.`;
  return [issue("bad-value", path, message, `Make one with ${maker}() and pass it to each run.`)];
}

/** What is shared has its limits from its maker: those beside it would be silently without effect. */
function validateSharing(limits: Fields, path: string): DagIssue[] {
  const beside = (shared: string, maker: string, keys: readonly string[]) =>
    limits[shared] === undefined
      ? []
      : keys
          .filter((key) => limits[key] !== undefined)
          .map((key) =>
            issue(
              "contradiction",
              pathTo(path, key),
              `${key} has no effect beside a shared ${shared}.`,
              `State it where the ${shared} is made: ${maker}({ … }).`,
            ),
          );
  return [
    ...beside("limiter", "createLimiter", [...rateKeys, "models"]),
    ...beside("budget", "createBudget", [...integerBudgets, "maxCostUsd"]),
  ];
}

function notAnObject(value: unknown, path: string): DagIssue {
  return issue(
    "bad-value",
    path,
    `It has to be an object, but is ${showValue(value)}.`,
    "Write { … }, or leave it out.",
  );
}
