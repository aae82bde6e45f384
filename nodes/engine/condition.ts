import { DagError, unawaited } from "../../src/errors.js";
import type { Outcome } from "../../src/records/outcome.js";
import { canonicalJson } from "../../src/spec/canonical.js";
import { excerpt } from "../../src/spec/issue.js";
import { type ReferenceScope, readReference } from "../../src/spec/reference.js";
import type { Ctx, Node, When } from "../../src/spec/shape.js";

type Outcomes = Readonly<Record<string, Outcome | undefined>>;

/**
 * Why a node's `when` does not hold, naming the value that was read; `undefined` when it holds.
 * @throws DagError `WHEN_NOT_BOOLEAN` when a function form returns something else, and whatever it throws itself.
 */
export function whyNot(
  when: NonNullable<Node["when"]>,
  ctx: Ctx & ReferenceScope,
  outcomes: Outcomes,
): string | undefined {
  if (typeof when !== "function") return whyNotData(when, ctx, outcomes);
  const result: unknown = when(ctx);
  if (typeof result === "boolean") return result ? undefined : "Its `when` is false.";
  unawaited(result);
  throw new DagError(
    "WHEN_NOT_BOOLEAN",
    `The node's \`when\` returned ${typeof result} instead of a boolean.`,
    { hint: "Return true or false; a `when` cannot be asynchronous." },
  );
}

/** Like {@link whyNot} of a condition as data. */
export function whyNotData(when: When, ctx: ReferenceScope, outcomes: Outcomes): string | undefined {
  if (when.all !== undefined) {
    return firstOf(when.all.map((part) => whyNotData(part, ctx, outcomes)));
  }
  if (when.any !== undefined) {
    const reasons = when.any.map((part) => whyNotData(part, ctx, outcomes));
    return reasons.includes(undefined) ? undefined : `None of its conditions holds: ${reasons.join(" ")}`;
  }
  if (when.not !== undefined) {
    return whyNotData(when.not, ctx, outcomes) === undefined
      ? `Its \`when\` wants that not: ${shown(when.not)}.`
      : undefined;
  }
  if (when.state !== undefined) {
    const wanted = [when.state].flat();
    const state = outcomes[when.node as string]?.state ?? "not settled";
    return wanted.includes(state as never)
      ? undefined
      : `Its \`when\` wants "${when.node}" to be ${wanted.join(" or ")}; it is ${state}.`;
  }
  const value = readReference(when, ctx);
  return testHolds(when, value) ? undefined : `Its \`when\` is false: ${placeOf(when)} is ${shown(value)}.`;
}

function firstOf(reasons: readonly (string | undefined)[]): string | undefined {
  return reasons.find((reason) => reason !== undefined);
}

function placeOf({ node, input, path }: When): string {
  const root = node ?? (input === true ? "input" : "item");
  return path === undefined || path === "" ? `"${root}"` : `"${root}.${path}"`;
}

function shown(value: unknown): string {
  if (value === undefined) return "missing";
  const text = canonicalJson(value);
  return excerpt(text, 80);
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
  return a === b || canonicalJson(a) === canonicalJson(b);
}
