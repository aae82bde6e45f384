import { it } from "@jest/globals";
import { topologyNames } from "agent-dag";
import { checkComposedDags } from "../properties/composed-dags.js";
import { checkDoors } from "../properties/door-programs.js";
import { checkRandomDags, checkRandomJoins } from "../properties/properties.js";

it("settles 1,000 random DAGs of up to 60 nodes alike in every deterministic topology", () =>
  checkRandomDags(1000, 60));

it("keeps the invariants of every join on 1,000 random DAGs, under any concurrency", () =>
  checkRandomJoins(1000, 60));

it("settles 400 random DAGs of loops, error branches and keyed maps alike in every topology, straight and resumed", () =>
  checkComposedDags(400, 16));

it.each(topologyNames)("%s comes to the same through every door, for 150 programs", (topology) =>
  checkDoors(topology, 150),
);
