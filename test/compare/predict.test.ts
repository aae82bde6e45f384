import { beforeAll, describe, expect, it } from "@jest/globals";
import { predict } from "../../src/compare/predict.js";
import type { Model } from "../../src/models/port.js";
import { simulateLatency } from "../../src/models/simulate-latency.js";
import type { RunRecord } from "../../src/records/record.js";
import { renderComparison } from "../../src/report/comparison.js";
import { run } from "../../src/run/run.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { replyModel } from "../support/reply-model.js";

/** Uneven arms: a barrier costs what it costs. */
const arms: DagSpec = {
  name: "arms",
  nodes: {
    a: { instructions: "A." },
    b: { needs: ["a"], instructions: "B." },
    c: { instructions: "C." },
    d: { needs: ["c"], instructions: "D." },
    list: { needs: ["b"], run: () => [1, 2, 3] },
    each: { needs: ["list"], forEach: { items: { node: "list" }, maxConcurrency: 2 }, instructions: "E." },
    loop: {
      needs: ["d"],
      dag: { name: "in", nodes: { w: { instructions: "W." }, x: { needs: ["w"], instructions: "X." } } },
      input: "x",
      repeat: { until: { node: "x", equals: "never" }, maxRounds: 2 },
    },
    end: { needs: ["each", "loop"], instructions: "End." },
  },
};

const model = replyModel(() => "one two three four five six");

/** A record whose calls take what a table says, all else nothing: times are put in, not measured. */
async function recordOf(spec: DagSpec, ms: (call: RunRecord["calls"][number]) => number) {
  const record = await run(spec, "x", { model, topology: "sequential" });
  let now = 0;
  const at = new Map<string, { startedAtMs: number; endedAtMs: number }>();
  const calls = record.calls.map(({ waited: _waited, ...call }) => {
    const durationMs = ms(call);
    const timed = { ...call, startedAtMs: now, firstTokenMs: durationMs / 2, durationMs };
    at.set(JSON.stringify([call.node, call.item]), { startedAtMs: now, endedAtMs: now + durationMs });
    now += durationMs;
    return timed;
  });
  const retimed = (outcomes: RunRecord["outcomes"], prefix: string): RunRecord["outcomes"] =>
    Object.fromEntries(
      Object.entries(outcomes).map(([name, outcome]) => {
        const own = (item: number | null) =>
          at.get(JSON.stringify([prefix + name, item])) ?? { startedAtMs: now, endedAtMs: now };
        const inner = outcome.rounds?.map((round, index) => retimed(round, `${prefix}${name}@${index + 1}/`));
        return [
          name,
          {
            ...outcome,
            ...own(null),
            ...(outcome.items && { items: outcome.items.map((item, index) => ({ ...item, ...own(index) })) }),
            ...(inner && { rounds: inner }),
          },
        ] as const;
      }),
    );
  return { ...record, calls, outcomes: retimed(record.outcomes, ""), durationMs: now };
}

const wall = (prediction: Awaited<ReturnType<typeof predict>>) =>
  Object.fromEntries(
    prediction.topologies.map(({ topology, wallMs }) => [topology, Math.round(wallMs.median / 100)]),
  );

