import { z } from "zod";
import { type DagIssue, unawaited } from "../errors.js";
import { didYouMean } from "./did-you-mean.js";
import { type Fields, isObject, isPlainObject, issue, pathTo, showValue } from "./issue.js";
import { type KnownValues, resolve, valueAt } from "./path-rules.js";
import { isEndless, isZodSchema, readSchema, toZod } from "./schema.js";
import { asJsonSchema } from "./schema-rules.js";

/** A graph node, and what is known of the values around it. */
export interface GraphNodeFacts {
  readonly node: Fields;
  readonly known: KnownValues;
  /** The issues that its template has already: one that cannot be read is not held against a schema. */
  readonly isReadable: boolean;
}

/**
 * Issues of what a graph node gives to its DAG, held against the input that the DAG declares:
 * 1. a field that the DAG's input does not have;
 * 2. a field that it requires and is not given;
 * 3. a literal that its schema refuses;
 * 4. a reference to a value whose declared type is another.
 * What a function form gives, and what no schema tells, is found at run time.
 */
export function validateGraphInput({ node, known, isReadable }: GraphNodeFacts, path: string): DagIssue[] {
  const { dag, input } = node;
  if (!isPlainObject(dag) || typeof input === "function" || !isReadable) return [];
  const expected: Expected = { name: String(dag.name), schema: dag.input ?? { type: "string" } };
  const at = pathTo(path, "input");
  if (input === undefined) {
    const given = givenByItself(node, known);
    const what = node.forEach === undefined ? "the input of the DAG around it" : "each item";
    const place = node.forEach === undefined ? pathTo(path, "dag") : pathTo(path, "forEach");
    return given === null ? [] : compared(given, wanted(expected, []), { expected, at: place, what });
  }
  const unknown = unknownFields(input, asJsonSchema(expected.schema), expected, at);
  return [...unknown, ...refused(input, expected, at, unknown), ...mismatched(input, expected, at, known)];
}

interface Expected {
  readonly name: string;
  /** The inner DAG's input schema. */
  readonly schema: unknown;
}

/** What a graph node without `input` gives: its item, else the surrounding DAG's input. */
function givenByItself({ forEach }: Fields, known: KnownValues): Fields | null {
  const outer = known.input ?? { type: "string" };
  if (forEach === undefined) return resolve(asJsonSchema(outer), asJsonSchema(outer));
  const items = isPlainObject(forEach) && forEach.items !== undefined ? forEach.items : forEach;
  const reference = typeof items === "string" ? { input: true, path: items } : items;
  const end = isPlainObject(reference) ? valueAt(reference, known) : null;
  const list = end !== null && "found" in end ? end.found : {};
  return isPlainObject(list.items) ? resolve(list.items, list) : null;
}

/** Fields of literal objects that the schema does not have, where it is closed. */
function unknownFields(template: unknown, schema: Fields, expected: Expected, at: string): DagIssue[] {
  const root = asJsonSchema(expected.schema);
  const shape = resolve(schema, root);
  if (shape === null || !isObject(template) || "$ref" in template) return [];
  const { properties } = shape;
  if (shape.type !== "object" || !isPlainObject(properties)) return [];
  const names = Object.keys(properties);
  return Object.entries(template).flatMap(([key, part]) => {
    const inner = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (isPlainObject(inner)) return unknownFields(part, inner, expected, pathTo(at, key));
    if (inner !== undefined || shape.additionalProperties !== false) return [];
    const message = `The input of the DAG "${expected.name}" has no field ${showValue(key)}.`;
    return [issue("unknown-field", pathTo(at, key), message, didYouMean(key, names))];
  });
}

/** Stands for what a reference will give. */
const later = Symbol("known at run time");

