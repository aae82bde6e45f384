import { describe, expect, it } from "@jest/globals";
import { createPrefixWarmth } from "../../src/limits/prefix-warmth.js";
import type { Model, ModelRequest } from "../../src/models/port.js";
import { renderTimeline } from "../../src/report/timeline.js";
import { run } from "../../src/run/run.js";
import type { DagSpec } from "../../src/spec/shape.js";

const long = Array.from({ length: 3_000 }, (_, i) => `word ${i}`).join(" ");

interface Seen {
  readonly request: ModelRequest;
  readonly open: Promise<void>;
  release: () => void;
}

/** A model whose first tokens come when they are let. */
function held({ id = "openai:gpt-4.1-mini", fails = [] as string[] } = {}) {
  const seen: Seen[] = [];
  const model: Model = {
    id,
    async *call(request) {
      let release = () => {};
      const open = new Promise<void>((resolve) => {
        release = resolve;
      });
      seen.push({ request, open, release });
      await open;
      if (fails.includes(request.node)) throw new Error("no");
      yield { type: "text", text: `by ${request.node}` };
      await new Promise((resolve) => setTimeout(resolve, 20));
      yield { type: "finish", reason: "stop" };
    },
  };
  return { model, seen, nodes: () => seen.map(({ request }) => request.node) };
}

const fan: DagSpec = {
  name: "fan",
  nodes: {
    a: { instructions: "A." },
    b: { instructions: "B." },
    c: { instructions: "C." },
    meta: { needs: ["a", "b", "c"], join: "settled", instructions: "Merge." },
  },
};

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until so many requests have come, and whether more do. */
async function arrived(seen: readonly unknown[], count: number): Promise<void> {
  while (seen.length < count) await wait(5);
  await wait(60);
}

describe("a warm start", () => {
  it("lets one request go ahead and starts its siblings at its first token", async () => {
    const { model, seen, nodes } = held();
    const running = run(fan, long, { model, warm: "first-token" });
    await arrived(seen, 1);
    expect(nodes()).toEqual(["a"]);
    expect(seen[0]?.request.stream).toBe(true);
    seen[0]?.release();
    await arrived(seen, 3);
    expect(nodes()).toEqual(["a", "b", "c"]);
    seen[1]?.release();
    seen[2]?.release();
    await arrived(seen, 4);
    seen[3]?.release();
    const record = await running;
    const waited = (node: string) => record.calls.find((call) => call.node === node)?.waited?.warmMs ?? 0;
    expect(record.state).toBe("completed");
    expect([waited("a"), waited("meta")]).toEqual([0, 0]);
    expect(Math.min(waited("b"), waited("c"))).toBeGreaterThan(0);
    expect(new Set(record.calls.map(({ prefix }) => prefix?.key)).size).toBe(1);
    expect(renderTimeline(record, { width: 120 })).toMatch(/b [^✓]*waited \d\.\d\d s for a warm cache/);
    const started = record.events.find((event) => event.type === "call-started" && event.node === "b");
    expect(started).toMatchObject({ waited: { warmMs: expect.any(Number) } });
  });

  it.each([
    ["the text is short", "short", {}, { id: "openai:gpt-4.1-mini" }],
    ["it is off", long, { warm: "off" as const }, { id: "openai:gpt-4.1-mini" }],
    ["nobody knows the price", long, {}, { id: "openai:of-my-own" }],
    [
      "the cache saves nothing",
      long,
      { prices: { "gpt-x": { inputPerMillion: 1, outputPerMillion: 1 } } },
      { id: "openai:gpt-x" },
    ],
    [
      "answers cost most",
      long,
      { prices: { "gpt-x": { inputPerMillion: 1, cachedInputPerMillion: 0.5, outputPerMillion: 500 } } },
      { id: "openai:gpt-x" },
    ],
  ])("makes nobody wait where %s", async (_, input, options, made) => {
    const { model, seen, nodes } = held(made);
    const running = run(fan, input, { model, warm: "first-token", ...options });
    await arrived(seen, 3);
    expect(nodes()).toEqual(["a", "b", "c"]);
    for (const one of seen) one.release();
    await arrived(seen, 4);
    seen[3]?.release();
    const record = await running;
    expect(record.calls.filter(({ waited }) => waited?.warmMs !== undefined)).toEqual([]);
  });

  it("lets the next go ahead where the one ahead fails, and leaves no one waiting where all do", async () => {
    const { model, seen, nodes } = held({ fails: ["a", "b", "c"] });
    const running = run(fan, long, { model, warm: "first-token" });
    for (const count of [1, 2, 3, 4]) {
      await arrived(seen, count);
      expect(nodes()).toHaveLength(count);
      seen[count - 1]?.release();
    }
    const record = await running;
    expect(record.outcomes.a?.state).toBe("failed");
    expect(record.outcomes.meta?.state).toBe("completed");
  });

  it("ends with the run while it waits", async () => {
    const { model, seen, nodes } = held();
    const controller = new AbortController();
    const running = run(fan, long, { model, warm: "first-token", signal: controller.signal });
    await arrived(seen, 1);
    controller.abort();
    expect((await running).state).toBe("cancelled");
    expect(nodes()).toEqual(["a"]);
  });

  it("holds for the items of a map, and for runs that share what is warm", async () => {
    const map: DagSpec = {
      name: "map",
      input: { type: "object" },
      nodes: {
        digest: { run: () => long },
        each: { needs: ["digest"], forEach: "items", instructions: "Answer." },
      },
    };
    const warmth = createPrefixWarmth();
    const { model, seen } = held();
    const options = { model, warm: "first-token" as const, limits: { warmth } };
    const running = run(map, { items: ["x", "y", "z"] }, options);
    await arrived(seen, 1);
    expect(seen.map(({ request }) => request.item)).toEqual([0]);
    seen[0]?.release();
    await arrived(seen, 3);
    expect(seen).toHaveLength(3);
    for (const one of seen) one.release();
    await running;
    const again = run(map, { items: ["v", "w"] }, options);
    await arrived(seen, 5);
    expect(seen).toHaveLength(5);
    for (const one of seen) one.release();
    await again;
  });

  it("is claimed anew after five minutes", () => {
    let now = 0;
    const warmth = createPrefixWarmth(() => now);
    const lead = warmth.claim("k");
    expect(lead).toHaveProperty("warmed");
    if (lead !== "warm" && "warmed" in lead) lead.warmed();
    expect(warmth.claim("k")).toBe("warm");
    now = 6 * 60_000;
    expect(warmth.claim("k")).toHaveProperty("warmed");
  });
});
