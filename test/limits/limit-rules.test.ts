import { describe, expect, it } from "@jest/globals";
import { createBudget } from "../../src/limits/budget.js";
import { createHedgeStatistics } from "../../src/limits/hedge-statistics.js";
import { validateLimits } from "../../src/limits/limit-rules.js";
import { createLimiter } from "../../src/limits/limiter.js";
import { createPrefixWarmth } from "../../src/limits/prefix-warmth.js";

const issuesOf = (limits: unknown) =>
  validateLimits(limits, "limits").map(
    ({ code, path, message, hint }) => `${code} ${path}: ${message} ${hint}`,
  );

it("finds nothing wrong with every limit at once", () => {
  expect(validateLimits(undefined, "limits")).toEqual([]);
  expect(issuesOf({})).toEqual([]);
  const rates = { maxConcurrency: 1, requestsPerMinute: 1, tokensPerMinute: 1 };
  expect(
    issuesOf({
      ...rates,
      maxTokens: 1,
      maxModelCalls: 1,
      maxCostUsd: 0.01,
      models: { "openai:gpt-4.1-mini": rates, other: {} },
      place: { sharer: "batch", order: 0 },
      warmth: createPrefixWarmth(),
      hedgeStatistics: createHedgeStatistics(),
    }),
  ).toEqual([]);
  expect(issuesOf({ limiter: createLimiter(), budget: createBudget({ maxTokens: 1 }) })).toEqual([]);
  expect(issuesOf({ limiter: createLimiter(), maxTokens: 1, maxCostUsd: 1, maxModelCalls: 1 })).toEqual([]);
  expect(issuesOf({ budget: createBudget({ maxTokens: 1 }), ...rates, models: {} })).toEqual([]);
});

const notAnObject = (path: string, shown: string) =>
  `bad-value ${path}: It has to be an object, but is ${shown}. Write { … }, or leave it out.`;

it.each([
  ["limits", 5, notAnObject("limits", "5")],
  ["limits", [], notAnObject("limits", "an empty array")],
  ["limits", null, notAnObject("limits", "null")],
  ["models", { models: 5 }, notAnObject("limits.models", "5")],
  ["one model", { models: { m: 7 } }, notAnObject("limits.models.m", "7")],
])("says that %s of another type are no object", (_what, limits, expected) => {
  expect(issuesOf(limits)).toEqual([expected]);
});

describe("a number out of bounds", () => {
  const integers = ["maxConcurrency", "requestsPerMinute", "tokensPerMinute", "maxTokens", "maxModelCalls"];
  it.each(integers.flatMap((key) => [0, 1.5, "3"].map((value) => [key, value] as const)))(
    "%s: %j is told",
    (key, value) => {
      expect(issuesOf({ [key]: value })).toEqual([
        `out-of-bounds limits.${key}: It has to be an integer of at least 1, but is ${JSON.stringify(value)}. Give an integer of at least 1.`,
      ]);
    },
  );

  it("may be a part of a dollar, and not 0", () => {
    expect(issuesOf({ maxCostUsd: 0 })).toEqual([
      "out-of-bounds limits.maxCostUsd: It has to be a number above 0, but is 0. Give a number above 0.",
    ]);
  });

  it.each(["maxConcurrency", "requestsPerMinute", "tokensPerMinute"])("is told of a model's %s", (key) => {
    expect(issuesOf({ models: { m: { [key]: -1 } } })).toEqual([
      `out-of-bounds limits.models.m.${key}: It has to be an integer of at least 1, but is -1. Give an integer of at least 1.`,
    ]);
  });
});

describe("a name that is no limit", () => {
  it("is told with the one that was probably meant", () => {
    expect(issuesOf({ maxConcurency: 1 }).join()).toMatch(
      /^unknown-option limits\.maxConcurency: .*maxConcurrency/,
    );
  });

  it("is told within a model, whose budget cannot be limited", () => {
    expect(issuesOf({ models: { m: { maxTokens: 1 } } }).join()).toMatch(
      /^unknown-option limits\.models\.m\.maxTokens: /,
    );
  });
});

describe("what is to be shared", () => {
  it.each([
    ["limiter", "createLimiter"],
    ["budget", "createBudget"],
    ["warmth", "createPrefixWarmth"],
    ["hedgeStatistics", "createHedgeStatistics"],
  ])("%s has to come from %s", (key, maker) => {
    for (const [value, shown] of [
      [3, "3"],
      [null, "null"],
      [{}, "an object"],
      [{ acquire: 1, reserve: 1, claim: 1, request: 1 }, "an object"],
    ] as const) {
      expect(issuesOf({ [key]: value })).toEqual([
        `bad-value limits.${key}: It has to come from ${maker}, but is ${shown}. Make one with ${maker}() and pass it to each run.`,
      ]);
    }
  });

  it.each(["maxConcurrency", "requestsPerMinute", "tokensPerMinute", "models"])(
    "a limiter makes %s beside it void",
    (key) => {
      expect(issuesOf({ limiter: createLimiter(), [key]: key === "models" ? {} : 1 })).toEqual([
        `contradiction limits.${key}: ${key} has no effect beside a shared limiter. State it where the limiter is made: createLimiter({ … }).`,
      ]);
    },
  );

  it.each(["maxTokens", "maxModelCalls", "maxCostUsd"])("a budget makes %s beside it void", (key) => {
    expect(issuesOf({ budget: createBudget({ maxTokens: 1 }), [key]: 1 })).toEqual([
      `contradiction limits.${key}: ${key} has no effect beside a shared budget. State it where the budget is made: createBudget({ … }).`,
    ]);
  });
});

it.each([
  [7, "7"],
  [{ sharer: 1, order: 0 }, "an object"],
  [{ sharer: "batch", order: Infinity }, "an object"],
  [{ sharer: "batch" }, "an object"],
])("says that %j is no place", (place, shown) => {
  expect(issuesOf({ place })).toEqual([
    `bad-value limits.place: It has to be { sharer, order }, but is ${shown}. Write { sharer: "batch", order: 0 }.`,
  ]);
});
