import { z } from "zod";
import type { DagIssue } from "../errors.js";
import { didYouMean } from "./did-you-mean.js";
import { type Fields, isObject, isPlainObject, issue, showValue } from "./issue.js";

/** Issues of a schema: zod's, or a JSON Schema that zod can use. */
export function validateSchema(schema: unknown, path: string): DagIssue[] {
  if (schema === undefined || (isObject(schema) && isObject(schema._zod))) return [];
  if (!isPlainObject(schema)) {
    const hint =
      "Give a JSON Schema such as { type: object, properties: … }, or a zod 4 schema in TypeScript.";
    return [issue("bad-schema", path, `${showValue(schema)} is not a schema.`, hint)];
  }
  try {
    z.fromJSONSchema(schema as never).safeParse(null); // a schema that only refers to itself fails here
    return [];
  } catch (error) {
    const reason = error instanceof RangeError ? "it refers to itself without end" : (error as Error).message;
    return [
      issue(
        "bad-schema",
        path,
        `The JSON Schema cannot be used: ${reason}.`,
        "Correct the schema; references have to be local.",
      ),
    ];
  }
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

function asJsonSchema(schema: unknown): Fields {
  if (!isObject(schema)) return {};
  try {
    return isObject(schema._zod) ? z.toJSONSchema(schema as never, { unrepresentable: "any" }) : schema;
  } catch {
    return {}; // not representable: nothing is known
  }
}
