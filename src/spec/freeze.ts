import { isPlainObject } from "./issue.js";

/**
 * Freezes plain data, all the way down, and returns it. Schemas, tools, models and whatever else is not plain data is left
 * as it is: its owner may need to change it.
 */
export function freezeData<T>(value: T): T {
  if (!isData(value) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) freezeData(part);
  return value;
}

function isData(value: unknown): value is object {
  if (Array.isArray(value)) return true;
  // A tool may be written as a literal; what has methods is not data.
  return isPlainObject(value) && typeof value.invoke !== "function" && value._zod === undefined;
}
