import { describe, expect, it } from "@jest/globals";
import {
  contains,
  declaredPath,
  indexByWork,
  isTopLevel,
  nodeWork,
  outermost,
  parentOf,
  parseWork,
  roundPath,
  sameWork,
  type WorkKey,
  workPath,
} from "../../src/records/work-id.js";
import fc from "../support/drawn.js";

const work = (node: string, item: number | null = null, invocation: number | null = null): WorkKey => ({
  node,
  item,
  invocation,
});

const printed: readonly (readonly [string, WorkKey])[] = [
  ["outer", work("outer")],
  ["outer[0]", work("outer", 0)],
  ["outer[13]", work("outer", 13)],
  ["outer#0", work("outer", null, 0)],
  ["outer[3]#12", work("outer", 3, 12)],
  ["outer[3]/inner", work("outer[3]/inner")],
  ["outer@2/inner[1]", work("outer@2/inner", 1)],
  ["a/b/c#4", work("a/b/c", null, 4)],
  ["two\nlines[1]", work("two\nlines", 1)],
];

it.each(printed)("prints and reads back %j", (path, key) => {
  expect(workPath(key)).toBe(path);
  expect(parseWork(path)).toEqual(key);
});

it("reads back whatever it printed", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,5}$/);
  const number = fc.option(fc.nat(40), { nil: null });
  const step = fc.record({ name, item: number, invocation: number });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), (steps) => {
      const last = steps[steps.length - 1] as (typeof steps)[number];
      const above = steps.slice(0, -1).map((one) => workPath(work(one.name, one.item, one.invocation)));
      const key = work([...above, last.name].join("/"), last.item, last.invocation);
      expect(parseWork(workPath(key))).toEqual(key);
      expect(contains(key, key)).toBe(true);
      for (let at = parentOf(key); at !== null; at = parentOf(at)) {
        expect(contains(at, key)).toBe(true);
        expect(sameWork(at, key)).toBe(false);
        expect(contains(key, at)).toBe(false);
      }
      expect(declaredPath(workPath(key))).toBe(steps.map((one) => one.name).join("/"));
    }),
  );
});

it("counts rounds from 1, and reads a round's path as the work that has it", () => {
  expect(roundPath(work("outer", 3), 2)).toBe("outer[3]@2");
  expect(parseWork("outer[3]@2")).toEqual(work("outer", 3));
  expect(outermost("outer[3]#1@2/inner[7]")).toEqual({ name: "outer", item: 3, invocation: 1, round: 2 });
  expect(outermost("outer")).toEqual({ name: "outer", item: null, invocation: null, round: null });
});

it("keeps what only looks like an item, a call or a round in the name", () => {
  expect(parseWork("a[x]")).toEqual(work("a[x]"));
  expect(parseWork("a#1[2]")).toEqual(work("a#1", 2));
  expect(parseWork("a@b")).toEqual(work("a@b"));
});

it.each([
  ["an item's is its node's call", work("a", 1, 2), work("a", null, 2)],
  ["an item's is its node", work("a", 1), work("a")],
  ["a call's is its node", work("a", null, 2), work("a")],
  ["an inner node's is the work around it", work("a[3]/b"), work("a", 3)],
  ["an inner node's of a round is the work that has the rounds", work("a@2/b"), work("a")],
  ["an inner node's deeper down", work("a/b/c"), work("a/b")],
  ["a node's at the top is none", work("a"), null],
])("the parent: %s", (_what, key, parent) => {
  expect(parentOf(key)).toEqual(parent);
});

it("finds the parts of a work among many as they are told one by one", () => {
  const name = fc.constantFrom("a", "ab", "b");
  const number = fc.option(fc.nat(2), { nil: null });
  const step = fc.record({ name, item: number, invocation: number, round: number });
  const key = fc.array(step, { minLength: 1, maxLength: 3 }).map((steps): WorkKey => {
    const last = steps[steps.length - 1] as (typeof steps)[number];
    const above = steps.slice(0, -1).map((one) => {
      const at = work(one.name, one.item, one.invocation);
      return one.round === null ? workPath(at) : roundPath(at, one.round);
    });
    return work([...above, last.name].join("/"), last.item, last.invocation);
  });
  let found = 0;
  fc.assert(
    fc.property(fc.array(key, { maxLength: 40 }), fc.array(key, { maxLength: 5 }), (parts, works) => {
      const partsOf = indexByWork(parts);
      for (const one of works) {
        const wanted = parts.filter((part) => contains(one, part));
        expect(partsOf(one)).toEqual(wanted);
        found += wanted.length;
      }
    }),
  );
  expect(found).toBeGreaterThan(0);
});

describe("a work contains", () => {
  it.each([
    [work("a"), work("a", 3), true],
    [work("a"), work("a", null, 0), true],
    [work("a"), work("a/b"), true],
    [work("a"), work("a[3]/b", 1), true],
    [work("a"), work("a#2/b"), true],
    [work("a"), work("a@2/b"), true],
    [work("a", 3), work("a[3]/b"), true],
    [work("a", 3), work("a[4]/b"), false],
    [work("a", 3), work("a", 3, 1), true],
    [work("a", 3), work("a"), false],
    [work("a", null, 1), work("a#1/b"), true],
    [work("a", null, 1), work("a#2/b"), false],
    [work("a", null, 1), work("a", 0, 1), true],
    [work("a@2/b"), work("a@2/b", 1), true],
    [work("a@2/b"), work("a@3/b"), false],
    [work("a/b"), work("a"), false],
    [work("a"), work("ab"), false],
    [work("a"), work("b"), false],
    [work("a/b"), work("a/bc/d"), false],
    [work("a/b"), work("a[3]/b"), false],
  ])("%j: %j is %j", (outer, inner, expected) => {
    expect(contains(outer, inner)).toBe(expected);
  });
});

it("is the same where node, item and call are", () => {
  expect(sameWork(work("a", 1, 2), work("a", 1, 2))).toBe(true);
  for (const other of [work("b", 1, 2), work("a", 0, 2), work("a", 1, null)]) {
    expect(sameWork(work("a", 1, 2), other)).toBe(false);
  }
});

it("is at the top where it is a whole node of the run's own DAG", () => {
  expect(isTopLevel(nodeWork("a"))).toBe(true);
  for (const key of [work("a", 0), work("a", null, 0), work("a/b")]) expect(isTopLevel(key)).toBe(false);
});
