import { expect, it } from "@jest/globals";
import { createAllowance } from "../../src/limits/allowance.js";

const told = (limit: number | null, remaining: number | null, resetMs: number | null) => ({
  limit,
  remaining,
  resetMs,
});

it("holds nothing back before the provider has said anything", () => {
  const allowance = createAllowance();
  allowance.take(1000);
  expect(allowance.waitMs(1000, 0)).toBe(0);
});

it("counts what was taken, ever", () => {
  const allowance = createAllowance();
  allowance.take(3);
  allowance.tell(told(10, 5, 1000), 3, 0);
  allowance.take(4);
  expect(allowance.taken).toBe(7);
});

it("grows evenly from the remainder to the limit", () => {
  const allowance = createAllowance();
  allowance.tell(told(100, 20, 8000), 0, 1000);
  expect(allowance.waitMs(20, 1000)).toBe(0);
  expect(allowance.waitMs(21, 1000)).toBe(100);
  expect(allowance.waitMs(60, 1000)).toBe(4000);
  expect(allowance.waitMs(60, 3000)).toBe(2000);
  expect(allowance.waitMs(60, 5000)).toBe(0);
});

it("asks of a weight above the limit no more than the limit", () => {
  const allowance = createAllowance();
  allowance.tell(told(100, 20, 8000), 0, 0);
  expect(allowance.waitMs(5000, 0)).toBe(8000);
  expect(allowance.waitMs(5000, 7000)).toBe(1000);
});

it("comes back whole at the reset where no limit is stated, and not before", () => {
  const allowance = createAllowance();
  allowance.tell(told(null, 5, 1000), 0, 0);
  expect(allowance.waitMs(5, 0)).toBe(0);
  expect(allowance.waitMs(6, 0)).toBe(1000);
  expect(allowance.waitMs(6, 999)).toBe(1);
  expect(allowance.waitMs(6, 1000)).toBe(0);
});

it("knows nothing any more from the reset on", () => {
  const allowance = createAllowance();
  allowance.tell(told(10, 0, 1000), 0, 0);
  expect(allowance.waitMs(10, 1000)).toBe(0);
  expect(allowance.waitMs(10, 500)).toBe(0);
});

it("waits no longer than to the reset, although more was taken than was left", () => {
  const allowance = createAllowance();
  allowance.tell(told(10, 0, 1000), 0, 0);
  allowance.take(50);
  expect(allowance.waitMs(1, 200)).toBe(800);
});

it("takes off what was sent after the request whose reply it reads", () => {
  const allowance = createAllowance();
  allowance.take(1);
  const then = allowance.taken;
  allowance.take(4);
  allowance.tell(told(null, 6, 1000), then, 0);
  expect(allowance.waitMs(2, 0)).toBe(0);
  expect(allowance.waitMs(3, 0)).toBe(1000);
  allowance.take(1);
  expect(allowance.waitMs(1, 0)).toBe(0);
  expect(allowance.waitMs(2, 0)).toBe(1000);
});

it("does not shrink where more is left than the limit says", () => {
  const allowance = createAllowance();
  allowance.tell(told(10, 30, 1000), 0, 0);
  allowance.take(25);
  expect(allowance.waitMs(5, 900)).toBe(0);
  expect(allowance.waitMs(6, 900)).toBe(100);
});

it.each([
  ["how much is left", told(10, null, 1000)],
  ["when it resets", told(10, 0, null)],
  ["a reset that is still to come", told(10, 0, 0)],
  ["a reset that is not past", told(10, 0, -5)],
])("learns nothing from headers without %s", (_what, headers) => {
  const allowance = createAllowance();
  allowance.tell(headers, 0, 0);
  expect(allowance.waitMs(10, 0)).toBe(0);
  expect(allowance.waitMs(10, -10)).toBe(0);
});

it("learns from a reset that is a moment away", () => {
  const allowance = createAllowance();
  allowance.tell(told(10, 0, 1), 0, 0);
  expect(allowance.waitMs(10, 0)).toBe(1);
});

it("knows by a later reply that all is there again, whatever an earlier one had said", () => {
  const allowance = createAllowance();
  allowance.tell(told(100, 0, 60_000), 0, 0);
  expect(allowance.waitMs(1, 500)).toBeCloseTo(100);
  allowance.tell(told(100, 100, 0), 0, 500);
  expect(allowance.waitMs(1, 500)).toBe(0);
});
