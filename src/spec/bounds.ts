import type { DagIssue } from "../errors.js";
import { issue, showValue } from "./issue.js";

/** The longest time a timer can wait, in milliseconds (2³¹ − 1, about 24.8 days); a longer one would fire at once. */
export const longestMs = 2_147_483_647;

interface Bounds {
  /** Smallest value. */
  readonly min?: number;
  /** The value has to be greater than this. */
  readonly above?: number;
  /** Largest value. */
  readonly max?: number;
  readonly integer?: boolean;
}

/** A time in milliseconds that has to pass. */
export const positiveMs: Bounds = { above: 0, max: longestMs };

/** Issues for a number that is stated and out of bounds, or no number at all. */
export function validateNumber(value: unknown, path: string, bounds: Bounds): DagIssue[] {
  if (value === undefined) return [];
  const { min, above, max, integer } = bounds;
  const fits =
    typeof value === "number" &&
    Number.isFinite(value) &&
    (!integer || Number.isInteger(value)) &&
    (min === undefined || value >= min) &&
    (above === undefined || value > above) &&
    (max === undefined || value <= max);
  if (fits) return [];
  const wanted = [
    integer ? "an integer" : "a number",
    above === undefined ? "" : `above ${above}`,
    min === undefined ? "" : max === undefined ? `of at least ${min}` : `from ${min} to ${max}`,
    max === undefined || min !== undefined ? "" : `and at most ${max}`,
  ];
  const text = wanted.filter((part) => part !== "").join(" ");
  return [issue("out-of-bounds", path, `It has to be ${text}, but is ${showValue(value)}.`, `Give ${text}.`)];
}

/** Issues for a stated value that is not among `choices`. */
export function validateChoice(value: unknown, path: string, choices: readonly string[]): DagIssue[] {
  if (value === undefined || choices.includes(value as string)) return [];
  const names = choices.map((choice) => `"${choice}"`).join(" or ");
  return [issue("bad-value", path, `It has to be ${names}, but is ${showValue(value)}.`, `Use ${names}.`)];
}
