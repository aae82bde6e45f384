import "agent-dag/jest"; // the types of its matchers
import { expect, it } from "@jest/globals";
import { runMany } from "agent-dag";
import { view } from "agent-dag/testing";
import { input, ticket } from "./graph.js";

it("keeps its graph", () => {
  expect(view(ticket, "graph")).toMatchSnapshot();
});

it("makes a line of every row, and one row's failure costs only that row", async () => {
  const rows = [
    input,
    { id: "t1", message: "" },
    { id: "t2", message: "The lamp is awful: it broke at once." },
  ];
  const lines = [];
  for await (const { key, state, output } of runMany(ticket, rows, { model: "offline", key: "id" })) {
    lines.push({ key, state, output });
  }
  lines.sort((one, other) => one.key.localeCompare(other.key));

  expect(lines.map(({ state }) => state)).toEqual(["completed", "failed", "completed"]);
  // The first run writes the snapshot; commit it. Later runs fail when an output changes.
  expect(lines).toMatchSnapshot();
});
