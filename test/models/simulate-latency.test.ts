import { describe, expect, it } from "@jest/globals";
import { defineDag, run } from "agent-dag";
import { simulateLatency } from "agent-dag/testing";
import { latencyProfiles } from "../../src/models/latency-profile.js";
import type { ModelChunk } from "../../src/models/port.js";
import { drawTtftMs } from "../../src/models/simulate-latency.js";
import { loadTokenCounter } from "../../src/models/usage.js";
import { replyModel } from "../support/reply-model.js";

const key = (node: string, more = {}) => ({
  node,
  item: null,
  invocation: null,
  turn: 0,
  attempt: 1,
  ...more,
});
const profile = latencyProfiles["gpt-4.1-mini"] ?? { name: "", ttftMs: 1, sigma: 1, tokensPerSecond: 1 };

describe("simulateLatency", () => {
  it("draws log-normally around the median, with a slow mode", () => {
    const draws = Array.from({ length: 4000 }, (_, i) => drawTtftMs(profile, 1, key(`n${i}`))).sort(
      (a, b) => a - b,
    );
    expect((draws[2000] ?? 0) / profile.ttftMs).toBeCloseTo(1, 1);
    const logs = draws.slice(0, 3880).map((ms) => Math.log(ms / profile.ttftMs));
    const spread = Math.sqrt(logs.reduce((sum, x) => sum + x * x, 0) / logs.length);
    expect(spread).toBeGreaterThan(0.25);
    expect(spread).toBeLessThan(0.35);
    const slow = draws.filter((ms) => ms > 3.9 * profile.ttftMs).length / draws.length;
    expect(slow).toBeGreaterThan(0.01);
    expect(slow).toBeLessThan(0.035);
  });

  it("draws by seed, node, item and attempt alone", () => {
    expect(drawTtftMs(profile, 1, key("a"))).toBe(drawTtftMs(profile, 1, key("a", { invocation: 0 })));
    const others = [
      drawTtftMs(profile, 2, key("a")),
      ...[{ item: 1 }, { attempt: 2 }, { turn: 1 }, { hedged: true }].map((more) =>
        drawTtftMs(profile, 1, key("a", more)),
      ),
    ];
    expect(new Set([drawTtftMs(profile, 1, key("a")), ...others]).size).toBe(6);
  });

  it("streams the reply unchanged, token by token, at the profile's pace", async () => {
    const text = "Zwölf Boxkämpfer jagen 💡 Viktor\nquer über den großen Sylter Deich.  ";
    const model = simulateLatency("gpt-4.1-mini", { speed: 20 })(replyModel(() => text));
    const chunks: ModelChunk[] = [];
    const startedAt = performance.now();
    let [firstMs, lastMs] = [0, 0];
    for await (const chunk of model.call({
      messages: [],
      tools: [],
      schema: null,
      modelOptions: {},
      signal: new AbortController().signal,
      ...key("a"),
    })) {
      lastMs = performance.now() - startedAt;
      firstMs ||= lastMs;
      chunks.push(chunk);
    }
    expect(chunks.flatMap((chunk) => (chunk.type === "text" ? [chunk.text] : [])).join("")).toBe(text);
    expect(chunks.length).toBeGreaterThan(8);
    const ttftMs = drawTtftMs(profile, 1, key("a"));
    const count = await loadTokenCounter();
    const tokens = chunks.reduce((sum, chunk) => sum + (chunk.type === "text" ? count(chunk.text) : 0), 0);
    // A timer may come up to a millisecond early.
    expect(firstMs).toBeGreaterThanOrEqual(ttftMs / 20 - 1);
    expect(lastMs).toBeGreaterThanOrEqual(
      (ttftMs + ((tokens - 1) * 1000) / profile.tokensPerSecond) / 20 - 1,
    );
  });

  it("says in the record that latency is simulated, and refuses what it cannot simulate", async () => {
    const spec = defineDag({ name: "one", nodes: { a: { instructions: "A" } } });
    const record = await run(spec, "x", {
      model: replyModel(),
      use: [simulateLatency("gpt-4o", { seed: 3, speed: 200 })],
    });
    expect(record.simulated).toEqual({ profile: "gpt-4o", seed: 3, speed: 200 });
    expect(() => simulateLatency("gpt-9")).toThrow("Choose one of");
    expect(() => simulateLatency("gpt-4o", { speed: 0 })).toThrow("speed");
  });

  it("ends its wait when the run is aborted", async () => {
    const spec = defineDag({ name: "one", nodes: { a: { instructions: "A" } } });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const slow = { name: "slow", ttftMs: 600_000, sigma: 0, tokensPerSecond: 1 };
    const record = await run(spec, "x", {
      model: replyModel(),
      use: [simulateLatency(slow)],
      signal: controller.signal,
    });
    expect(record.state).toBe("cancelled");
  });
});
