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

/** Data of this room that is frozen in all its parts. */
const fixed = new WeakSet<object>();

/**
 * The data as it stands, which nobody can change any more: itself where it is frozen in all its parts, else a frozen copy. What
 * {@link freezeData} leaves as it is stays the same object in the copy.
 */
export function fixedData<T>(value: T): T {
  if (!isData(value) || fixed.has(value)) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, fixedData(part)] as const);
  const isFixed = Object.isFrozen(value) && entries.every(([key, part]) => value[key as never] === part);
  const whole = isFixed
    ? value
    : Object.freeze(Array.isArray(value) ? entries.map(([, part]) => part) : Object.fromEntries(entries));
  fixed.add(whole);
  return whole as T;
}

function isData(value: unknown): value is object {
  if (Array.isArray(value)) return true;
  // A tool may be written as a literal; what has methods is not data.
  return isPlainObject(value) && typeof value.invoke !== "function" && value._zod === undefined;
}
