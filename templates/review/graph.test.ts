import "agent-dag/jest"; // the types of its matchers
import { expect, it } from "@jest/globals";
import { run } from "agent-dag";
import { view } from "agent-dag/testing";
import { input, review } from "./graph.js";

it("keeps its graph", () => {
  expect(view(review, "graph")).toMatchSnapshot();
});

it("sums up what the four found", async () => {
  const record = await run(review, input, { model: "offline" });

  expect(record).toHaveRunInParallel("features", "prosCons", "sentiment", "recommend");
  expect(record).toHaveCompleted("meta");
  // The first run writes the snapshot; commit it. Later runs fail when an output changes.
  expect(view(record, "outputs")).toMatchSnapshot();
});
