import { describe, expect, it } from "@jest/globals";
import { compile, type DagSpec, defineDag, type RunEvent, run } from "agent-dag";
import { z } from "zod";
import { toolParameters } from "../../nodes/kinds/tool-calls.js";
import { plannerModel, signals } from "./planner-model.js";
import { review, sums } from "./specs.js";

const input = "the input";
type Options = NonNullable<Parameters<typeof plannerModel>[1]>;
const go = (
  plans: readonly string[],
  options: Options = {},
  more = {},
  spec: typeof review | typeof sums = review,
) => {
  const model = plannerModel((_, turn) => plans[turn] ?? "join()", options);
  const record = run(spec as typeof review, input, { topology: "planned-dag", model, ...more });
  return record.then((record) => ({ record, model, outcomes: record.outcomes as Record<string, any> }));
};
const plannerSays = (model: { requests: { node: string; messages: readonly { content: string }[] }[] }) =>
  model.requests.filter((one) => one.node === "$planner").map((one) => one.messages.at(-1)?.content ?? "");

describe("planned-dag", () => {
  it("runs the plan's calls with their needs, and lets the joiner write the output", async () => {
    const { record, model } = await go(["1. features()\n2. verdict()\njoin()"]);
    expect(record).toMatchObject({ state: "completed", output: "joined" });
    expect(record.outcomes.meta).toMatchObject({ state: "completed", value: "joined" });
    expect(record.outcomes.sentiment).toMatchObject({ reason: { code: "not-called" } });
    expect(model.requests.map((one) => one.node)).toEqual(["$planner", "features", "verdict", "$joiner"]);
    expect(model.requests.at(-1)?.messages.at(-1)?.content).toContain("verdict says so");
  });

  it("inserts needs that the plan leaves out", async () => {
    const { record } = await go(["1. verdict()\njoin()"]);
    expect(record.outcomes.features.state).toBe("completed");
    expect(record.outcomes.verdict.readyAtMs).toBeGreaterThanOrEqual(
      record.outcomes.features.endedAtMs ?? Infinity,
    );
  });

  it("starts a call the moment its needs settle, not at the next line and not at the plan's end", async () => {
    // The planner writes its next line once the call of the line before has settled: a call that waited for more than its
    // needs would wait for ever.
    const calls = ["features", "verdict", "sentiment"];
    const settled = signals(calls);
    const { record } = await go(
      ["1. features()\n2. verdict($1)\n3. sentiment()\njoin()"],
      {
        chunksOf: (text) => text.split(/(?<=\n)/),
        afterPiece: (written) => settled.told(calls[written - 1] ?? ""),
      },
      {
        onEvent: (event: RunEvent) => {
          if (event.type === "node-settled") settled.tell(event.node);
        },
      },
    );
    const planner = record.calls.find((call) => call.node === "$planner");
    const { verdict } = record.outcomes;
    expect(verdict.endedAtMs).toBeLessThanOrEqual((planner?.startedAtMs ?? 0) + (planner?.durationMs ?? 0));
  });

  it("hands results on as tool arguments and as labelled needs", async () => {
    const { outcomes, model } = await go(
      ['1. people()\n2. density($1, 3)\n3. after(focus="x")\n4. tolerant($2)\njoin()'],
      {},
      {},
      sums,
    );
    expect(outcomes.density).toMatchObject({ state: "completed", value: 200 });
    expect(model.requests.find((one) => one.node === "tolerant")?.messages.at(-1)?.content).toContain("200");
    expect(outcomes.after).toMatchObject({ state: "skipped", reason: { code: "join" } });
  });

  it("need not give a tool what its schema has a default for, at any depth", async () => {
    const more = z.object({ unit: z.string().default("km"), digits: z.number() });
    const far = {
      name: "far",
      description: "How far.",
      schema: z.object({ to: z.string(), from: z.string().default("here"), more: more.optional() }),
      invoke: async (args: object) => JSON.stringify(args),
    };
    const nodes = { far: { tool: far }, end: { needs: ["far"], instructions: "Answer." } };
    for (const plan of ['1. far("Oslo")\njoin()', '1. far("Oslo", more={"digits":1})\njoin()']) {
      const spec = defineDag({ name: "distance", nodes } as DagSpec);
      const { record } = await go([plan], {}, {}, spec as any);
      expect(record).toMatchObject({ state: "completed", outcomes: { far: { state: "completed" } } });
    }
    expect(toolParameters(far)).toMatchObject({
      required: ["to"],
      properties: { more: { required: ["digits"] } },
    });
  });

  it("settles a failing call as an outcome that the joiner sees", async () => {
    const { record, model } = await go(["1. broken()\n2. density($1, 3)\njoin()"], {}, {}, sums);
    expect(record.state).toBe("partial");
    expect((record.outcomes as Record<string, unknown>).density).toMatchObject({
      state: "skipped",
      reason: { code: "join" },
    });
    expect(model.requests.at(-1)?.messages.at(-1)?.content).toContain("no luck");
  });

  it("sends an invalid plan back with its issues, and keeps what was started", async () => {
    const { record, model } = await go(["1. features()\n2. sentimnt()\njoin()", "2. sentiment()\njoin()"]);
    expect(record.state).toBe("completed");
    expect(plannerSays(model)[1]).toContain('Did you mean "sentiment"?');
    expect(plannerSays(model)[1]).toContain("$1 features");
    expect(record.outcomes.features.invocations).toBeUndefined();
    expect(record.outcomes.sentiment.state).toBe("completed");
  });

  it("ends in a clear failure when no plan is valid, or runs the graph as declared", async () => {
    const plans = ["1. nope()\njoin()", "no plan at all", "1. features(\n"];
    const { record, model } = await go(plans);
    expect(record.outcomes.meta).toMatchObject({ state: "failed", error: { code: "PLAN_INVALID" } });
    expect(plannerSays(model)).toHaveLength(3);
    const fallen = await go(plans, {}, { planner: { fallback: "deterministic" } });
    expect(fallen.record).toMatchObject({ state: "completed", output: "meta says so" });
  });

  it("plans again when the joiner asks, within the bound", async () => {
    const { record, model } = await go(["1. features()\njoin()", "2. sentiment()\njoin()"], {
      joiner: (_, turn) => (turn === 0 ? "REPLAN: the mood is missing" : "whole"),
    });
    expect(record.output).toBe("whole");
    expect(plannerSays(model)[1]).toContain("the mood is missing");
    const endless = await go(
      ["1. features()\njoin()"],
      { joiner: () => "REPLAN: more" },
      { planner: { maxReplans: 1 } },
    );
    expect(endless.record.outcomes.meta).toMatchObject({
      state: "failed",
      error: { code: "REPLANS_EXCEEDED" },
    });
    expect(endless.record.outcomes.features.state).toBe("completed");
    expect(plannerSays(endless.model)).toHaveLength(2);
  });

  it("answers without any call", async () => {
    const { record, model } = await go(["join()"]);
    expect(record).toMatchObject({ state: "completed", output: "joined" });
    expect(model.requests).toHaveLength(2);
  });

  it("counts planner and joiner in the critical path", async () => {
    const { record } = await go(["join()"], {
      before: () => new Promise((resolve) => setTimeout(resolve, 10)),
    });
    expect(record.calls.map(({ node }) => node)).toEqual(["$planner", "$joiner"]);
    const asked = record.calls.reduce((sum, { durationMs }) => sum + durationMs, 0);
    expect(record.criticalPathMs).toBeGreaterThanOrEqual(asked);
    expect(record.criticalPathMs).toBeLessThanOrEqual(record.durationMs);
  });

  it("stops a need that the call which wanted it has gone on without", async () => {
    const cancelled = signals(["slow"]);
    const spec = defineDag({
      name: "race",
      nodes: {
        fast: { run: () => "fast" },
        slow: {
          run({ signal }) {
            signal.addEventListener("abort", () => cancelled.tell("slow"));
            return new Promise<string>(() => {});
          },
        },
        first: { needs: ["fast", "slow"], join: "any", run: ({ needs }) => needs.fast },
        meta: { needs: ["first"], instructions: "Sum up." },
      },
    });
    // The joiner answers once the need has been cancelled: where only the end of the run did it, that would be never.
    const model = plannerModel(() => "1. first()\njoin()", {
      before: ({ node }) => (node === "$joiner" ? cancelled.told("slow") : undefined),
    });
    const record = await run(spec, input, { topology: "planned-dag", model });
    expect(record.outcomes.first).toMatchObject({ state: "completed", value: "fast" });
    expect(record.outcomes.slow).toMatchObject({ state: "cancelled", reason: { code: "not-needed" } });
    const joiner = record.calls.find((call) => call.node === "$joiner");
    const end = (joiner?.startedAtMs ?? 0) + (joiner?.durationMs ?? 0);
    expect(record.outcomes.slow.endedAtMs).toBeLessThanOrEqual(end);
  });

  it("is drawn with its planner, tools and joiner", async () => {
    const graph = compile(review, { topology: "planned-dag", model: "offline" });
    const drawn = (await graph.getGraphAsync()).drawMermaid();
    expect(drawn).toMatch(/tools --> joiner/);
    expect(drawn).toMatch(/joiner -.*-> planner/);
  });
});
