import type { JsonSchema } from "../spec/shape.js";
import { type Field, notStated } from "./field.js";
import { fieldValue } from "./field-value.js";
import { fixed } from "./fixed-phrases.js";
import type { Task } from "./task.js";

/**
 * JSON text that fits the schema where the text says enough. What it does not say is `null` or empty where the schema
 * allows; else the answer is a plain sentence that names the fields, which fails the schema instead of inventing a value.
 */
export function fillSchema(schema: JsonSchema, task: Task): string {
  const lacking: string[] = [];
  const value = fill({ name: "", description: "", schema, context: "", path: "" }, schema, task, lacking);
  if (lacking.length > 0 || value === notStated) return `${fixed.notJson} ${lacking.join(", ") || "answer"}.`;
  return JSON.stringify(value);
}

function fill(field: Field, root: JsonSchema, task: Task, lacking: string[]): unknown {
  const schema = resolve(field.schema, root);
  const options = alternatives(schema);
  if (options !== null) return fillAlternatives(field, options, root, task, lacking);
  if ("const" in schema) return schema.const;
  if (schema.type === "null") return null;
  if (schema.type === "object" || "properties" in schema)
    return fillObject({ ...field, schema }, root, task, lacking);
  const value = fieldValue({ ...field, schema, description: describe(schema, field) }, task, (part, inner) =>
    fillPart(part, root, inner),
  );
  if (value === notStated) lacking.push(field.path || "answer");
  return value;
}

/** An inner value of a list item, filled from a task of its own; `notStated` where it lacks something. */
function fillPart(field: Field, root: JsonSchema, task: Task): unknown {
  const lacking: string[] = [];
  const value = fill(field, root, task, lacking);
  return lacking.length > 0 ? notStated : value;
}

function fillAlternatives(
  field: Field,
  options: readonly JsonSchema[],
  root: JsonSchema,
  task: Task,
  lacking: string[],
): unknown {
  const nullable = options.some((option) => option.type === "null");
  for (const option of options) {
    if (option.type === "null") continue;
    const value = fillPart({ ...field, schema: option, description: describe(option, field) }, root, task);
    if (value !== notStated) return value;
  }
  if (nullable) return null;
  lacking.push(field.path || "answer");
  return notStated;
}

function fillObject(field: Field, root: JsonSchema, task: Task, lacking: string[]): unknown {
  const properties = (field.schema.properties ?? {}) as Record<string, JsonSchema>;
  const required = new Set((field.schema.required ?? []) as string[]);
  const value: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(properties)) {
    const path = field.path === "" ? name : `${field.path}.${name}`;
    const missing: string[] = [];
    const inner = fill(
      {
        name,
        description: "",
        schema,
        context: `${field.context} ${field.name} ${describe(field.schema, field)}`,
        path,
      },
      root,
      task,
      missing,
    );
    if (missing.length === 0 && inner !== notStated) value[name] = inner;
    else if (required.has(name)) lacking.push(...(missing.length > 0 ? missing : [path]));
  }
  return value;
}

function describe(schema: JsonSchema, field: Field): string {
  return typeof schema.description === "string"
    ? schema.description
    : typeof schema.title === "string"
      ? schema.title
      : field.description;
}

function alternatives(schema: JsonSchema): JsonSchema[] | null {
  const listed = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(listed)) return listed as JsonSchema[];
  if (!Array.isArray(schema.type)) return null;
  return schema.type.map((type: unknown) => ({ ...schema, type }));
}

/** Follows local `$ref`s and folds `allOf`. */
function resolve(schema: JsonSchema, root: JsonSchema, depth = 0): JsonSchema {
  if (depth > 20) return {};
  if (typeof schema.$ref === "string" && schema.$ref.startsWith("#")) {
    const target = schema.$ref
      .split("/")
      .slice(1)
      .reduce<unknown>(
        (at, key) =>
          typeof at === "object" && at !== null
            ? (at as Record<string, unknown>)[decodeURIComponent(key)]
            : undefined,
        root,
      );
    const { $ref: _, ...rest } = schema;
    return resolve({ ...(target as JsonSchema | undefined), ...rest }, root, depth + 1);
  }
  if (!Array.isArray(schema.allOf)) return schema;
  const { allOf, ...rest } = schema;
  const parts = (allOf as JsonSchema[]).map((part) => resolve(part, root, depth + 1));
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {}), rest.properties ?? {});
  const required = parts
    .flatMap((part) => (part.required ?? []) as string[])
    .concat((rest.required ?? []) as string[]);
  return Object.assign(
    {},
    ...parts,
    rest,
    Object.keys(properties).length > 0 ? { properties, required } : {},
  );
}
