import { readFileSync } from "node:fs";
import { DagError, type DagIssue, DagValidationError, errorMessage } from "../errors.js";
import { assertArgument, isPlainObject, issue, pathTo, showValue, unknownKeys } from "../spec/issue.js";
import type { Prices } from "./price.js";

const required = ["inputPerMillion", "outputPerMillion"];
const optional = ["cachedInputPerMillion", "cacheWritePerMillion"];

/** Every issue of prices by model; an empty list means that they can be used. */
export function validatePrices(prices: unknown, path: string): DagIssue[] {
  if (prices === undefined) return [];
  const hint =
    'Write { "provider:name": { inputPerMillion, outputPerMillion } }, or the name of a model whose price it has.';
  if (!isPlainObject(prices)) {
    return [issue("bad-value", path, `It has to be an object, but is ${showValue(prices)}.`, hint)];
  }
  return Object.entries(prices).flatMap(([model, price]): DagIssue[] => {
    const at = pathTo(path, model);
    if (typeof price === "string" && price.includes(":")) return [];
    if (!isPlainObject(price)) return [issue("bad-value", at, `It is no price: ${showValue(price)}.`, hint)];
    const wrong = [...required, ...optional].filter((key) => {
      const value = price[key];
      const absent = value === undefined && optional.includes(key);
      return !absent && !(typeof value === "number" && Number.isFinite(value) && value >= 0);
    });
    return [
      ...unknownKeys(price, [...required, ...optional], at),
      ...wrong.map((key) => {
        const message = `It has to be US dollars for a million tokens, but is ${showValue(price[key])}.`;
        return issue("bad-value", pathTo(at, key), message, "Write a number that is not negative.");
      }),
    ];
  });
}

/**
 * Prices from a JSON file.
 * @throws DagError `PRICES_UNREADABLE` where the file cannot be read, DagValidationError where it holds no prices.
 */
export function loadPrices(file: string): Prices {
  assertArgument("loadPrices", typeof file === "string", ["file", file, "the path of a file"]);
  let prices: unknown;
  try {
    prices = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new DagError(
      "PRICES_UNREADABLE",
      `The prices in "${file}" cannot be read: ${errorMessage(error)}.`,
      {
        facts: { file },
        hint: "It has to be a JSON file of prices by model.",
      },
    );
  }
  const issues = validatePrices(prices, "prices");
  if (issues.length > 0) throw new DagValidationError(`The file "${file}"`, issues);
  return prices as Prices;
}
