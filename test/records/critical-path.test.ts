import { describe, expect, it } from "@jest/globals";
import { criticalPath, type Span } from "../../src/records/critical-path.js";
import fc from "../support/drawn.js";

/** A span that became ready when it started. */
const span = (name: string, from: number | null, to: number | null, ...needs: string[]): Span => ({
  name,
  needs,
  readyAtMs: from,
  startedAtMs: from,
  endedAtMs: to,
});

it("is empty of nothing, and of what never started", () => {
  expect(criticalPath([])).toEqual({ durationMs: 0, names: [] });
  expect(criticalPath([span("a", null, null), span("b", null, 7, "a")])).toEqual({
    durationMs: 0,
    names: [],
  });
});

it("is the longest chain, wherever it ends", () => {
  const spans = [
    span("a", 0, 10),
    span("b", 0, 4),
    span("c", 10, 15, "a", "b"),
    span("d", 4, 30, "b"),
    span("e", 30, 31, "c"),
  ];
  expect(criticalPath(spans)).toEqual({ durationMs: 30, names: ["b", "d"] });
  expect(criticalPath(spans.filter(({ name }) => name !== "d"))).toEqual({
    durationMs: 16,
    names: ["a", "c", "e"],
  });
});

it("does not depend on the order in which spans are given", () => {
  const spans = [span("a", 0, 10), span("b", 10, 30, "a"), span("c", 30, 60, "b")];
  expect(criticalPath([...spans].reverse())).toEqual(criticalPath(spans));
  expect(criticalPath(spans)).toEqual({ durationMs: 60, names: ["a", "b", "c"] });
});

it("takes the first of equally long chains", () => {
  expect(criticalPath([span("a", 0, 5), span("b", 0, 5)]).names).toEqual(["a"]);
  expect(criticalPath([span("a", 0, 5), span("b", 0, 5), span("c", 5, 6, "a", "b")]).names).toEqual([
    "a",
    "c",
  ]);
});

it("does not count the time between a need's end and the start", () => {
  expect(criticalPath([span("a", 0, 10), span("b", 50, 60, "a")]).durationMs).toBe(20);
});

describe("an edge of what happened", () => {
  it("is none from a need that settled after its successor was ready", () => {
    const late = { ...span("b", 5, 20, "a"), readyAtMs: 5 };
    expect(criticalPath([span("a", 0, 12), late])).toEqual({ durationMs: 15, names: ["b"] });
  });

  it("is one from a need that settled at that very moment", () => {
    expect(criticalPath([span("a", 0, 5), span("b", 5, 20, "a")]).names).toEqual(["a", "b"]);
  });

  it("goes by when a span was ready, not by when it started", () => {
    const waited = { ...span("b", 12, 20, "a"), readyAtMs: 5 };
    expect(criticalPath([span("a", 0, 10), waited]).names).toEqual(["a"]);
    const started = { ...waited, readyAtMs: null };
    expect(criticalPath([span("a", 0, 10), started]).names).toEqual(["a", "b"]);
  });

  it("is none from a need that never ended, or that is not there", () => {
    expect(criticalPath([span("a", 0, null), span("b", 5, 20, "a", "gone")])).toEqual({
      durationMs: 15,
      names: ["b"],
    });
  });
});

it("counts nothing for what ended before it started", () => {
  expect(criticalPath([span("a", 0, 10), span("b", 10, 4, "a"), span("c", 10, 12, "b")]).durationMs).toBe(12);
});

it("ends where equal times make a circle", () => {
  const circle = [span("a", 5, 5, "b"), span("b", 5, 5, "a"), span("c", 5, 9, "a", "b")];
  expect(criticalPath(circle).durationMs).toBe(4);
});

it("takes longer chains than calls can nest", () => {
  const spans = Array.from({ length: 20_000 }, (_, n) =>
    span(`n${n}`, n, n + 1, ...(n === 0 ? [] : [`n${n - 1}`])),
  );
  expect(criticalPath(spans.reverse()).durationMs).toBe(20_000);
});

it("agrees with a plain recursion over any DAG", () => {
  const nodes = fc.array(
    fc.record({ lasts: fc.nat(20), waits: fc.nat(5), needs: fc.array(fc.nat(), { maxLength: 3 }) }),
    { minLength: 1, maxLength: 10 },
  );
  fc.assert(
    fc.property(nodes, (all) => {
      const spans: Span[] = [];
      for (const [index, { lasts, waits, needs }] of all.entries()) {
        const names = index === 0 ? [] : [...new Set(needs.map((need) => `n${need % index}`))];
        const ready = Math.max(
          0,
          ...names.map((name) => spans.find((one) => one.name === name)?.endedAtMs ?? 0),
        );
        spans.push(span(`n${index}`, ready + waits, ready + waits + lasts, ...names));
      }
      const longest = (name: string): number => {
        const one = spans.find((candidate) => candidate.name === name) as Span;
        return (one.endedAtMs ?? 0) - (one.startedAtMs ?? 0) + Math.max(0, ...(one.needs ?? []).map(longest));
      };
      const { durationMs, names } = criticalPath(spans);
      expect(durationMs).toBe(Math.max(...spans.map(({ name }) => longest(name))));
      const sum = names.map((name) => spans.find((one) => one.name === name) as Span);
      expect(sum.reduce((total, one) => total + (one.endedAtMs ?? 0) - (one.startedAtMs ?? 0), 0)).toBe(
        durationMs,
      );
    }),
  );
});

describe("spans that anything before may have led to", () => {
  const inTime = (spans: readonly Span[]) => criticalPath(spans.map((one) => ({ ...one, needs: null })));
  const ofAll = (spans: readonly Span[]) =>
    criticalPath(
      spans.map((one) => ({
        ...one,
        needs: spans.map(({ name }) => name).filter((name) => name !== one.name),
      })),
    );
  const someTime = fc.option(fc.nat(12), { nil: null });
  const anyTimes = fc.record({ ready: someTime, from: someTime, lasts: fc.option(fc.nat(6), { nil: null }) });

  it("have the path of spans that need all others", () => {
    fc.assert(
      fc.property(fc.array(anyTimes, { maxLength: 8 }), (all) => {
        const spans = all.map(({ ready, from, lasts }, index): Span => {
          const startedAtMs = from === null ? null : Math.max(from, ready ?? 0);
          const endedAtMs = startedAtMs === null || lasts === null ? null : startedAtMs + lasts;
          return { name: `n${index}`, needs: [], readyAtMs: ready, startedAtMs, endedAtMs };
        });
        const [path, expected] = [inTime(spans), ofAll(spans)];
        expect(path.durationMs).toBe(expected.durationMs);
        // Which of the spans that took no time stand on it is a matter of taste.
        const lasting = ({ names }: typeof path) =>
          names.filter((name) => {
            const one = spans.find((candidate) => candidate.name === name);
            return one?.startedAtMs !== one?.endedAtMs;
          });
        expect(lasting(path)).toEqual(lasting(expected));
      }),
      { numRuns: 2000 },
    );
  });

  it("are no more work than sorting them", () => {
    const spans = Array.from({ length: 50_000 }, (_, i) => span(`n${i}`, i, i + 1));
    expect(inTime(spans).durationMs).toBe(50_000);
  });
});
