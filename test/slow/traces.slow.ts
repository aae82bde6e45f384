import { expect, it } from "@jest/globals";
import { checkRandomTraces } from "../telemetry/random-runs.js";

it("loses and doubles no span of 1,000 random runs, and puts each inside its parent", async () => {
  const { spans, ...found } = await checkRandomTraces(1000);
  console.log(`${spans} spans`);
  expect(found).toEqual({ runs: 1000, outside: 0, lost: 0, doubled: 0 });
}, 900_000);
