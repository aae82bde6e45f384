import { expect, it } from "@jest/globals";
import { checkRandomTraces } from "./random-runs.js";

it("loses and doubles no span of 60 random runs, and puts each inside its parent", async () => {
  const { spans, ...found } = await checkRandomTraces(60);
  expect(spans).toBeGreaterThan(300);
  expect(found).toEqual({ runs: 60, outside: 0, lost: 0, doubled: 0 });
});
