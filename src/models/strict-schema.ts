import type { JsonSchema } from "../spec/shape.js";
import { isRefusedPattern } from "./schema-patterns.js";

/** Formats that OpenAI's strict mode takes: platform.openai.com/docs/guides/structured-outputs, "Supported schemas". */
const strictFormats = ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/** Keywords of the same page that stay as they are. */
const keptKeywords = [
  ...["title", "description", "enum", "const", "pattern", "multipleOf", "minimum", "maximum"],
  ...["exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "$ref"],
];

/** Keywords that only narrow what is valid: they are told in the description, and held when the answer is read. */
const toldKeywords = [
  "minLength",
  "maxLength",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "contentEncoding",
];

/** Keywords that say nothing about an answer. */
const silentKeywords = [
  "$schema",
  "$id",
  "$comment",
  "default",
  "examples",
  "example",
  "deprecated",
  "readOnly",
  "writeOnly",
  "nullable",
];

/** Most levels of nesting and most properties in strict mode, from the same page. */
const strictDepth = 10;
const strictProperties = 5000;

/**
 * A schema in the dialect of OpenAI's strict mode, or `null` where that cannot say it. Rules:
 * 1. The root is an object. Objects are closed: additional properties of any kind cannot be said.
 * 2. Every property is required; an optional one may be `null` instead (see {@link dropAbsent}).
 * 3. `oneOf` is `anyOf`; an `allOf` of objects is one object; defaults are left out.
 * 4. What narrows a value beyond what the mode knows (lengths, other formats) is told in the description.
 * 5. Tuples, patterns of names, negations, conditions and values of any type cannot be said.
 */
export function toStrictSchema(schema: JsonSchema): JsonSchema | null {
  let properties = 0;
  class Inexpressible extends Error {}
  const refuse = (): never => {
    throw new Inexpressible();
  };

  const translate = (node: unknown, depth: number): Record<string, unknown> => {
    if (!isRecord(node) || depth > strictDepth) return refuse();
    const all = Array.isArray(node.allOf) ? merged(node, node.allOf) : node;
    if (all === null) return refuse();
    const out: Record<string, unknown> = {};
    const notes: string[] = [];
    for (const [key, value] of Object.entries(all)) {
      if (key === "pattern" && isRefusedPattern(value)) notes.push(`pattern: ${value}`);
      else if (keptKeywords.includes(key)) out[key] = value;
      else if (key === "type") out.type = all.nullable === true ? [value, "null"].flat() : value;
      else if (key === "format") {
        if (strictFormats.includes(String(value))) out.format = value;
        else notes.push(`format: ${value}`);
      } else if (key === "items") out.items = translate(value, depth + 1);
      else if (key === "anyOf" || key === "oneOf") {
        if (out.anyOf !== undefined || !Array.isArray(value)) refuse();
        else out.anyOf = value.map((choice) => translate(choice, depth));
      } else if (key === "$defs" || key === "definitions") {
        const defs = isRecord(value) ? value : {};
        out[key] = Object.fromEntries(
          Object.entries(defs).map(([name, one]) => [name, translate(one, depth)]),
        );
      } else if (toldKeywords.includes(key)) notes.push(`${key}: ${JSON.stringify(value)}`);
      else if (
        !silentKeywords.includes(key) &&
        !["properties", "required", "additionalProperties", "unevaluatedProperties"].includes(key)
      )
        refuse();
    }
    const isObject = all.properties !== undefined || [all.type].flat().includes("object");
    if (isObject && out.anyOf !== undefined) {
      // Alternatives that say all; beside properties of all of them they cannot be said.
      if (all.properties !== undefined || out.type !== "object") refuse();
      delete out.type;
    } else if (isObject) Object.assign(out, object(all, depth));
    if ([all.type].flat().includes("array") && all.items === undefined) refuse();
    if (["type", "anyOf", "enum", "const", "$ref"].every((key) => out[key] === undefined)) refuse();
    if (notes.length > 0)
      out.description = [out.description, `(${notes.join(", ")})`].filter(Boolean).join(" ");
    return out;
  };

  const object = (node: Record<string, unknown>, depth: number) => {
    for (const rest of [node.additionalProperties, node.unevaluatedProperties])
      if (rest !== undefined && rest !== false) refuse();
    const required = Array.isArray(node.required) ? node.required : [];
    const entries = Object.entries(isRecord(node.properties) ? node.properties : {});
    properties += entries.length;
    return {
      type: node.type ?? "object",
      properties: Object.fromEntries(
        entries.map(([name, child]) => {
          const translated = translate(child, depth + 1);
          return [name, required.includes(name) ? translated : orNull(translated)];
        }),
      ),
      required: entries.map(([name]) => name),
      additionalProperties: false,
    };
  };

  try {
    if (schema.type !== "object" || schema.anyOf !== undefined || schema.oneOf !== undefined) return null;
    const strict = translate(schema, 0);
    return properties <= strictProperties ? (strict as JsonSchema) : null;
  } catch (error) {
    if (error instanceof Inexpressible) return null;
    throw error;
  }
}

/** The same schema with `null` allowed. */
function orNull(schema: Record<string, unknown>): Record<string, unknown> {
  if (allowsNull(schema)) return schema;
  const { type, description } = schema;
  const plain = schema.enum === undefined && schema.const === undefined && schema.anyOf === undefined;
  if (typeof type === "string" && plain) return { ...schema, type: [type, "null"] };
  if (Array.isArray(schema.anyOf)) return { ...schema, anyOf: [...schema.anyOf, { type: "null" }] };
  return { anyOf: [schema, { type: "null" }], ...(description !== undefined && { description }) };
}

/** An `allOf` of objects as one object; `null` where its parts cannot be put together. */
function merged(node: Record<string, unknown>, parts: readonly unknown[]): Record<string, unknown> | null {
  const { allOf: _, ...own } = node;
  const all = [own, ...parts];
  if (
    parts.length === 1 &&
    Object.keys(own).every((key) => ["description", "title", "default"].includes(key))
  )
    return isRecord(parts[0]) ? { ...parts[0], ...own } : null;
  const out: Record<string, unknown> = {};
  for (const part of all) {
    if (!isRecord(part)) return null;
    for (const [key, value] of Object.entries(part)) {
      if (key === "properties" && isRecord(value)) {
        const known = isRecord(out.properties) ? out.properties : {};
        if (Object.keys(value).some((name) => Object.hasOwn(known, name))) return null;
        out.properties = { ...known, ...value };
      } else if (key === "required" && Array.isArray(value))
        out.required = [...(Array.isArray(out.required) ? out.required : []), ...value];
      else if (out[key] === undefined || JSON.stringify(out[key]) === JSON.stringify(value)) out[key] = value;
      else return null;
    }
  }
  return out;
}

/**
 * `value` without the `null` of optional keys: a model that has to write every key says so that one is absent. A
 * `null` that the schema itself allows stays, and so does one at a required key.
 */
export function dropAbsent(value: unknown, schema: JsonSchema): unknown {
  const resolve = (node: unknown, hops = 0): Record<string, unknown> => {
    if (!isRecord(node)) return {};
    if (typeof node.$ref !== "string" || hops > 8) return node;
    if (node.$ref === "#") return schema as Record<string, unknown>;
    const path = node.$ref.replace(/^#\//, "").split("/");
    const found = path.reduce<unknown>(
      (at, key) => (isRecord(at) ? at[key.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined),
      schema,
    );
    return resolve(found, hops + 1);
  };
  const choicesOf = (node: Record<string, unknown>) =>
    [node.anyOf, node.oneOf, node.allOf]
      .flatMap((list) => (Array.isArray(list) ? list : []))
      .map((one) => resolve(one));
  const nullable = (node: unknown): boolean => {
    const at = resolve(node);
    const own = Object.keys(at).filter((key) => !["description", "title", "default"].includes(key));
    return own.length === 0 || allowsNull(at) || choicesOf(at).some((one) => allowsNull(one));
  };
  /** The node and those of its choices whose constants are those of the part. */
  const around = (part: unknown, node: Record<string, unknown>, depth = 2): Record<string, unknown>[] => [
    node,
    ...(depth === 0 ? [] : choicesOf(node))
      .filter((one) => !contradicts(one, part))
      .flatMap((one) => around(part, one, depth - 1)),
  ];
  const clean = (part: unknown, given: readonly unknown[]): unknown => {
    const nodes = given.flatMap((node) => around(part, resolve(node)));
    if (Array.isArray(part)) return part.map((item, index) => clean(item, nodes.flatMap(itemSchemas(index))));
    if (!isRecord(part)) return part;
    const entries = Object.entries(part).flatMap(([key, inner]): [string, unknown][] => {
      const declared = nodes.map((node) => ({ node, children: childSchemas(node, key) }));
      const declaring = declared.filter(({ children }) => children.length > 0);
      const children = declaring.flatMap((one) => one.children);
      const optional = declaring.some(
        ({ node }) => !(Array.isArray(node.required) && node.required.includes(key)),
      );
      if (inner === null && optional && !children.some(nullable)) return [];
      return [[key, clean(inner, children)]];
    });
    return Object.fromEntries(entries);
  };
  return clean(value, [schema as Record<string, unknown>]);
}

/** The schemas of one item: its own place in a tuple, else that of the rest. */
const itemSchemas = (index: number) => (node: Record<string, unknown>) => {
  const own: unknown = Array.isArray(node.prefixItems) ? node.prefixItems[index] : undefined;
  return [own ?? node.items].filter(isRecord);
};

/** The schemas of one key: as a property, by a pattern of its name, else as any other. */
function childSchemas(node: Record<string, unknown>, key: string): Record<string, unknown>[] {
  const own = isRecord(node.properties) && Object.hasOwn(node.properties, key) ? [node.properties[key]] : [];
  const patterns = isRecord(node.patternProperties) ? Object.entries(node.patternProperties) : [];
  const byName = patterns.filter(([pattern]) => matches(pattern, key)).map(([, child]) => child);
  const found = [...own, ...byName];
  return (found.length > 0 ? found : [node.additionalProperties]).filter(isRecord);
}

function matches(pattern: string, key: string): boolean {
  try {
    return new RegExp(pattern, "u").test(key);
  } catch {
    return false;
  }
}

/** Whether a constant of a choice (`kind: "circle"`) is another one in the value: then the choice is not meant. */
function contradicts({ properties }: Record<string, unknown>, part: unknown): boolean {
  if (!isRecord(properties) || !isRecord(part)) return false;
  return Object.entries(properties).some(([key, child]) => {
    if (!isRecord(child) || !Object.hasOwn(part, key)) return false;
    const constants = Array.isArray(child.enum)
      ? child.enum
      : child.const === undefined
        ? null
        : [child.const];
    return constants !== null && part[key] !== null && !constants.includes(part[key]);
  });
}

function allowsNull(node: Record<string, unknown>): boolean {
  return (
    [node.type].flat().includes("null") ||
    node.const === null ||
    node.nullable === true ||
    (Array.isArray(node.enum) && node.enum.includes(null)) ||
    (Array.isArray(node.anyOf) && node.anyOf.some((one) => isRecord(one) && allowsNull(one)))
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
