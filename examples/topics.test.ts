import { describe, expect, it } from "@jest/globals";
import { run, topologyNames } from "agent-dag";
import { view } from "agent-dag/testing";
import { input, topics } from "./topics.js";

const deterministic = topologyNames.filter((name) => !name.startsWith("planned"));

describe("examples/topics.ts", () => {
  it("keeps its graph", () => {
    expect(view(topics, "graph")).toMatchSnapshot();
  });

  it.each(deterministic)("keeps its outputs in topology %s", async (topology) => {
    const record = await run(topics, input, { model: "offline", topology });
    expect(record.state).toBe("completed");
    expect(view(record, "outputs").text).toMatchSnapshot("outputs");
  });

  it("splits a text that it was not written for", async () => {
    const text = "The band played loudly. The band was great. The beer was stale and the beer was expensive.";
    const record = await run(topics, text, { model: "offline", topology: "dataflow" });
    expect(record.output).toMatch(/## band \(positive\)/);
    expect(record.output).toMatch(/## beer \(negative\)/);
  });
});
