import { z } from "zod";
import { DagError, errorMessage, isStackFull } from "../errors.js";
import { excerpt } from "./issue.js";
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

/**
 * What is read of a schema, `otherwise` where nothing can be: it has no end, or JSON Schema has no words for it.
 *
 * @throws a `RangeError` where only the stack is too full to go through the schema: the same one tells more elsewhere
 */
export function readSchema<T, O>(schema: z.core.$ZodType, read: () => T, otherwise: O): T | O {
  try {
    return read();
  } catch (error) {
    if (isStackFull(error) && !isEndless(schema)) throw error;
    return otherwise;
  }
}

/** Most parts of a schema that has an end: a function in it may make new ones each time that it is called. */
const mostParts = 20_000;

/** Whether a schema makes new parts each time that it is asked for them, without an end. */
export function isEndless(schema: object): boolean {
  const parts = new Set<object>([schema]);
  for (const part of parts) {
    for (const one of isZodSchema(part) ? partsOf(part._zod.def) : Object.values(part))
      if (typeof one === "object" && one !== null) parts.add(one);
    if (parts.size > mostParts) return true;
  }
  return false;
}

/** What a definition holds. A lazy schema is asked anew: zod knows nothing of one at which the stack was full. */
function partsOf(def: object): readonly unknown[] {
  const { getter } = def as { readonly getter?: unknown };
  return typeof getter === "function" ? [getter()] : Object.values(def);
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

/** Most problems of one value that are told: they go back to models, and stand in errors. */
const mostProblems = 20;

/** Most characters of one of them. */
const longestProblem = 400;

function renderProblems(issues: readonly z.core.$ZodIssue[]): string {
  const told = issues
    .slice(0, mostProblems)
    .map((issue) => excerpt(renderProblem(issue, []), longestProblem));
  const left = issues.length - told.length;
  return [...told, ...(left > 0 ? [`and ${left} more`] : [])].join("\n");
}

/** A problem with its place; of alternatives, what is wrong with the one that comes nearest, or the words that tell them apart. */
function renderProblem(issue: z.core.$ZodIssue, within: readonly PropertyKey[]): string {
  const path = [...within, ...issue.path];
  const said = path.length === 0 ? issue.message : `${path.map(String).join(".")}: ${issue.message}`;
  if (issue.code !== "invalid_union") return said;
  const isWhole = (issues: readonly z.core.$ZodIssue[]) => issues.some(({ path }) => path.length === 0);
  const alternatives = issue.errors.filter((issues) => issues.length > 0 && !isWhole(issues));
  const marks = alternatives.flatMap((issues) => issues.find(({ code }) => code === "invalid_value") ?? []);
  const [mark] = marks;
  const tellsApart = (one: z.core.$ZodIssue) => String(one.path) === String(mark?.path);
  if (mark !== undefined && marks.length === alternatives.length && marks.every(tellsApart)) {
    const words = marks.flatMap((one) => (one.code === "invalid_value" ? one.values : []));
    const place = [...path, ...mark.path].map(String).join(".");
    return `${place}: Invalid input: expected one of ${words.map(shownWord).join("|")}`;
  }
  const [problem] = [...alternatives].sort((a, b) => a.length - b.length)[0] ?? [];
  if (alternatives.length === 0) {
    const types = issue.errors.flatMap(([first]) => (first === undefined ? [] : expectedBy(first)));
    return types.length === 0 ? said : `${said}: expected ${[...new Set(types)].join(" or ")}`;
  }
  return problem === undefined ? said : `${said} (nearest alternative: ${renderProblem(problem, path)})`;
}

function expectedBy(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code === "invalid_type") return [issue.expected];
  return issue.code === "invalid_value" ? issue.values.map(shownWord) : [];
}

const shownWord = (word: unknown) => (typeof word === "string" ? JSON.stringify(word) : String(word));

function cached<K extends object, V>(forms: WeakMap<object, V>, key: K, make: () => V): V {
  const known = forms.get(key);
  if (known !== undefined) return known;
  try {
    const made = make();
    forms.set(key, made);
    return made;
  } catch (error) {
    if (isStackFull(error)) throw error;
    throw new DagError("SCHEMA_UNUSABLE", `The schema cannot be used: ${errorMessage(error)}.`, {
      cause: error,
      hint: "Use types that JSON can hold: strings, numbers, booleans, null, arrays, objects, enums and unions of them.",
    });
  }
}
