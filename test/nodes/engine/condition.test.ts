import { describe, expect, it } from "@jest/globals";
import { whyNot, whyNotData } from "../../../nodes/engine/condition.js";
import { completed, failed, notStarted, type Outcome } from "../../../src/records/outcome.js";
import type { When } from "../../../src/spec/shape.js";

const scope = {
  input: { kind: "lamp", price: 12, tags: ["a"], none: null },
  needs: { a: { score: 5, text: "ok", digits: "7", nested: { x: 1, y: 2 } }, b: undefined },
  item: { n: 3 },
};
const outcomes: Readonly<Record<string, Outcome | undefined>> = {
  a: completed(notStarted(1), scope.needs.a),
  b: failed(notStarted(1), { code: "X", message: "x" }),
};
const why = (when: unknown) => whyNotData(when as When, scope, outcomes);

describe("a condition on a value holds", () => {
  it.each<[unknown]>([
    [{ node: "a", path: "score", exists: true }],
    [{ node: "a", path: "gone", exists: false }],
    [{ input: true, path: "none", exists: false }],
    [{ node: "a", path: "text", equals: "ok" }],
    [{ node: "a", path: "nested", equals: { y: 2, x: 1 } }],
    [{ input: true, path: "none", equals: null }],
    [{ input: true, path: "kind", in: ["sofa", "lamp"] }],
    [{ input: true, path: "tags", in: [["b"], ["a"]] }],
    [{ node: "a", path: "score", gt: 4 }],
    [{ node: "a", path: "score", lt: 6 }],
    [{ item: true, path: "n", equals: 3 }],
  ])("%j", (when) => {
    expect(why(when)).toBeUndefined();
  });
});

describe("a condition on a value that does not hold names what was read", () => {
  it.each<[unknown, string]>([
    [{ node: "a", path: "gone", exists: true }, '"a.gone" is missing'],
    [{ input: true, path: "none", exists: true }, '"input.none" is null'],
    [{ node: "a", path: "score", exists: false }, '"a.score" is 5'],
    [{ node: "a", path: "text", equals: "no" }, '"a.text" is "ok"'],
    [{ node: "a", path: "nested", equals: { x: 1 } }, '"a.nested" is {"x":1,"y":2}'],
    [{ input: true, path: "kind", in: [] }, '"input.kind" is "lamp"'],
    [{ input: true, path: "kind", in: ["sofa"] }, '"input.kind" is "lamp"'],
    [{ node: "a", path: "score", gt: 5 }, '"a.score" is 5'],
    [{ node: "a", path: "score", lt: 5 }, '"a.score" is 5'],
    [{ node: "a", path: "text", gt: 1 }, '"a.text" is "ok"'],
    [{ node: "a", path: "text", lt: 1 }, '"a.text" is "ok"'],
    [{ node: "a", path: "digits", gt: 1 }, '"a.digits" is "7"'],
    [{ node: "a", path: "digits", lt: 9 }, '"a.digits" is "7"'],
    [{ item: true, path: "n", equals: 4 }, '"item.n" is 3'],
    [{ item: true, equals: 4 }, '"item" is {"n":3}'],
    [{ node: "b", equals: 1 }, '"b" is missing'],
    [
      { node: "a", path: "", equals: 1 },
      '"a" is {"digits":"7","nested":{"x":1,"y":2},"score":5,"text":"ok"}',
    ],
    [{ node: "a", path: "score" }, '"a.score" is 5'],
  ])("%j", (when, read) => {
    expect(why(when)).toBe(`Its \`when\` is false: ${read}.`);
  });

  it("in no more than 80 characters", () => {
    const of = (text: string) =>
      whyNotData({ input: true, equals: 1 } as unknown as When, { ...scope, input: text }, outcomes);
    expect(of("x".repeat(78))).toBe(`Its \`when\` is false: "input" is "${"x".repeat(78)}".`);
    expect(of("x".repeat(79))).toBe(`Its \`when\` is false: "input" is "${"x".repeat(78)}….`);
  });
});

describe("a condition on how a node settled", () => {
  it.each<[unknown, string | undefined]>([
    [{ node: "a", state: "completed" }, undefined],
    [{ node: "b", state: ["skipped", "failed"] }, undefined],
    [{ node: "a", state: "failed" }, 'Its `when` wants "a" to be failed; it is completed.'],
    [
      { node: "b", state: ["completed", "skipped"] },
      'Its `when` wants "b" to be completed or skipped; it is failed.',
    ],
    [{ node: "c", state: "completed" }, 'Its `when` wants "c" to be completed; it is not settled.'],
  ])("%j: %s", (when, expected) => {
    expect(why(when)).toBe(expected);
  });
});

describe("combined conditions", () => {
  const yes = { node: "a", path: "score", gt: 1 };
  const no = { node: "a", path: "score", gt: 9 };
  const other = { node: "a", path: "text", equals: "no" };
  const because = 'Its `when` is false: "a.score" is 5.';

  it.each<[unknown, string | undefined]>([
    [{ all: [] }, undefined],
    [{ all: [yes, yes] }, undefined],
    [{ all: [yes, no, other] }, because],
    [{ any: [no, yes] }, undefined],
    [
      { any: [no, other] },
      `None of its conditions holds: ${because} Its \`when\` is false: "a.text" is "ok".`,
    ],
    [{ not: no }, undefined],
    [{ not: yes }, 'Its `when` wants that not: {"gt":1,"node":"a","path":"score"}.'],
    [{ not: { all: [yes, no] } }, undefined],
  ])("%j: %s", (when, expected) => {
    expect(why(when)).toBe(expected);
  });
});

describe("a condition as a function", () => {
  const of = (when: unknown) => whyNot(when as never, scope as never, outcomes);

  it("holds where it returns true", () => {
    expect(of(({ input }: typeof scope) => input.price === 12)).toBeUndefined();
    expect(of(() => false)).toBe("Its `when` is false.");
    expect(of({ node: "a", path: "score", gt: 9 })).toMatch(/^Its `when` is false: /);
  });

  it.each([
    [1, "number"],
    ["true", "string"],
    [undefined, "undefined"],
    [null, "object"],
  ])("may not return %j", (value, type) => {
    expect(() => of(() => value)).toThrow(
      `The node's \`when\` returned ${type} instead of a boolean. Return true or false; a \`when\` cannot be asynchronous.`,
    );
  });

  it("may not be asynchronous, and what its promise rejects with is heard", async () => {
    let thrown: unknown;
    try {
      of(() => Promise.reject(new Error("late")));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "WHEN_NOT_BOOLEAN" });
    await new Promise((resolve) => setImmediate(resolve));
  });
});
