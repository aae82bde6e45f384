import { describe, expect, it } from "@jest/globals";
import type { Outcomes } from "../../../src/records/outcome.js";
import { nodeWork, type WorkKey } from "../../../src/records/work-id.js";
import type { Node } from "../../../src/spec/shape.js";
import { broken, dag, done, reuseOf } from "../../support/past-records.js";

describe("an item", () => {
  const each = (forEach: unknown, more: object = {}) =>
    dag({ n: { run: () => [] }, a: { needs: ["n"], forEach, run: () => 1, ...more } as unknown as Node });
  const values = (...items: unknown[]) => done(items, { items: items.map((value) => done(value)) });
  const key: WorkKey = { ...nodeWork("a"), item: 0 };
  const at = (item: number): WorkKey => ({ ...key, item });

  describe("of a map over a need that has changed", () => {
    const spec = each({ node: "n" });
    const outcomes = { n: done(["p", "q", "q"]), a: values("P", "Q1", "Q2") };
    const mapped = (now: unknown[], before: Outcomes = outcomes) => {
      const reuse = reuseOf(spec, { outcomes: before });
      expect(reuse.ask("a", { n: done(now) })).toBeUndefined();
      return (place: number, item: unknown) => {
        const taken = reuse.item(at(place), item, 5);
        return taken?.state === "completed" ? taken.value : undefined;
      };
    };

    it("is found where it stood, else wherever an equal one stood; each once", () => {
      const value = mapped(["q", "q", "q", "p", "new"]);
      expect([value(0, "q"), value(1, "q"), value(2, "q"), value(3, "p"), value(4, "new")]).toEqual([
        "Q1",
        "Q2",
        undefined,
        "P",
        undefined,
      ]);
    });

    it("keeps its place where the same item stood there", () => {
      const value = mapped(["p", "q", "q", "more"]);
      expect([value(2, "q"), value(1, "q"), value(0, "p")]).toEqual(["Q2", "Q1", "P"]);
    });

    it("is not compared with each of the others: of 50,000 none is there any more", () => {
      const many = Array.from({ length: 50_000 }, (_, index) => `item ${index}`);
      const value = mapped([], { n: done(many), a: values(...many) });
      expect(many.map((item, place) => value(place, `new ${item}`)).every((one) => one === undefined)).toBe(
        true,
      );
      expect(value(0, "item 7")).toBe("item 7");
    });

    it("that failed runs again", () => {
      const value = mapped(["p", "q", "more"], {
        ...outcomes,
        a: done([null, "Q"], { items: [broken, done("Q")] }),
      });
      expect([value(0, "p"), value(1, "q")]).toEqual([undefined, "Q"]);
    });

    it("that failed has the outcome of an equal one that completed", () => {
      const value = mapped(["q"], { n: done(["q", "q"]), a: done([], { items: [broken, done("Q")] }) });
      expect([value(0, "q"), value(1, "q")]).toEqual(["Q", undefined]);
    });

    it("is none where the earlier need had no list, or an item beyond it", () => {
      const value = mapped(["p"], { ...outcomes, n: done("p") });
      expect(value(0, "p")).toBeUndefined();
      expect(mapped(["p"], { ...outcomes, n: done([]) })(0, undefined)).toBeUndefined();
    });
  });

  it("takes its time and is a copy", () => {
    const spec = each({ node: "n" });
    const reuse = reuseOf(spec, { outcomes: { n: done([1]), a: values({ deep: 1 }) } });
    reuse.ask("a", { n: done([1, 2]) });
    expect(reuse.item(key, 1, 5)).toMatchObject({
      reused: true,
      readyAtMs: 5,
      startedAtMs: null,
      value: { deep: 1 },
    });
  });

  it("is not known before its node was asked for, nor of another node", () => {
    const reuse = reuseOf(each({ node: "n" }), { outcomes: { n: done([1]), a: values(1) } });
    expect(reuse.item(key, 1, 5)).toBeUndefined();
    reuse.ask("a", { n: done([1, 2]) });
    expect(reuse.item({ ...nodeWork("b"), item: 0 }, 1, 5)).toBeUndefined();
  });

  it("is run again where another need than the mapped one has changed", () => {
    const spec = dag({
      n: { run: () => [] },
      m: { run: () => 1 },
      a: { needs: ["n", "m"], forEach: { node: "n" }, run: () => 1 },
    });
    const outcomes = { n: done([1]), m: done(1), a: values(1) };
    const reuse = reuseOf(spec, { outcomes });
    expect(reuse.ask("a", { n: done([1, 2]), m: done(2) })).toBeUndefined();
    expect(reuse.item(key, 1, 5)).toBeUndefined();
  });

  describe("with a key", () => {
    const spec = dag(
      { a: { forEach: { items: "rows.list", key: "id" }, run: () => 1 } as unknown as Node },
      { input: { type: "object" } },
    );
    const input = {
      rows: {
        list: [
          { id: 1, n: "p" },
          { id: 2, n: "q" },
        ],
        unit: "m",
      },
    };
    const before = { input, outcomes: { a: values("P", "Q") } };
    const asked = (now: unknown) => {
      const reuse = reuseOf(spec, before, spec, now);
      expect(reuse.ask("a", {})).toBeUndefined();
      return (place: number, item: unknown) => {
        const taken = reuse.item(at(place), item, 5);
        return taken?.state === "completed" ? taken.value : undefined;
      };
    };

    it("is found by it, when it is the same item", () => {
      const value = asked({ rows: { list: [], unit: "m" } });
      expect(value(5, { n: "q", id: 2 })).toBe("Q");
      expect(value(6, { n: "q", id: 2 })).toBeUndefined();
      expect(value(0, { id: 1, n: "other" })).toBeUndefined();
      expect(value(1, { id: 3, n: "p" })).toBeUndefined();
      expect(value(0, { id: 1, n: "p" })).toBe("P");
    });

    it.each<[string, unknown]>([
      ["beside its list", { rows: { ...input.rows, unit: "km" } }],
      ["in more than its list", { rows: input.rows, more: 1 }],
      ["in what holds the list", { rows: null }],
      ["altogether", "x"],
    ])("is run again when the input changed %s", (_, now) => {
      expect(asked(now)(0, { id: 1, n: "p" })).toBeUndefined();
    });

    it("under the same input the node is spared whole", () => {
      expect(
        reuseOf(spec, before, spec, { rows: { unit: "m", list: input.rows.list } }).ask("a", {})?.reused,
      ).toBe(true);
    });

    it("of the whole input is told apart by it alone", () => {
      const whole = dag({
        a: { forEach: { items: { input: true }, key: "id" }, run: () => 1 } as unknown as Node,
      });
      const reuse = reuseOf(whole, { input: [{ id: 1 }], outcomes: { a: values("P") } }, whole, [
        { id: 2 },
        { id: 1 },
      ]);
      expect(reuse.ask("a", {})).toBeUndefined();
      expect(reuse.item(at(1), { id: 1 }, 5)).toMatchObject({ value: "P" });
    });
  });

  it("of a need's list with keys is run again when the input changed in what is called like that list", () => {
    const spec = each({ items: { node: "n", path: "rows" }, key: "id" });
    const n = done({ rows: [{ id: 1 }] });
    const reuse = reuseOf(spec, { input: { rows: 1 }, outcomes: { n, a: values("P") } }, spec, { rows: 2 });
    expect(reuse.ask("a", { n })).toBeUndefined();
    expect(reuse.item(key, { id: 1 }, 5)).toBeUndefined();
  });

  it("of an input without keys is run again when that has changed", () => {
    const spec = dag(
      { a: { forEach: { items: "rows" }, run: () => 1 } as unknown as Node },
      { input: { type: "object" } },
    );
    const reuse = reuseOf(spec, { input: { rows: [1] }, outcomes: { a: values("P") } }, spec, {
      rows: [1, 2],
    });
    expect(reuse.ask("a", {})).toBeUndefined();
    expect(reuse.item(key, 1, 5)).toBeUndefined();
  });
});
