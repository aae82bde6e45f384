import { it } from "@jest/globals";
import { checkComposedDags } from "./composed-dags.js";
import { checkRandomDags, checkRandomJoins } from "./properties.js";

it("settles 40 random DAGs alike in every deterministic topology", () => checkRandomDags(40, 40));

it("keeps the invariants of every join on 40 random DAGs, under any concurrency", () =>
  checkRandomJoins(40, 40));

it("settles 15 random DAGs of loops, error branches and keyed maps alike in every topology, straight and resumed", () =>
  checkComposedDags(15, 8));
