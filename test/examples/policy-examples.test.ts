import { describe, expect, it } from "@jest/globals";
import * as market from "../../examples/market-research.js";
import * as limited from "../../examples/rate-limited.js";
import type { ModelMiddleware } from "../../src/models/port.js";
import { run } from "../../src/run/run.js";

describe("examples/market-research.ts", () => {
  it("reports on all three sections when nothing fails", async () => {
    const record = await run(market.marketResearch, market.input, { ...market.options, model: "offline" });
    expect(record.state).toBe("completed");
    expect(record.calls).toHaveLength(3);
    expect(record.output).not.toContain("Missing");
    expect(record.output).toMatchSnapshot();
  });

  it("goes on without a section that fails, names it, and recovers from what passes", async () => {
    const record = await run(market.marketResearch, market.input, {
      ...market.options,
      model: "offline",
      policy: { retry: { initialIntervalMs: 1 } },
      use: [market.trouble()],
    });
    expect(record.state).toBe("partial");
    expect(record.outcomes.market).toMatchObject({ state: "completed", attempts: 2 });
    expect(record.outcomes.customers).toMatchObject({ state: "completed", attempts: 2 });
    expect(record.outcomes.competitors).toMatchObject({
      state: "failed",
      attempts: 3,
      error: { code: "MODEL_SERVER_ERROR" },
    });
    expect(record.output).toContain("Missing in this report: competitors.");
    expect(record.output).toContain("## market");
  });
});

describe("examples/rate-limited.ts", () => {
  it("asks three at a time, and ten in all", async () => {
    let active = 0;
    let peak = 0;
    const watch: ModelMiddleware = (model) => ({
      id: model.id,
      async *call(request) {
        peak = Math.max(peak, ++active);
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield* model.call(request);
        active--;
      },
    });
    const record = await run(limited.rateLimited, limited.input, {
      ...limited.options,
      model: "offline",
      use: [watch],
    });
    expect(record.state).toBe("completed");
    expect(record.calls).toHaveLength(10);
    expect(peak).toBe(3);
  });
});
