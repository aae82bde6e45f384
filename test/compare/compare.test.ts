import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { compare, defineDag, type RunRecord } from "agent-dag";
import { simulateLatency } from "agent-dag/testing";
import { adviceOf } from "../../src/compare/advice.js";
import { agreementOf, textSimilarity } from "../../src/compare/agreement.js";
import { figuresOf, type TopologyFigures } from "../../src/compare/figures.js";
import { readVariant } from "../../src/compare/variant.js";
import { renderComparison } from "../../src/report/comparison.js";
import { comparisonOf } from "../../src/report/report.js";
import { plannerModel } from "../planner/planner-model.js";
import { review } from "../planner/specs.js";

const model = () =>
  plannerModel((request, turn) =>
    request.tools.length === 0 ? "1. features()\njoin()" : turn === 0 ? [["features", "{}"]] : "short",
  );

describe("compare", () => {
  it("runs the topologies interleaved, in the order asked for, and relates their records", async () => {
    const order: string[] = [];
    const comparison = await compare(review, "input", {
      topologies: [
        "deterministic",
        "planned?maxIterations=3",
        { topology: "planned-dag", planner: { maxReplans: 0 } },
      ],
      repeat: 3,
      model: model(),
      onRun: ({ topology, repeat }) => order.push(`${repeat} ${topology}`),
    });
    expect(order.slice(0, 4)).toEqual([
      "0 deterministic",
      "0 planned?maxIterations=3",
      "0 planned-dag?maxReplans=0",
      "1 deterministic",
    ]);
    expect(comparison).toMatchObject({ version: 1, dag: { name: "review" }, input: "input" });
    const [deterministic, planned] = comparison.topologies;
    expect(deterministic).toMatchObject({
      modelCalls: 4,
      inputTokens: 40,
      outputTokens: 20,
      nodesRun: 4,
      nodesSkipped: 0,
      failures: 0,
    });
    expect(planned).toMatchObject({ modelCalls: 3, nodesRun: 2, nodesSkipped: 2 });
    expect(deterministic?.runs).toHaveLength(3);
    expect(deterministic?.wallMs.min).toBeLessThanOrEqual(deterministic?.wallMs.median ?? 0);
    expect(comparison.agreement.map(({ exact }) => exact)).toEqual([1, 0, 0]);
    expect(JSON.parse(JSON.stringify(comparison))).toEqual(comparison);
  });

  it("tells the events of each run by its topology, and asks for the answers that a run waits for", async () => {
    const asking = defineDag({
      name: "asking",
      nodes: {
        draft: { run: () => "draft" },
        check: { needs: ["draft"], approve: { message: "May it go out?" } },
      },
    });
    const heard: string[] = [];
    const asked: string[] = [];
    const comparison = await compare(asking, "a letter" as never, {
      topologies: ["sequential", "dataflow"],
      checkpointer: new MemorySaver(),
      thread: "t",
      onRunEvent: (event, { topology }) => {
        if (event.type === "run-ended") heard.push(`${topology} ${event.state}`);
      },
      answer: async (record, { topology }) => {
        asked.push(`${topology} ${record.state}`);
        return topology === "sequential" ? { check: true } : null;
      },
    });
    expect(asked).toEqual(["sequential interrupted", "dataflow interrupted"]);
    expect(heard).toEqual(["sequential interrupted", "sequential completed", "dataflow interrupted"]);
    expect(comparison.topologies.map(({ runs }) => runs.map(({ state }) => state))).toEqual([
      ["completed"],
      ["interrupted"],
    ]);
  });

  it("refuses topologies, options and repeats that it does not know, before anything is run", async () => {
    await expect(compare(review, "x", { topologies: ["plannd"] })).rejects.toMatchObject({
      code: "TOPOLOGY_UNKNOWN",
    });
    await expect(compare(review, "x", { topologies: ["planned?toolinput=argument"] })).rejects.toThrow(
      'Did you mean "toolInput"?',
    );
    await expect(compare(review, "x", { repeat: 0 })).rejects.toMatchObject({ code: "REPEAT_INVALID" });
    await expect(compare(review, "x", { topologies: [], model: model() })).rejects.toMatchObject({
      code: "VARIANT_INVALID",
    });
    await expect(
      compare(review, "x", { topologies: ["planned?maxIterations=0"], model: model() }),
    ).rejects.toMatchObject({ code: "DAG_INVALID" });
  });

  it("draws simulated latencies anew in each repeat and says that they are simulated", async () => {
    const comparison = await compare(review, "x", {
      topologies: ["deterministic"],
      repeat: 2,
      model: model(),
      use: [simulateLatency("gpt-4.1-mini", { seed: 7, speed: 500 })],
    });
    expect(comparison.topologies[0]?.runs.map((run) => run.simulated?.seed)).toEqual([7, 8]);
    expect(renderComparison(comparison)).toContain("simulated");
  });

  it("reads planner options out of a name", () => {
    expect(readVariant("planned?parallelToolCalls=false&toolInput=argument")).toEqual({
      topology: "planned",
      label: "planned?parallelToolCalls=false&toolInput=argument",
      planner: { parallelToolCalls: false, toolInput: "argument" },
    });
  });

  it("renders every topology, the agreement, the advice and the timelines", async () => {
    const comparison = await compare(review, "x", { topologies: ["sequential", "planned"], model: model() });
    const text = renderComparison(comparison, { width: 80 });
    for (const part of [
      "sequential",
      "planned",
      "critical",
      "skipped",
      "Output of planned",
      "Advice:",
      "$planner",
    ]) {
      expect(text).toContain(part);
    }
  });
});

