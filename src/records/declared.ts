import { canonicalJson, hashOf } from "../spec/canonical.js";

/** Longest text that is shown whole; longer ones are cut at {@link shownLength} and end in their hash. */
const longestWhole = 72;
const shownLength = 48;

/**
 * What a declaration states, field by field, each as one short line that changes whenever the field does. Functions read
 * `(function)`: their source is not stable, because compilers and coverage tools rewrite it.
 */
export function declaredFields(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.keys(fields)
      .filter((name) => fields[name] !== undefined && fields[name] !== null)
      .sort()
      .map((name) => [name, shortText(fields[name])]),
  );
}

function shortText(value: unknown): string {
  if (typeof value === "function") return "(function)";
  const text = canonicalJson(withoutFunctions(value));
  if (text.length <= longestWhole) return text;
  return `${[...text].slice(0, shownLength).join("")}… #${hashOf(text).slice(0, 8)}`;
}

function withoutFunctions(value: unknown): unknown {
  if (typeof value === "function") return "(function)";
  if (Array.isArray(value)) return value.map(withoutFunctions);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutFunctions(part)]));
}
