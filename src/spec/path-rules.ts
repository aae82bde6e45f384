import type { DagIssue } from "../errors.js";
import { didYouMean } from "./did-you-mean.js";
import { type Fields, isPlainObject, issue, pathTo, showValue } from "./issue.js";
import { asJsonSchema } from "./schema-rules.js";

/** What is known of the values that references point into. */
export interface KnownValues {
  /** The spec's nodes by name, as declared. */
  readonly nodes: Readonly<Record<string, unknown>>;
  /** The spec's input schema. */
  readonly input: unknown;
}

/** What a schema says of the value at the end of a path: its own schema, or where the path leaves it. */
type Found =
  | { readonly found: Fields }
  | { readonly lost: string; readonly at: Fields }
  /** Nothing is known. */
  | null;

/** Issues of a reference's path, where the schema of what it points at is known and has no such place. */
export function validateReferencePath(reference: Fields, at: string, known: KnownValues): DagIssue[] {
  const end = valueAt(reference, known);
  if (end === null || "found" in end) return [];
  const fields = Object.keys(propertiesOf(end.at));
  const message =
    fields.length > 0
      ? `There is no field ${showValue(end.lost)} in the value that ${nameOf(reference)} gives.`
      : `There is nothing at ${showValue(end.lost)}: the value there is of type ${String(end.at.type)}.`;
  const hint =
    fields.length > 0 ? didYouMean(end.lost, fields) : "Leave out the path, or declare a schema with fields.";
  return [issue("unknown-field", pathTo(at, "path"), message, hint)];
}

/** Issues of a test against values that the schema does not allow: such a condition could never hold. */
export function validateReachable(when: Fields, at: string, known: KnownValues): DagIssue[] {
  const end = valueAt(when, known);
  const allowed = end !== null && "found" in end ? allowedBy(end.found) : null;
  if (allowed === null) return [];
  const tested = Object.hasOwn(when, "equals")
    ? [{ value: when.equals, place: ["equals"] as const }]
    : Array.isArray(when.in)
      ? when.in.map((value: unknown, index) => ({ value, place: ["in", index] as const }))
      : [];
  return tested
    .filter(({ value }) => !allowed.some((one) => one === value))
    .map(({ value, place }) => {
      const texts = allowed.filter((one): one is string => typeof one === "string");
      const hint =
        typeof value === "string" && texts.length > 0
          ? didYouMean(value, texts)
          : `It is one of ${allowed.map(showValue).join(", ")}.`;
      return issue(
        "never-equal",
        place.reduce<string>((path, step) => pathTo(path, step), at),
        `The schema never allows ${showValue(value)} here.`,
        hint,
      );
    });
}

/** Why a referenced value cannot be mapped over, as an issue. */
export function validateIsArray(reference: Fields, at: string, known: KnownValues): DagIssue[] {
  const end = valueAt(reference, known);
  if (end === null || !("found" in end)) return [];
  const { type } = end.found;
  if (typeof type !== "string" || type === "array") return [];
  return [issue("bad-for-each", at, `What it points at is of type ${type}.`, "Point it at an array.")];
}

/** What is known of the value that a reference points at. */
export function valueAt(reference: Fields, { nodes, input }: KnownValues): Found {
  const steps = typeof reference.path === "string" ? reference.path.split(".") : [];
  if (reference.input === true) return input === undefined ? null : follow(asJsonSchema(input), steps);
  const node = typeof reference.node === "string" ? nodes[reference.node] : undefined;
  if (!isPlainObject(node)) return null;
  const value = declaredValue(node);
  return value === null
    ? null
    : follow(node.forEach === undefined ? value : { type: "array", items: value }, steps);
}

/** The schema of a node's value: what it declares or its DAG gives; `null` where nothing tells. */
function declaredValue({ output, run, instructions, tool, dag }: Fields, depth = 0): Fields | null {
  if (output !== undefined) {
    return run !== undefined || instructions !== undefined || tool !== undefined
      ? asJsonSchema(output)
      : null;
  }
  return isPlainObject(dag) && depth < 20 ? givenByDag(dag, depth) : null;
}

/** The schema of a DAG's output: that of its one output node. */
function givenByDag({ nodes, output }: Fields, depth: number): Fields | null {
  if (!isPlainObject(nodes)) return null;
  const needed = new Set(
    Object.values(nodes).flatMap((node) =>
      isPlainObject(node) && Array.isArray(node.needs) ? node.needs : [],
    ),
  );
  const ends = typeof output === "string" ? [output] : Object.keys(nodes).filter((name) => !needed.has(name));
  const [end] = ends;
  const node = end !== undefined && ends.length === 1 && Object.hasOwn(nodes, end) ? nodes[end] : undefined;
  if (!isPlainObject(node)) return null;
  const value = declaredValue(node, depth + 1);
  return value === null || node.forEach === undefined ? value : { type: "array", items: value };
}

function follow(root: Fields, steps: readonly string[]): Found {
  let at: Fields | null = resolve(root, root);
  for (const step of steps) {
    if (at === null) return null;
    const next: Fields | "lost" | null = stepInto(at, step);
    if (next === "lost") return { lost: step, at };
    at = next === null ? null : resolve(next, root);
  }
  return at === null ? null : { found: at };
}

function stepInto(schema: Fields, step: string): Fields | "lost" | null {
  const { type, items } = schema;
  if (type === "array")
    return /^\d+$/.test(step) ? (isPlainObject(items) ? items : null) : step === "length" ? null : "lost";
  if (type === "object" && isPlainObject(schema.properties)) {
    const property = Object.hasOwn(schema.properties, step) ? schema.properties[step] : undefined;
    if (isPlainObject(property)) return property;
    const open = schema.additionalProperties === true || isPlainObject(schema.additionalProperties);
    return open || schema.patternProperties !== undefined ? null : "lost";
  }
  return type === "string" || type === "number" || type === "integer" || type === "boolean" ? "lost" : null;
}

/** A schema without its local reference, and without the `null` beside it; `null` where it can be several things. */
export function resolve(schema: Fields, root: Fields, depth = 0): Fields | null {
  if (depth > 20) return null;
  if (typeof schema.$ref === "string") {
    const path = schema.$ref.split("/").slice(1);
    let target: unknown = schema.$ref.startsWith("#") ? root : null;
    for (const step of path) target = isPlainObject(target) ? target[step] : null;
    return isPlainObject(target) ? resolve(target, root, depth + 1) : null;
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) {
    const [only, ...others] = choices.filter((one) => !(isPlainObject(one) && one.type === "null"));
    return others.length === 0 && isPlainObject(only) ? resolve(only, root, depth + 1) : null;
  }
  return schema.allOf === undefined && !Array.isArray(schema.type) ? schema : null;
}

/** The values that a schema lists; `null` is left open, because an optional field may be missing. */
function allowedBy({ enum: listed, const: only, type }: Fields): unknown[] | null {
  if (only !== undefined) return [only, null];
  if (Array.isArray(listed)) return [...listed, null];
  return type === "boolean" ? [true, false, null] : null;
}

function propertiesOf({ properties }: Fields): Fields {
  return isPlainObject(properties) ? properties : {};
}

function nameOf({ node }: Fields): string {
  return typeof node === "string" ? `"${node}"` : "the input";
}
