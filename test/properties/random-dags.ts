import type { Join } from "../../src/spec/shape.js";
import fc from "../support/drawn.js";

/** A random node as data: what it needs, how it joins, how long it takes, and how it ends. */
export interface RandomNode {
  readonly needs: readonly number[];
  readonly join: Join;
  readonly delayMs: number;
  readonly ends: "value" | "throws" | "condition-false";
  readonly agent: boolean;
}

export interface RandomOptions {
  /** Joins that depend on nothing but how the needs settle; else every kind. */
  readonly joins: "settling" | "every";
  readonly maxNodes: number;
}

/** Random DAGs in topological order: a node needs only earlier ones. */
export function randomDag({ joins, maxNodes }: RandomOptions): fc.Arbitrary<RandomNode[]> {
  const raw = fc.record({
    picks: fc.array(fc.nat(1000), { maxLength: 4 }),
    join: fc.nat(5),
    atLeast: fc.nat(3),
    delayMs: fc.integer({ min: 0, max: 3 }),
    ends: fc.oneof(
      { weight: 8, arbitrary: fc.constant("value" as const) },
      { weight: 1, arbitrary: fc.constant("throws" as const) },
      { weight: 1, arbitrary: fc.constant("condition-false" as const) },
    ),
    agent: fc.boolean(),
  });
  return fc.array(raw, { minLength: 1, maxLength: maxNodes }).map((nodes) =>
    nodes.map(({ picks, join, atLeast, ...rest }, index): RandomNode => {
      const needs = index === 0 ? [] : [...new Set(picks.map((pick) => pick % index))].sort((a, b) => a - b);
      return { ...rest, needs, join: joinOf(join, atLeast, needs.length, joins) };
    }),
  );
}

function joinOf(kind: number, atLeast: number, needs: number, joins: RandomOptions["joins"]): Join {
  if (needs === 0 || kind < 2) return "all";
  if (kind < 4 || joins === "settling") return "settled";
  if (kind === 4) return "any";
  return { atLeast: 1 + (atLeast % needs) };
}