/** What the schema refuses whatever the references will give. */
function refused(
  template: unknown,
  expected: Expected,
  at: string,
  unknown: readonly DagIssue[],
): DagIssue[] {
  const sample = withoutReferences(template);
  return issuesAtOnce(toZod(expected.schema as z.core.$ZodType), sample).flatMap(({ path, message }) => {
    const value = stepsInto(sample, path);
    if (holdsLater(value)) return [];
    const place = path.reduce<string>((text, step) => pathTo(text, step as string | number), at);
    const around = path
      .slice(0, -1)
      .reduce<string>((text, step) => pathTo(text, step as string | number), at);
    if (value !== undefined || path.length === 0) {
      const text = `The DAG "${expected.name}" does not take ${showValue(value)} here: ${message.replace(/^Invalid input: /, "")}.`;
      return [issue("bad-input", place, text, `Give what its input schema asks for.`)];
    }
    if (unknown.some((one) => one.path.startsWith(around))) return [];
    const text = `The DAG "${expected.name}" needs ${showValue(String(path.at(-1)))} in its input, which is not given.`;
    return [issue("missing-input", around, text, "Give it, or make it optional in the schema of that DAG.")];
  });
}

/**
 * What a schema says of a value without waiting. Asynchronous code of a user's is not begun where it can be told, and nobody
 * waits for it elsewhere: then the schema's form decides, and the rest is found at run time.
 */
function issuesAtOnce(schema: z.core.$ZodType, value: unknown): readonly z.core.$ZodIssue[] {
  // How far zod gets in a schema without end hangs on the stack.
  if (isEndless(schema)) return [];
  const read = (): readonly z.core.$ZodIssue[] => {
    if (!holdsAsyncCode(schema)) {
      const context = { async: true } as const;
      const result = schema._zod.run({ value, issues: [] }, context);
      if (!(result instanceof Promise))
        return result.issues.map((one) => z.core.util.finalizeIssue(one, context, z.core.config()));
      unawaited(result);
    }
    if (changesInput(schema)) return [];
    const form = z.fromJSONSchema(inputForm(schema) as Parameters<typeof z.fromJSONSchema>[0]);
    return z.safeParse(form, value).error?.issues ?? [];
  };
  return readSchema(schema, read, []); // nothing where a refinement cannot take the sample
}

function withoutReferences(template: unknown): unknown {
  if (Array.isArray(template)) return template.map(withoutReferences);
  if (!isObject(template)) return template;
  if ("$ref" in template) return later;
  return Object.fromEntries(Object.entries(template).map(([key, part]) => [key, withoutReferences(part)]));
}

function stepsInto(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const step of path) {
    if (at === later || typeof at !== "object" || at === null) return at === later ? later : undefined;
    at = Object.hasOwn(at, step) ? (at as Record<PropertyKey, unknown>)[step] : undefined;
  }
  return at;
}

function holdsLater(value: unknown): boolean {
  if (value === later) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsLater);
}

/** References to values of a declared type that the schema does not take. */
function mismatched(template: unknown, expected: Expected, at: string, known: KnownValues): DagIssue[] {
  const visit = (part: unknown, steps: readonly string[], here: string): DagIssue[] => {
    if (Array.isArray(part))
      return part.flatMap((one, i) => visit(one, [...steps, String(i)], pathTo(here, i)));
    if (!isObject(part)) return [];
    if (!("$ref" in part)) {
      return Object.entries(part).flatMap(([key, one]) => visit(one, [...steps, key], pathTo(here, key)));
    }
    // Without a schema, the run's input is a text.
    const around = { ...known, input: known.input ?? { type: "string" } };
    const end = isPlainObject(part.$ref) ? valueAt(part.$ref, around) : null;
    if (end === null || !("found" in end)) return [];
    return compared(end.found, wanted(expected, steps), { expected, at: here, what: "what it points at" });
  };
  return visit(template, [], at);
}

