import { describe, expect, it } from "@jest/globals";
import { run } from "agent-dag";
import { view } from "agent-dag/testing";
import { input, textAnalysis } from "./text-analysis.js";

describe("the text analysis", () => {
  it("keeps its graph", () => {
    expect(view(textAnalysis, "graph")).toMatchSnapshot();
  });

  it("keeps its outputs", async () => {
    const record = await run(textAnalysis, input, { model: "offline" });
    expect(record.state).toBe("completed");
    expect(Object.keys(record.output ?? {})).toEqual(["sentiment", "topics", "summary"]);
    expect(view(record, "outputs")).toMatchSnapshot();
  });
});
