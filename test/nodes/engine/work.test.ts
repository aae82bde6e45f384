import { describe, expect, it } from "@jest/globals";
import { asPartOf, surroundingWork } from "../../../nodes/engine/surrounding.js";
import { ctxOf, needsOf } from "../../../nodes/engine/work.js";
import { completed, failed, notStarted } from "../../../src/records/outcome.js";
import type { DagSpec, Node } from "../../../src/spec/shape.js";
import { bareWork } from "./bare-run.js";

const spec: DagSpec = {
  name: "d",
  nodes: {
    a: { run: () => 1 },
    b: { needs: ["a", "broken", "open"], run: () => 1 } as Node,
    broken: { run: () => 1 },
    open: { run: () => 1 },
  },
};
const value = { list: [1], when: new Date(0) };
const needs = {
  a: completed(notStarted(1), value),
  broken: failed(notStarted(1), { code: "X", message: "x" }),
  open: undefined,
};
const work = (more: object = {}) => ({ ...bareWork(spec, "b", { needs, input: { x: [1] } }), ...more });

it("a node's needs are those that it declares, in their order", () => {
  const { scope } = work();
  expect(Object.keys(needsOf(scope, "b"))).toEqual(["a", "broken", "open"]);
  expect(needsOf(scope, "a")).toStrictEqual({});
  scope.frontier.settle("a", needs.a);
  expect(needsOf(scope, "b")).toEqual({ a: needs.a, broken: undefined, open: undefined });
});

describe("what code sees of a piece of work", () => {
  it("is all there in a copy of it, too", () => {
    const { progress, ...copy } = { ...ctxOf(work({ item: { n: 1 } })) };
    expect(copy).toEqual({
      input: { x: [1] },
      needs: { a: value, broken: undefined, open: undefined },
      outcomes: { a: needs.a, broken: needs.broken },
      item: { n: 1 },
      index: undefined,
      context: undefined,
      runId: expect.any(String),
      node: "b",
      attempt: 1,
      idempotencyKey: expect.stringMatching(/^[0-9a-f]+$/),
      signal: expect.any(AbortSignal),
    });
    expect(progress).toBeInstanceOf(Function);
    expect(Object.keys(copy.outcomes)).toEqual(["a", "broken"]);
    expect(Object.keys({ ...copy.needs })).toEqual(["a", "broken", "open"]);
  });

  it("knows of an earlier round only in a loop", () => {
    const loop = ctxOf(work(), { previous: { draft: 1 }, round: 2 });
    expect(loop).toMatchObject({ previous: { draft: 1 }, round: 2 });
    expect(ctxOf(work(), { previous: null, round: 1 })).toMatchObject({ previous: null, round: 1 });
    expect("previous" in ctxOf(work()) || "round" in ctxOf(work())).toBe(false);
  });

  it("is a copy for each piece of work, the same one as often as it looks", () => {
    const item = { n: [1] };
    const one = work({ item });
    const [mine, other] = [ctxOf(one), ctxOf(one)];
    for (const read of [
      (ctx: typeof mine) => ctx.input,
      (ctx: typeof mine) => ctx.item,
      (ctx: typeof mine) => ctx.needs.a,
    ]) {
      expect(read(mine)).toBe(read(mine));
      expect(read(mine)).toEqual(read(other));
      expect(read(mine)).not.toBe(read(other));
    }
    expect(mine.item).not.toBe(item);
    (mine.item as typeof item).n.push(2);
    expect([item, other.item]).toEqual([{ n: [1] }, { n: [1] }]);
    expect(mine.outcomes.a).not.toBe(needs.a);
  });

  it.each([[{ n: 1 }], ["text"], [7], [null], [undefined]])(
    "can be changed by the code for itself: %j",
    (item) => {
      const ctx = ctxOf(work({ item })) as { item: unknown };
      expect(ctx.item).toEqual(item);
      for (const other of ["other", null, undefined, { other: 1 }]) {
        ctx.item = other;
        expect(ctx.item).toBe(other);
      }
      expect(Reflect.deleteProperty(ctx, "item")).toBe(true);
      expect("item" in ctx).toBe(false);
      expect(ctxOf(work({ item })).item).toEqual(item);
    },
  );

  it("tells progress as JSON, and says what is none", () => {
    const one = work();
    const ctx = ctxOf(one);
    expect(() => ctx.progress(new Map())).toThrow(
      expect.objectContaining({ code: "VALUE_NOT_JSON", message: expect.stringMatching(/^The progress /) }),
    );
    const told = { done: [1] };
    ctx.progress(told);
    told.done.push(2);
    const { events } = one.scope.run.events.record();
    expect(events.at(-1)).toMatchObject({ type: "node-progress", node: "b", value: { done: [1] } });
  });
});

describe("a run that is started inside a piece of work", () => {
  it("knows it, also later in the same code, and nobody else does", async () => {
    const one = work();
    expect(surroundingWork()).toBeUndefined();
    const seen = asPartOf(one, async () => {
      const before = surroundingWork();
      await new Promise((resolve) => setImmediate(resolve));
      return [before, surroundingWork()];
    });
    expect(surroundingWork()).toBeUndefined();
    expect(await seen).toEqual([one, one]);
    expect((await seen)[0]).toBe(one);
  });
});
