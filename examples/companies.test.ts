import { describe, expect, it } from "@jest/globals";
import { run, topologyNames } from "agent-dag";
import { view } from "agent-dag/testing";
import { companies, input } from "./companies.js";

const deterministic = topologyNames.filter((name) => !name.startsWith("planned"));

describe("examples/companies.ts", () => {
  it("keeps its graph", () => {
    expect(view(companies, "graph")).toMatchSnapshot();
  });

  it.each(deterministic)("keeps its outputs in topology %s", async (topology) => {
    const record = await run(companies, input, { model: "offline", topology });
    expect(record.state).toBe("completed");
    expect(view(record, "outputs").text).toMatchSnapshot("outputs");
  });

  it("reports on the others when there are no notes on one company", async () => {
    const record = await run(companies, { companies: ["Nobody Ltd", "Pelican Foods"] }, { model: "offline" });
    expect(record.outcomes.notes.items?.map(({ state }) => state)).toEqual(["failed", "completed"]);
    expect(record.output).toMatch(/^Pelican Foods\n/);
  });
});
