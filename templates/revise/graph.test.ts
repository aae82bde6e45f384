import "agent-dag/jest"; // the types of its matchers
import { expect, it } from "@jest/globals";
import { run } from "agent-dag";
import { scriptedModel, view } from "agent-dag/testing";
import { input, revise } from "./graph.js";

it("keeps its graph", () => {
  expect(view(revise, "graph")).toMatchSnapshot();
});

it("revises until the summary fits", async () => {
  const model = scriptedModel({
    "draft@1/writer": ["word ".repeat(40).trim()],
    "draft@2/writer": ["word ".repeat(30).trim()],
    "draft@3/writer": ["Short enough."],
  });
  const record = await run(revise, input, { model });

  expect(record).toHaveRunRounds("draft", 3);
  expect(record.output).toEqual({ summary: "Short enough.", fits: true, rounds: 3 });
});

it("keeps what the offline model makes of it", async () => {
  // The first run writes the snapshot; commit it. Later runs fail when an output changes.
  expect(view(await run(revise, input, { model: "offline" }), "outputs")).toMatchSnapshot();
});
