import { z } from "zod";
import { DagError, type DagIssue, errorMessage } from "../errors.js";
import { didYouMean } from "./did-you-mean.js";
import { type Fields, isObject, isPlainObject, issue, showValue } from "./issue.js";
import { isZodSchema, readSchema, toJsonSchema, toZod } from "./schema.js";
import type { JsonSchema } from "./shape.js";

/**
 * Issues of a schema: zod's, or a JSON Schema that zod can use. A schema that is sent to a model (`sent`) has to be
 * expressible as JSON Schema too.
 */
export function validateSchema(schema: unknown, path: string, { sent = false } = {}): DagIssue[] {
  if (schema === undefined) return [];
  if (!isZodSchema(schema) && !isPlainObject(schema)) {
    const hint =
      "Give a JSON Schema such as { type: object, properties: … }, or a zod 4 schema in TypeScript.";
    return [issue("bad-schema", path, `${showValue(schema)} is not a schema.`, hint)];
  }
  const jsonHint = "Correct the schema; references have to be local.";
  const zodHint =
    "A model is sent the schema as JSON Schema: use strings, numbers, booleans, arrays, objects and unions.";
  try {
    if (isZodSchema(schema)) {
      if (sent) toJsonSchema(schema);
    } else z.safeParse(toZod(schema), null); // a schema that only refers to itself fails here
    return isZodSchema(schema) ? [] : validateStatesType(schema, path);
  } catch (error) {
    const cause = error instanceof DagError ? error.cause : error;
    const reason =
      cause instanceof RangeError
        ? "it is nested too deeply or refers to itself without end"
        : errorMessage(cause);
    const message = `The schema cannot be used: ${reason.replace(/\.$/, "")}.`;
    return [issue("bad-schema", path, message, isZodSchema(schema) ? zodHint : jsonHint)];
  }
}

/** `properties` without a type would check nothing: JSON Schema applies them to objects only, and lets all else pass. */
function validateStatesType({ type, properties }: JsonSchema, path: string): DagIssue[] {
  if (type !== undefined || properties === undefined) return [];
  return [issue("bad-schema", path, "The schema has properties but no type.", "Add type: object.")];
}

/** Why a field of the input cannot be mapped over, as an issue; none where the schema does not tell. */
export function validateArrayField(schema: unknown, field: string, path: string): DagIssue[] {
  const { type, properties } = asJsonSchema(schema);
  if (type !== "object" || !isPlainObject(properties)) return [];
  const names = Object.keys(properties);
  if (!Object.hasOwn(properties, field)) {
    return [
      issue("bad-for-each", path, `The input has no field ${showValue(field)}.`, didYouMean(field, names)),
    ];
  }
  const property = properties[field];
  const stated = isPlainObject(property) ? property.type : undefined;
  if (typeof stated !== "string" || stated === "array") return [];
  return [
    issue("bad-for-each", path, `The input's "${field}" is of type ${stated}.`, "Map over an array field."),
  ];
}

const known = new WeakMap<object, Fields>();

/** A schema as JSON Schema; empty where it cannot be written as one, so that nothing is known. */
export function asJsonSchema(schema: unknown): Fields {
  if (!isObject(schema)) return {};
  if (!isZodSchema(schema)) return schema;
  let json = known.get(schema);
  if (json === undefined) {
    json = readSchema(schema, () => z.toJSONSchema(schema, { unrepresentable: "any" }) as Fields, {});
    known.set(schema, json);
  }
  return json;
}
