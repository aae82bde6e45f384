import { expect, it } from "@jest/globals";
import { run } from "agent-dag";
import { view } from "agent-dag/testing";
import { chat, input, nextTurn } from "./chat.js";

it("keeps its graph and its outputs", async () => {
  expect(view(chat, "graph")).toMatchSnapshot();
  expect(view(await run(chat, input, { model: "offline" }), "outputs")).toMatchSnapshot();
});

it("remembers what was said before", async () => {
  const first = await nextTurn([], "The phone is quick, and its screen is excellent.");
  const second = await nextTurn(first, "But the battery is terrible.");
  expect(second.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
  expect(second[3]?.content).toContain("screen");
  expect(second[3]?.content).toContain("battery");
});
