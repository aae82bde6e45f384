import { describe, expect, it } from "@jest/globals";
import { compare, run } from "agent-dag";
import { input, population } from "./population.js";

describe("population", () => {
  it("looks up, divides and averages with real tools", async () => {
    const record = await run(population, input);
    expect(record.outcomes).toMatchObject({
      lookUps: { value: [{ country: "Denmark" }, { country: "Netherlands" }, { country: "Poland" }] },
      densities: { value: [138.7, 531.3, 120.2] },
      mean: { value: 263.4 },
    });
    expect(record).toMatchObject({ state: "completed", output: 263.4, calls: [] });
  });

  it("keeps the others when one country is not in the table, and says so", async () => {
    const record = await run(population, { countries: ["Spain", "Atlantis"] });
    expect(record.outcomes.lookUps.items?.[1]).toMatchObject({ state: "failed" });
    expect(record.outcomes.lookUps).toMatchObject({ value: [{ country: "Spain" }, null] });
  });

  it("gives the same figures under a planner, which calls the tools", async () => {
    const comparison = await compare(population, input, {
      topologies: ["deterministic", "planned", "planned-dag"],
      model: "offline",
    });
    const means = comparison.topologies.map(({ runs }) => runs[0]?.outcomes.mean);
    expect(means).toEqual([
      expect.objectContaining({ state: "completed", value: 263.4 }),
      expect.objectContaining({ state: "completed", value: 263.4 }),
      expect.objectContaining({ state: "completed", value: 263.4 }),
    ]);
  });
});
