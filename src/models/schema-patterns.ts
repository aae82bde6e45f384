import type { JsonSchema } from "../spec/shape.js";

/** Expressions that look ahead or behind: OpenAI's servers refuse a schema that holds one, a tool's too. */
const looksAround = /\(\?<?[=!]/;

export const isRefusedPattern = (pattern: unknown): boolean =>
  typeof pattern === "string" && looksAround.test(pattern);

/** Keywords whose value is a schema by name, and keywords whose value is a schema or a list of them. */
/** Keywords under which schemas stand by names that are the user's own. */
export const schemasByName: readonly string[] = ["properties", "$defs", "definitions", "dependentSchemas"];
const nested = [
  ...["items", "prefixItems", "additionalItems", "contains", "additionalProperties", "unevaluatedProperties"],
  ...["propertyNames", "anyOf", "oneOf", "allOf", "not", "if", "then", "else"],
];

const known = new WeakMap<JsonSchema, JsonSchema>();

/**
 * The same schema with the patterns that OpenAI's servers refuse told in its descriptions. They are held when the answer is read.
 * A schema without such patterns is given back as it is.
 */
export function withoutLookaround(schema: JsonSchema): JsonSchema {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const told = spoken(schema) as JsonSchema;
  known.set(schema, told);
  return told;
}

function spoken(node: unknown): unknown {
  if (Array.isArray(node)) return mapped(node, node.map(spoken));
  if (!isRecord(node)) return node;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === "pattern" && isRefusedPattern(value)) continue;
    if (schemasByName.includes(key) && isRecord(value)) out[key] = byName(value);
    else if (key === "patternProperties" && isRecord(value)) {
      const kept = Object.entries(value).filter(([pattern]) => !isRefusedPattern(pattern));
      out[key] = byName(kept.length === Object.keys(value).length ? value : Object.fromEntries(kept));
    } else out[key] = nested.includes(key) ? spoken(value) : value;
  }
  if (out.pattern !== node.pattern)
    out.description = [node.description, `(pattern: ${node.pattern})`].filter(Boolean).join(" ");
  const isSame =
    Object.keys(out).length === Object.keys(node).length &&
    Object.keys(out).every((key) => out[key] === node[key]);
  return isSame ? node : out;
}

function byName(schemas: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(schemas).map(([name, one]) => [name, spoken(one)] as const);
  return entries.every(([name, one]) => schemas[name] === one) ? schemas : Object.fromEntries(entries);
}

const mapped = (before: readonly unknown[], after: readonly unknown[]) =>
  after.every((one, index) => one === before[index]) ? before : after;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