describe("agreement", () => {
  it("compares structured outputs field by field", () => {
    const run = (output: unknown) => ({ output }) as RunRecord;
    expect(
      agreementOf(
        "b",
        [run({ a: 1, b: 2 }), run({ a: 1, b: 3 })],
        [run({ b: 2, a: 1 }), run({ a: 1, b: 2 })],
      ),
    ).toMatchObject({
      exact: 0.5,
      fields: { a: 1, b: 0.5 },
    });
  });

  it("counts shared words, as often as they occur", () => {
    expect(textSimilarity("Good, good screen", "good screen")).toBeCloseTo(0.8);
    expect(textSimilarity("", "")).toBe(1);
    expect(textSimilarity("one", "two")).toBe(0);
  });
});

describe("advice", () => {
  const figures = (topology: string, wall: number, tokens: number, failures = 0): TopologyFigures => ({
    ...figuresOf(topology, []),
    wallMs: { median: wall, min: wall, max: wall },
    inputTokens: tokens,
    failures,
  });

  it("names the fastest, the cheaper one among equally fast, and never one that fails more", () => {
    expect(adviceOf([figures("a", 2000, 10), figures("b", 1000, 10)])).toMatch(
      /^"b" suits.*2\.0 times faster than "a"/,
    );
    expect(adviceOf([figures("a", 10_000, 90), figures("b", 10_300, 10)])).toMatch(/^"b" suits/);
    expect(adviceOf([figures("a", 1000, 10, 2), figures("b", 5000, 10)])).toMatch(
      /^"b" suits.*nodes failed in "a"/,
    );
    expect(adviceOf([figures("a", 1000, 100), figures("b", 1500, 60)])).toContain("40 % fewer tokens");
  });

  it("says of topologies that skipped work and answered otherwise that they did, and not that they failed", () => {
    const skips = { ...figures("b", 5000, 10), nodesSkipped: 2 };
    const said = (topology: string, similarity: number) => ({ topology, exact: 0, similarity }) as never;
    const advice = adviceOf([figures("a", 1000, 10), skips], [said("a", 1), said("b", 0.2)]);
    expect(advice).toMatch(/^"a" suits.*while "b" skipped more and answered otherwise\.$/);
    expect(advice).not.toContain("failed");
  });

  it("says that runs wait for an answer, and that runs without an output agree on nothing", async () => {
    const asks = defineDag({ name: "asks", nodes: { ok: { approve: { message: "Go on?" } } } });
    const topologies = ["sequential", "deterministic", "dataflow"] as const;
    const comparison = await compare(asks, "x", {
      topologies,
      checkpointer: new MemorySaver(),
      thread: "asks",
    });
    expect(comparison.advice).toMatch(
      /Runs of "sequential", "deterministic" and "dataflow" wait for an answer, and their figures end there\.$/,
    );
    expect(renderComparison(comparison)).toContain(
      "Output of dataflow against sequential: neither has one\n",
    );
    expect(comparisonOf(comparison, () => 0).agreement).toEqual([]);
  });

  it("judges nothing by milliseconds, nor by runs that all failed", async () => {
    expect(adviceOf([figures("a", 20, 100), figures("b", 180, 60)])).toMatch(
      /differ by milliseconds.*"b" used the fewest tokens \(60\)/,
    );
    const broken = defineDag({
      name: "broken",
      nodes: {
        only: {
          run: () => {
            throw new Error("no");
          },
        },
      },
    });
    const { advice } = await compare(broken, "x", { topologies: ["sequential", "dataflow"] });
    expect(advice).toMatch(/^Every run failed.*no$/);
  });
});