describe("predict", () => {
  let record: RunRecord;
  const ms: Readonly<Record<string, number>> = {
    a: 1_000,
    b: 10_000,
    c: 10_000,
    d: 1_000,
    each: 4_000,
    end: 2_000,
  };
  beforeAll(async () => {
    record = await recordOf(arms, ({ node }) => ms[node] ?? 1_500);
  });

  it("tells the wall time of each pace, with maps and rounds", async () => {
    const prediction = await predict(record, { topologies: ["sequential", "deterministic", "dataflow"] });
    // a 1, b 10, c 10, d 1, each 3 × 4, loop 4 × 1.5, end 2; layers (a c)(b d)(list loop)(each)(end); two lanes for three items.
    expect(wall(prediction)).toEqual({
      sequential: 420,
      deterministic: 100 + 100 + 60 + 80 + 20,
      dataflow: 110 + 80 + 20,
    });
    expect(prediction.topologies.map(({ modelCalls }) => modelCalls)).toEqual([12, 12, 12]);
    expect(prediction.topologies[2]?.criticalPathMs).toBeGreaterThan(20_900);
    expect(prediction.predicted).toMatchObject({ from: record.id, topology: "sequential" });
    expect(prediction.agreement.every(({ exact }) => exact === 1)).toBe(true);
  });

  it("holds requests to limits, the longest path first", async () => {
    const limited = async (limits: object) =>
      wall(await predict(record, { topologies: ["dataflow"], limits })).dataflow;
    expect(await limited({ maxConcurrency: 1 })).toBe(420);
    expect(await limited({ maxConcurrency: 100 })).toBe(210);
    expect(await limited({ requestsPerMinute: 6 })).toBeGreaterThan(600);
    const wide: DagSpec = {
      name: "wide",
      nodes: {
        s1: { instructions: "." },
        s2: { instructions: "." },
        p: { instructions: "." },
        q: { needs: ["p"], instructions: "." },
      },
    };
    const two = await recordOf(wide, () => 1_000);
    // In order of arrival s1 and s2 would go first, and q would end at 3 s.
    expect(
      wall(await predict(two, { topologies: ["dataflow"], limits: { maxConcurrency: 2 } })).dataflow,
    ).toBe(20);
  });

  it("takes agents that begin at one moment as such, whatever each took to begin", async () => {
    const spec: DagSpec = {
      name: "fan",
      nodes: {
        short: { instructions: "." },
        long: { instructions: "." },
        after: { needs: ["long"], instructions: "." },
      },
    };
    const even = await recordOf(spec, ({ node }) => (node === "short" ? 500 : 1_000));
    const late = (call: RunRecord["calls"][number]) => (call.node === "long" ? 2 : 1);
    const outcomes = Object.fromEntries(
      even.calls.map((call) => {
        const own = even.outcomes[call.node] as RunRecord["outcomes"][string];
        return [
          call.node,
          { ...own, startedAtMs: call.startedAtMs, endedAtMs: call.startedAtMs + call.durationMs + 3 },
        ];
      }),
    );
    const calls = even.calls.map((call) => ({ ...call, startedAtMs: call.startedAtMs + late(call) }));
    const uneven = { ...even, calls, outcomes };
    const one = await predict(uneven, { topologies: ["dataflow"], limits: { maxConcurrency: 1 } });
    const [run] = one.topologies.flatMap(({ runs }) => runs);
    expect(run?.calls.map(({ node }) => node)).toEqual(["long", "after", "short"]);
    expect(run?.durationMs).toBeCloseTo(2_509, 6);
  });

  it("knows other models by their profiles and prices, and says what it does not know", async () => {
    const priced = await predict(
      { ...record, calls: record.calls.map((call) => ({ ...call, model: "openai:gpt-4.1-mini" })) },
      [
        { topology: "dataflow" },
        { topology: "dataflow", model: "openai:gpt-4.1" },
        { topology: "dataflow", model: "openai:mine" },
      ],
    );
    const [mini, large, unknown] = priced.topologies;
    expect(priced.topologies.map(({ topology }) => topology)).toEqual([
      "dataflow",
      "dataflow openai:gpt-4.1",
      "dataflow openai:mine",
    ]);
    expect(large?.costUsd ?? 0).toBeGreaterThan((mini?.costUsd ?? 0) * 3);
    expect(large?.wallMs.median).not.toBe(mini?.wallMs.median);
    expect(unknown).toMatchObject({ costUsd: null, wallMs: mini?.wallMs });
    expect(priced.predicted.estimates["dataflow openai:mine"]?.join()).toMatch(/no latency profile/);
  });

  it("counts what the provider's cache serves, with and without a warm start", async () => {
    const fan = await recordOf(
      {
        name: "fan",
        nodes: {
          a: { instructions: "." },
          b: { instructions: "." },
          c: { instructions: "." },
          m: { needs: ["a", "b", "c"], instructions: "." },
        },
      },
      () => 1_000,
    );
    const calls = fan.calls.map((call) => ({
      ...call,
      model: "openai:gpt-4.1-mini",
      inputTokens: 10_100,
      prefix: { key: "k", tokens: 10_000 },
    }));
    const shared = { ...fan, calls };
    const prediction = await predict(shared, [
      { topology: "deterministic", label: "cold" },
      { topology: "deterministic", warm: "first-token", label: "warm" },
    ]);
    const cached = prediction.topologies.map(({ runs }) => runs[0]?.usage.cachedInputTokens);
    expect(cached).toEqual([9_984, 3 * 9_984]);
    expect(wall(prediction)).toEqual({ cold: 20, warm: 25 });
  });

  it("gives the planner topologies from their own record, and estimates them from another, saying so", async () => {
    const spec: DagSpec = {
      name: "p",
      nodes: {
        a: { instructions: "List the features." },
        b: { instructions: "Judge the sentiment." },
        m: { needs: ["a", "b"], instructions: "Sum up." },
      },
    };
    const text = "The lamp is bright. The battery is weak. I love the colour.";
    const use = [simulateLatency("gpt-4.1-mini", { speed: 20 })];
    for (const topology of ["planned", "planned-dag"] as const) {
      const own = await run(spec, text, { model: "offline", topology, use });
      const prediction = await predict(own, {});
      const [itself] = prediction.topologies.filter((one) => one.topology === topology);
      expect(itself?.modelCalls).toBe(own.calls.length);
      expect(prediction.predicted.estimates[topology]).toEqual([]);
      expect(prediction.predicted.estimates.deterministic?.join()).toMatch(
        /"m", which the planner wrote itself/,
      );
      expect(prediction.topologies.every(({ wallMs }) => wallMs.median > 0)).toBe(true);
    }
    const static_ = await run(spec, text, { model: "offline", use });
    const prediction = await predict(static_, ["planned", "planned-dag"]);
    expect(prediction.predicted.estimates.planned?.join()).toMatch(/planner's own requests/);
    expect(renderComparison(prediction)).toMatch(
      /^predicted from one run in deterministic; no model was asked/,
    );
    expect(renderComparison(prediction)).toMatch(/Estimated for planned: /);
  });

  it("knows the tokens of a planner that calls every node before it is asked", async () => {
    const spec: DagSpec = {
      name: "p",
      nodes: {
        features: { instructions: "List the features." },
        "pros-and-cons": { needs: ["features"], instructions: "Weigh them." },
        price: { instructions: "Is it cheap?" },
        m: { needs: ["features", "pros-and-cons", "price"], instructions: "Sum up." },
      },
    };
    const text = "The lamp is bright. The battery is weak. I love the colour.";
    const names = ["features", "pros-and-cons", "price"];
    const plan = `${names.map((name, index) => `${index + 1}. ${name}()\n`).join("")}join()`;
    const eager: Model = {
      id: "test:eager",
      async *call({ node, tools, turn }) {
        if (node !== "$planner" || turn > 0) yield { type: "text", text: "Word word, word. Word!" };
        else if (tools.length === 0) yield { type: "text", text: plan };
        else
          for (const [index, name] of names.entries())
            yield { type: "tool-call", index, id: `call_${index}`, name, args: "{}" };
        yield { type: "finish", reason: "stop" };
      },
    };
    const runIn = (topology: "dataflow" | "planned" | "planned-dag") =>
      run(spec, text, { model: eager, topology, use: [simulateLatency("gpt-4.1-mini", { speed: 4 })] });
    const record = await runIn("dataflow");
    for (const topology of ["planned", "planned-dag"] as const) {
      const real = await runIn(topology);
      expect(real.state).toBe("completed");
      const [predicted] = (await predict(record, [topology])).topologies.flatMap(({ runs }) => runs);
      const tokens = (calls: RunRecord["calls"] = []) =>
        calls.map(({ node, inputTokens, outputTokens }) => `${node} ${inputTokens} ${outputTokens}`).sort();
      expect(tokens(predicted?.calls)).toEqual(tokens(real.calls));
      // A node starts as soon as its call is written.
      const asked = predicted?.calls.find(({ node }) => node === "$planner");
      const startOf = (name: string) =>
        (predicted?.outcomes[name]?.startedAtMs ?? 0) - (asked?.startedAtMs ?? 0);
      const [firstMs, lastMs] = [asked?.firstTokenMs ?? 0, asked?.durationMs ?? 0];
      if (topology === "planned") {
        // Differences of sums: the last digit of a float is theirs.
        expect(startOf("features")).toBeCloseTo(firstMs, 6);
        expect(startOf("price")).toBeCloseTo(lastMs, 6);
      } else {
        expect(startOf("features")).toBeGreaterThan(firstMs);
        expect(startOf("price")).toBeLessThan(lastMs);
      }
    }
  });

  it("refuses what it cannot read, and says what", async () => {
    await expect(predict(record, ["fast" as never])).rejects.toThrow(/no topology "fast"/);
    await expect(predict(record, [])).rejects.toThrow(/nothing to predict/);
    await expect(predict(record, [{ limits: { maxConcurrency: 0 } }])).rejects.toThrow(
      /limits\.maxConcurrency/,
    );
    await expect(predict({} as never)).rejects.toThrow(/record/i);
  });
});
