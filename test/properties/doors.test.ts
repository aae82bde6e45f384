import { it } from "@jest/globals";
import { topologyNames } from "agent-dag";
import { checkDoors } from "./door-programs.js";

it.each(topologyNames)("%s comes to the same through every door, for any program", (topology) =>
  checkDoors(topology, 10),
);
