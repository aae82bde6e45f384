import { describe, it } from "@jest/globals";
import { checkRandomPlans } from "../planner/random-plans.js";

describe("planner topologies", () => {
  it("end in a settled run within their bounds in 10,000 random plans", async () => {
    await checkRandomPlans(10_000);
  });
});
