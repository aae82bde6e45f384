import { it } from "@jest/globals";
import { checkRandomDags, checkRandomJoins } from "./properties.js";

it("settles 60 random DAGs alike in every deterministic topology", () => checkRandomDags(60, 40));

it(
  "keeps the invariants of every join on 60 random DAGs, under any concurrency",
  () => checkRandomJoins(60, 40),
  60_000,
);