/** What the inner DAG's schema asks for at a place of its input; `null` where it does not tell. */
function wanted({ schema }: Expected, steps: readonly string[]): Fields | null {
  if (isZodSchema(schema) && changesInput(schema)) return null;
  const root = isZodSchema(schema) ? inputForm(schema) : isObject(schema) ? schema : {};
  let shape = resolve(root, root);
  for (const step of steps) {
    const next: unknown =
      shape?.type === "array"
        ? shape.items
        : isPlainObject(shape?.properties) && Object.hasOwn(shape.properties, step)
          ? shape.properties[step]
          : undefined;
    shape = isPlainObject(next) ? resolve(next, root) : null;
  }
  return shape;
}

interface Comparison {
  readonly expected: Expected;
  readonly at: string;
  /** What is given, in words. */
  readonly what: string;
}

function compared(given: Fields, want: Fields | null, { expected, at, what }: Comparison): DagIssue[] {
  const why = want === null ? null : conflict(given, want, "");
  if (why === null) return [];
  const text = `The DAG "${expected.name}" does not take ${what}: ${why}.`;
  return [issue("bad-input", at, text, "Give `input` what its schema asks for, or change the schema.")];
}

/** Why no value of the one schema fits the other, as far as types and required fields tell; else `null`. */
function conflict(given: Fields, want: Fields, field: string): string | null {
  const [is, asked] = [given.type, want.type];
  const here = field === "" ? "it" : `"${field}"`;
  if (typeof is === "string" && typeof asked === "string" && is !== "null" && is !== asked) {
    const bothNumbers = [is, asked].every((type) => type === "number" || type === "integer");
    if (!bothNumbers) return `${here} is of type ${is}, and ${asked} is expected`;
  }
  const [has, asks] = [given.properties, want.properties];
  if (!isPlainObject(has) || !isPlainObject(asks)) return null;
  const required: readonly unknown[] = Array.isArray(want.required) ? want.required : [];
  for (const [name, part] of Object.entries(asks)) {
    const inner = field === "" ? name : `${field}.${name}`;
    const own = Object.hasOwn(has, name) ? has[name] : undefined;
    if (own === undefined && required.includes(name) && given.additionalProperties === false)
      return `it has no field "${inner}"`;
    if (!isPlainObject(own) || !isPlainObject(part)) continue;
    const [a, b] = [resolve(own, given), resolve(part, want)];
    const why = a === null || b === null ? null : conflict(a, b, inner);
    if (why !== null) return why;
  }
  return null;
}

/** A zod schema as JSON Schema of what goes in. */
function inputForm(schema: z.core.$ZodType): Fields {
  const write = () => z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Fields;
  return readSchema(schema, write, {});
}

/** Whether a schema coerces or prepares what it is given: it then takes more than its types say. */
function changesInput(schema: unknown): boolean {
  return hasDefinition(schema, ({ coerce, type, in: entry }) => {
    if (coerce === true || type === "transform" || type === "lazy" || type === "catch") return true;
    return type === "pipe" ? changesInput(entry) : null; // what comes after changes only what goes out
  });
}

/** Whether a schema has refinements or transforms that are written as async functions. */
function holdsAsyncCode(schema: unknown): boolean {
  const isAsync = (part: unknown) =>
    typeof part === "function" && Object.prototype.toString.call(part) === "[object AsyncFunction]";
  return hasDefinition(schema, (def) => Object.values(def).some(isAsync) || null);
}

/** Most parts of a schema that are looked at: a function in it may make new ones each time that it is called. */
const mostParts = 5000;

/** Whether a part of a schema is what is looked for, at any depth; `null` looks on within the part. No depth fills the stack. */
function hasDefinition(schema: unknown, isFound: (def: Fields) => boolean | null): boolean {
  const parts = new Set([schema]);
  for (const part of parts) {
    if (typeof part !== "object" || part === null) continue;
    const def: unknown = isZodSchema(part) ? part._zod.def : part;
    const found = isObject(def) ? isFound(def) : null;
    if (found === true) return true;
    if (found === false || parts.size > mostParts) continue;
    if (typeof def === "object" && def !== null) for (const one of Object.values(def)) parts.add(one);
  }
  return false;
}
