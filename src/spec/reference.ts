import { isPlainObject } from "./issue.js";
import { maxDepth } from "./json-value.js";

/** Points at a need's value, at the run's input or, under `forEach`, at the item; `path` is dotted (`items.0.name`). */
export type Reference<Name extends string = string> =
  | { readonly node: Name; readonly path?: string; readonly input?: never; readonly item?: never }
  | { readonly input: true; readonly path?: string; readonly node?: never; readonly item?: never }
  | { readonly item: true; readonly path?: string; readonly node?: never; readonly input?: never };

/** Within the `input` of a graph node with `repeat`: the last round's output, and the round's number from 1. */
export type LoopReference =
  | { readonly previous: true; readonly path?: string }
  | { readonly round: true; readonly path?: never };

/** What references are read from. */
export interface ReferenceScope {
  readonly input: unknown;
  readonly needs: Readonly<Record<string, unknown>>;
  readonly item: unknown;
  readonly previous?: unknown;
  readonly round?: number;
}

/** The value that a reference points at, `undefined` where there is none. */
export function readReference(reference: Reference | LoopReference, scope: ReferenceScope): unknown {
  // The first round has no output before it, and nothing within it.
  if ("previous" in reference)
    return scope.previous === null ? null : readPath(scope.previous, reference.path);
  if ("round" in reference) return scope.round;
  const root =
    reference.node !== undefined
      ? scope.needs[reference.node]
      : reference.input === true
        ? scope.input
        : scope.item;
  return readPath(root, reference.path);
}

/** Follows a dotted path; own properties only, so that `constructor` and the like find nothing. */
export function readPath(root: unknown, path: string | undefined): unknown {
  if (path === undefined || path === "") return root;
  let value: unknown = root;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/**
 * `template` with every `{ $ref: <reference> }` inside replaced by what it points at. What has a class is handed on as it is: a
 * message to the runnable that takes it, a `Date` to whoever refuses it.
 */
export function fillTemplate(template: unknown, scope: ReferenceScope): unknown {
  if (Array.isArray(template)) return template.map((part) => fillTemplate(part, scope));
  if (!isPlainObject(template)) return template;
  if ("$ref" in template) return readReference(template.$ref as Reference | LoopReference, scope);
  return Object.fromEntries(Object.entries(template).map(([key, part]) => [key, fillTemplate(part, scope)]));
}

/**
 * Every reference inside a template, with its path in the template and the keys beside its `$ref`.
 *
 * @throws a `RangeError` for a template that is nested deeper than JSON may be here, or contains itself
 */
export function referencesIn(
  template: unknown,
  path = "",
  depth = 0,
): { reference: unknown; path: string; beside: readonly string[] }[] {
  if (depth > maxDepth) throw new RangeError(`It has more than ${maxDepth} levels.`);
  if (Array.isArray(template))
    return template.flatMap((part, i) => referencesIn(part, `${path}[${i}]`, depth + 1));
  if (!isPlainObject(template)) return [];
  if ("$ref" in template) {
    const beside = Object.keys(template).filter((key) => key !== "$ref");
    return [{ reference: template.$ref, path: `${path}.$ref`, beside }];
  }
  return Object.entries(template).flatMap(([key, part]) =>
    referencesIn(part, path === "" ? key : `${path}.${key}`, depth + 1),
  );
}
