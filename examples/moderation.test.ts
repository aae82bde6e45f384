import { describe, expect, it } from "@jest/globals";
import { run, topologyNames } from "agent-dag";
import { view } from "agent-dag/testing";
import { input, moderation } from "./moderation.js";

const deterministic = topologyNames.filter((name) => !name.startsWith("planned"));

describe("examples/moderation.ts", () => {
  it("keeps its graph", () => {
    expect(view(moderation, "graph")).toMatchSnapshot();
  });

  it.each(deterministic)("keeps its outputs in topology %s", async (topology) => {
    const record = await run(moderation, input, { model: "offline", topology });
    expect(record.state).toBe("completed");
    expect(view(record, "outputs").text).toMatchSnapshot("outputs");
  });

  it("keeps the verdicts of each post, and does not wait for the third", async () => {
    const { outcomes } = await run(moderation, { posts: ["Fine.", "You moron."] }, { model: "offline" });
    const inner = outcomes.review.items?.map((item) => item.outcomes?.quorum);
    expect(inner).toMatchObject([{ value: { reasons: [] } }, { value: { reasons: ["insults"] } }]);
    for (const item of outcomes.review.items ?? []) {
      const settled = Object.values(item.outcomes ?? {}).filter(({ state }) => state === "completed");
      expect(settled.length).toBeGreaterThanOrEqual(3);
    }
  });
});
