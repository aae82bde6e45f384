import { describe, expect, it } from "@jest/globals";
import { type PredictVariant, predict } from "../../src/compare/predict.js";
import { simulateLatency } from "../../src/models/simulate-latency.js";
import type { RunRecord } from "../../src/records/record.js";
import type { PageData } from "../../src/report/page-model.js";
import { predictOnPage } from "../../src/report/page-record.js";
import { reportData } from "../../src/report/report.js";
import { run } from "../../src/run/run.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { replyModel } from "../support/reply-model.js";

/** Every kind of work: arms of unequal length, a map of limited width, rounds, a graph, a join, a condition, another script. */
const everything: DagSpec = {
  name: "everything",
  nodes: {
    a: { instructions: "A." },
    感情: { needs: ["a"], instructions: "B." },
    list: { needs: ["感情"], run: () => [1, 2, 3] },
    each: { needs: ["list"], forEach: { items: { node: "list" }, maxConcurrency: 2 }, instructions: "E." },
    loop: {
      needs: ["a"],
      dag: { name: "in", nodes: { w: { instructions: "W." }, x: { needs: ["w"], instructions: "X." } } },
      input: "x",
      repeat: { until: { node: "x", equals: "never" }, maxRounds: 2 },
    },
    graph: { needs: ["a"], dag: { name: "inner", nodes: { y: { instructions: "Y." } } }, input: "x" },
    never: { needs: ["a"], when: { node: "a", equals: "never" }, instructions: "N." },
    soon: { needs: ["graph", "never"], join: "any", instructions: "S." },
    end: { needs: ["each", "loop", "soon"], instructions: "End." },
  },
};

const model = replyModel(() => "one two three four five six");
const profile = "gpt-4.1-mini";
const simulated = (topology: "deterministic" | "planned-dag") =>
  run(everything, "x", { model, topology, use: [simulateLatency(profile, { seed: 3, speed: 400 })] });

/** As the file holds it. */
function onPage(record: RunRecord): PageData {
  return JSON.parse(JSON.stringify(reportData(record))) as PageData;
}

async function expectAlike(record: RunRecord, variants: readonly PredictVariant[]): Promise<void> {
  const data = onPage(record);
  const [shown] = data.runs;
  if (shown === undefined) throw new Error("There is no run.");
  const { topologies, predicted } = await predict(record, variants);
  for (const [at, { topology: label, runs }] of topologies.entries()) {
    const { run: there, notes } = predictOnPage(data, shown, variants[at] ?? {});
    const [here] = runs;
    const figures = ({
      durationMs,
      criticalPathMs,
      usage,
      topology,
    }: Pick<RunRecord, "durationMs" | "criticalPathMs" | "usage" | "topology"> | typeof there) => ({
      topology,
      durationMs: durationMs.toFixed(6),
      criticalPathMs: criticalPathMs.toFixed(6),
      modelCalls: usage.modelCalls,
      tokens: [usage.inputTokens, usage.outputTokens],
      costUsd: usage.costUsd === null ? null : usage.costUsd.toFixed(9),
    });
    expect([label, figures(there)]).toEqual([label, figures(here as RunRecord)]);
    const starts = (calls: readonly { startedAtMs: number }[]) =>
      calls.map((call) => call.startedAtMs.toFixed(6));
    expect(starts(there.calls)).toEqual(starts((here as RunRecord).calls));
    expect([...notes].sort()).toEqual([...(predicted.estimates[label] ?? [])].sort());
  }
}

const topologies = ["sequential", "deterministic", "dataflow", "planned", "planned-dag"] as const;

describe("what the report's page predicts", () => {
  it("is what `predict` gives, in every topology, with limits, another model and a warm start", async () => {
    const record = await simulated("deterministic");
    await expectAlike(
      record,
      topologies.flatMap((topology): PredictVariant[] => [
        { topology },
        { topology, limits: { maxConcurrency: 2, requestsPerMinute: 4 }, label: `${topology} limited` },
        { topology, model: "anthropic:claude-sonnet-4-6", warm: "first-token", label: `${topology} sonnet` },
        { topology, model: "openai:nothing-known", label: `${topology} unknown` },
      ]),
    );
  });

  it("is what `predict` gives for a planner's run", async () => {
    const record = await simulated("planned-dag");
    await expectAlike(
      record,
      topologies.map((topology) => ({ topology })),
    );
  });

  it("is what `predict` gives where nothing was simulated, and knows prices and the cache", async () => {
    const record = await run(everything, "x", { model });
    const priced = {
      ...record,
      calls: record.calls.map((call, at) => ({
        ...call,
        model: "openai:gpt-4.1-mini",
        inputTokens: 3000 + at,
        prefix: { key: "0123456789abcdef0123456789abcdef", tokens: 2048 },
      })),
    };
    await expectAlike(priced, [
      { topology: "deterministic" },
      { topology: "dataflow", warm: "first-token" },
      { topology: "dataflow", model: "openai:gpt-4o" },
      { topology: "sequential", model: "anthropic:claude-haiku-4-5" },
    ]);
    const [shown] = onPage(priced).runs;
    expect(predictOnPage(onPage(priced), shown as never, {}).run.usage.costUsd).toBeGreaterThan(0);
  });
});
