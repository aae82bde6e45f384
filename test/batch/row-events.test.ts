import { expect, it } from "@jest/globals";
import type { EngineStore } from "../../src/batch/engine/engine-store.js";
import { RowEventsListener } from "../../src/batch/engine/row-events.js";

const messages = [0, 1, 2].map((index) => JSON.stringify({ key: `k${index}`, index, event: { type: "x" } }));
const store = {
  told: async (_batch: string, after: string | null) => ({
    messages: after === "0" ? messages : [],
    last: after === null ? "0" : "3",
  }),
} as unknown as EngineStore;

it.each([
  [
    "throws",
    () => {
      throw new Error("no");
    },
  ],
  [
    "rejects",
    async () => {
      throw new Error("no");
    },
  ],
])("whoever watches rows and %s keeps no batch from going on, and is told once", async (_, fail) => {
  const heard: string[] = [];
  const notices: string[] = [];
  const listener = await RowEventsListener.open(store, "b", {
    onRowEvent: (_event, { key }) => {
      heard.push(key);
      return fail();
    },
    onNotice: (message) => notices.push(message),
  });
  await listener.hear();
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toEqual(["k0", "k1", "k2"]);
  expect(notices).toHaveLength(1);
  expect(notices[0]).toContain("no");
});
