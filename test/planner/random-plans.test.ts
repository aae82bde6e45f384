import { describe, it } from "@jest/globals";
import { checkRandomPlans } from "./random-plans.js";

describe("planner topologies", () => {
  it("end in a settled run within their bounds, whatever the planner writes and wherever it is cut", async () => {
    await checkRandomPlans(250);
  });
});
