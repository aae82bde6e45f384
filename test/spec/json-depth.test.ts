import { expect, it } from "@jest/globals";
import { isDeeperThan } from "../../src/spec/json-value.js";

it("tells how deep a value is, and of one that holds itself twice that it has no end", () => {
  const ring: Record<string, unknown> = {};
  Object.assign(ring, { left: ring, right: { back: ring } });
  expect([isDeeperThan(ring, 1000), isDeeperThan([[1]], 1), isDeeperThan([[1]], 2)]).toEqual([
    true,
    true,
    false,
  ]);
});
