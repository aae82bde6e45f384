import { z } from "zod";
import { DagError, errorMessage } from "../errors.js";
import { isMessagesSchema, messages } from "./messages.js";
import type { JsonSchema, Schema } from "./shape.js";

/** Whether a value is a zod schema (zod 4). */
export function isZodSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && "_zod" in value;
}

const zodForms = new WeakMap<object, Schema>();
const jsonForms = new WeakMap<object, JsonSchema>();

/**
 * A schema as zod: zod schemas as they are, JSON Schemas converted once.
 * @throws DagError `SCHEMA_UNUSABLE` for a JSON Schema that cannot be converted.
 */
export function toZod(schema: Schema | JsonSchema): Schema {
  if (isZodSchema(schema)) return schema;
  return cached(zodForms, schema, () =>
    isMessagesSchema(schema)
      ? messages()
      : z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]),
  );
}

/**
 * A schema as JSON Schema: JSON Schemas as they are, zod schemas converted once, as the shape of what is parsed.
 * @throws DagError `SCHEMA_UNUSABLE` for a zod schema that JSON Schema cannot express (a transform, a date).
 */
export function toJsonSchema(schema: Schema | JsonSchema): JsonSchema {
  if (!isZodSchema(schema)) return schema;
  return cached(jsonForms, schema, () => {
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" }) as Record<string, unknown>;
    return rest;
  });
}

/** The parsed value, or what is wrong with it as one text, a line a problem. */
export function checkAgainst(
  schema: Schema | JsonSchema,
  value: unknown,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string } {
  const result = z.safeParse(toZod(schema), value);
  return result.success
    ? { ok: true, value: result.data }
    : { ok: false, message: renderProblems(result.error.issues) };
}

/** As {@link checkAgainst}, for schemas with asynchronous refinements too. */
export async function checkAgainstAsync(
  schema: Schema | JsonSchema,
  value: unknown,
): Promise<
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string }
> {
  const result = await z.safeParseAsync(toZod(schema), value);
  return result.success
    ? { ok: true, value: result.data }
    : { ok: false, message: renderProblems(result.error.issues) };
}

function renderProblems(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .map((issue) =>
      issue.path.length === 0 ? issue.message : `${issue.path.map(String).join(".")}: ${issue.message}`,
    )
    .join("\n");
}

function cached<K extends object, V>(forms: WeakMap<object, V>, key: K, make: () => V): V {
  const known = forms.get(key);
  if (known !== undefined) return known;
  try {
    const made = make();
    forms.set(key, made);
    return made;
  } catch (error) {
    throw new DagError("SCHEMA_UNUSABLE", `The schema cannot be used: ${errorMessage(error)}.`, {
      cause: error,
      hint: "Use types that JSON can hold: strings, numbers, booleans, null, arrays, objects, enums and unions of them.",
    });
  }
}
