import { expect, it } from "@jest/globals";
import { createSlidingWindow } from "../../src/limits/sliding-window.js";
import fc from "../support/drawn.js";

it("holds what was counted until exactly a window later", () => {
  const window = createSlidingWindow(10, 100);
  window.add(6, 0);
  window.add(4, 30);
  expect(window.waitMs(1, 40)).toBe(60);
  expect(window.waitMs(6, 40)).toBe(60);
  expect(window.waitMs(7, 40)).toBe(90);
  expect(window.waitMs(1, 99)).toBe(1);
  expect(window.waitMs(6, 100)).toBe(0);
  expect(window.waitMs(7, 100)).toBe(30);
});

it("takes what fits to the last unit, without a wait", () => {
  const window = createSlidingWindow(10, 100);
  expect(window.waitMs(10, 0)).toBe(0);
  window.add(7, 0);
  expect(window.waitMs(3, 0)).toBe(0);
  expect(window.waitMs(4, 0)).toBe(100);
});

it("lets a weight above the limit pass when nothing else is counted", () => {
  const window = createSlidingWindow(10, 100);
  expect(window.waitMs(50, 0)).toBe(0);
  window.add(50, 0);
  expect(window.waitMs(1, 1)).toBe(99);
  expect(window.waitMs(50, 100)).toBe(0);
});

it("corrects what is still in the window, and nothing else", () => {
  const window = createSlidingWindow(10, 100);
  const early = window.add(8, 0);
  window.correct(early, 2);
  expect(early.weight).toBe(2);
  expect(window.waitMs(8, 1)).toBe(0);
  expect(window.waitMs(9, 1)).toBe(99);
  window.add(5, 50);
  expect(window.waitMs(5, 100)).toBe(0);
  window.correct(early, 100);
  expect(window.waitMs(5, 100)).toBe(0);
  expect(window.waitMs(6, 100)).toBe(50);
});

it("does not correct what left when the window was last empty", () => {
  const window = createSlidingWindow(10, 100);
  const early = window.add(8, 0);
  expect(window.waitMs(10, 100)).toBe(0);
  window.correct(early, 100);
  expect(window.waitMs(10, 100)).toBe(0);
});

it("agrees with a sum over everything that was counted, whatever comes", () => {
  const steps = fc.array(
    fc.record({
      laterMs: fc.integer({ min: 0, max: 60 }),
      weight: fc.integer({ min: 0, max: 15 }),
      corrected: fc.option(fc.integer({ min: 0, max: 15 }), { nil: null }),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const window = createSlidingWindow(10, 100);
      const counted: { atMs: number; weight: number }[] = [];
      let nowMs = 0;
      for (const { laterMs, weight, corrected } of all) {
        nowMs += laterMs;
        const held = (atMs: number) =>
          counted.filter((one) => one.atMs + 100 > atMs).reduce((sum, one) => sum + one.weight, 0);
        let fitsAtMs = nowMs;
        const need = Math.min(weight, 10);
        while (held(fitsAtMs) + need > 10 && held(fitsAtMs) > 0) fitsAtMs++;
        expect(window.waitMs(weight, nowMs)).toBe(fitsAtMs - nowMs);
        const own = window.add(weight, nowMs);
        const entry = { atMs: nowMs, weight };
        counted.push(entry);
        if (corrected !== null) {
          window.correct(own, corrected);
          entry.weight = corrected;
        }
      }
    }),
  );
});

it("stays right over far more than it keeps", () => {
  const window = createSlidingWindow(10, 100);
  for (let n = 0; n < 5000; n++) {
    expect(window.waitMs(1, n * 10)).toBe(0);
    window.add(1, n * 10);
    expect(window.waitMs(1, n * 10)).toBe(n < 9 ? 0 : 10);
  }
});
