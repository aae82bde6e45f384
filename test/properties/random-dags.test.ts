import { it } from "@jest/globals";
import { checkComposedDags } from "./composed-dags.js";
import { checkRandomDags, checkRandomJoins } from "./properties.js";

it("settles 60 random DAGs alike in every deterministic topology", () => checkRandomDags(60, 40), 60_000);

it(
  "keeps the invariants of every join on 60 random DAGs, under any concurrency",
  () => checkRandomJoins(60, 40),
  60_000,
);

it(
  "settles 25 random DAGs of loops, error branches and keyed maps alike in every topology, straight and resumed",
  () => checkComposedDags(25, 8),
  60_000,
);
