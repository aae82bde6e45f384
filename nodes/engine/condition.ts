import { DagError } from "../../src/errors.js";
import { type ReferenceScope, readReference } from "../../src/spec/reference.js";
import type { Ctx, Node, When } from "../../src/spec/shape.js";

/**
 * Whether a node's `when` holds.
 * @throws DagError `WHEN_NOT_BOOLEAN` when a function form returns something else, and whatever it throws itself.
 */
export function conditionHolds(when: NonNullable<Node["when"]>, ctx: Ctx & ReferenceScope): boolean {
  if (typeof when !== "function") return testHolds(when, readReference(when, ctx));
  const result: unknown = when(ctx);
  if (typeof result === "boolean") return result;
  throw new DagError(
    "WHEN_NOT_BOOLEAN",
    `The node's \`when\` returned ${typeof result} instead of a boolean.`,
    {
      hint: "Return true or false; a `when` cannot be asynchronous.",
    },
  );
}

function testHolds(when: When, value: unknown): boolean {
  if (when.exists !== undefined) return (value !== undefined && value !== null) === when.exists;
  if ("equals" in when) return sameJson(value, when.equals);
  if (when.in !== undefined) return when.in.some((one) => sameJson(value, one));
  if (when.gt !== undefined) return typeof value === "number" && value > when.gt;
  if (when.lt !== undefined) return typeof value === "number" && value < when.lt;
  return false;
}

/** Equality of JSON values; the order of keys does not count. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key as keyof typeof a], b[key as keyof typeof b]))
  );
}
