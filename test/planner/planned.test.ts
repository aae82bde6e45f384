import { describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { compile, type DagSpec, defineDag, resume, run } from "agent-dag";
import { z } from "zod";
import { plannerModel, type Said, signals } from "./planner-model.js";
import { review, sums } from "./specs.js";

type PlannerOptions = NonNullable<Parameters<typeof plannerModel>[1]>;
const input = "A long document that no planner should copy.";
const planned = (planner: Parameters<typeof plannerModel>[0], options: PlannerOptions = {}) => {
  const model = plannerModel(planner, options);
  return {
    model,
    go: (more = {}, spec: typeof review | typeof sums = review) =>
      run(spec as typeof review, input, { topology: "planned", model, ...more }),
  };
};
const twoTurns =
  (calls: Said, answer = "the answer") =>
  (_: unknown, turn: number) =>
    turn === 0 ? calls : answer;

describe("planned", () => {
  it("runs what the planner calls, its needs first, and writes the output node itself", async () => {
    const { model, go } = planned(twoTurns([["verdict", "{}"]]));
    const record = await go();
    expect(record.state).toBe("completed");
    expect(record.output).toBe("the answer");
    expect(record.outcomes.meta).toMatchObject({ state: "completed", value: "the answer" });
    expect(record.outcomes.features.state).toBe("completed");
    expect(record.outcomes.verdict.readyAtMs).toBeGreaterThanOrEqual(
      record.outcomes.features.endedAtMs ?? Infinity,
    );
    expect(record.outcomes.sentiment).toMatchObject({ state: "skipped", reason: { code: "not-called" } });
    expect(model.requests.map((one) => one.node)).toEqual(["$planner", "features", "verdict", "$planner"]);
    const tools = model.requests[0]?.tools.map((one) => one.name);
    expect(tools).toEqual(["features", "sentiment", "verdict"]);
  });

  it("starts each call while the planner's message still streams", async () => {
    const calls = ["features", "sentiment"] as const;
    // The planner writes on once the call before has been asked for: where it started later, that would be never.
    const asked = signals(calls);
    const { go } = planned(twoTurns(calls.map((name) => [name, "{}"] as const)), {
      before: ({ node }) => asked.tell(node),
      afterPiece: (written) => asked.told(calls[written - 1] ?? ""),
    });
    const record = await go();
    const planner = record.calls.find((call) => call.node === "$planner");
    const end = (planner?.startedAtMs ?? 0) + (planner?.durationMs ?? 0);
    for (const name of calls) expect(record.outcomes[name].startedAtMs).toBeLessThanOrEqual(end);
  });

  it("tells the planner of unknown tools, malformed arguments and refusals, and counts them", async () => {
    const script: Said[] = [
      [
        ["featurs", "{}"],
        ["features", '{"focus": 3}'],
        ["features", '{"focus"'],
        ["sentiment", "{}"],
      ],
      "",
      "done",
    ];
    const { model, go } = planned((_, turn) => script[turn] ?? "done");
    const record = await go();
    expect(record.state).toBe("completed");
    const told = model.requests
      .filter((one) => one.node === "$planner")[1]
      ?.messages.filter((one) => one.role === "tool");
    expect(told?.map((one) => one.content)).toEqual([
      expect.stringContaining('Did you mean "features"?'),
      expect.stringContaining("do not fit"),
      expect.stringContaining("not valid JSON"),
      "sentiment says so",
    ]);
    expect(record.outcomes.features).toMatchObject({ state: "skipped", reason: { code: "not-called" } });
  });

  it("keeps what was done when the planner never answers", async () => {
    const { model, go } = planned(() => [["features", "{}"]]);
    const record = await go({ planner: { maxIterations: 3 } });
    expect(record.state).toBe("failed");
    expect(record.outcomes.meta).toMatchObject({
      state: "failed",
      error: { code: "PLANNER_ITERATIONS_EXCEEDED" },
    });
    expect(record.outcomes.features).toMatchObject({ state: "completed" });
    expect(record.outcomes.features.invocations).toHaveLength(2);
    expect(model.requests.filter((one) => one.node === "$planner")).toHaveLength(3);
  });

  it("runs the nodes as declared when the planner never answers and there is a fallback", async () => {
    const { go } = planned(() => [["features", "{}"]]);
    const record = await go({ planner: { maxIterations: 2, fallback: "deterministic" } });
    expect(record.state).toBe("completed");
    expect(record.output).toBe("meta says so");
    expect(Object.values(record.outcomes).map(({ state }) => state)).toEqual(Array(4).fill("completed"));
  });

  it("keeps every call of a node with its focus, the latest completed as its value", async () => {
    const { model, go } = planned(
      (_, turn) =>
        turn === 0
          ? [
              ["features", '{"focus":"price"}'],
              ["features", '{"focus":"battery"}'],
            ]
          : "ok",
      {
        node: (request: { invocation: number | null }) => `call ${request.invocation}`,
      },
    );
    const record = await go();
    expect(record.outcomes.features).toMatchObject({ state: "completed", value: "call 1" });
    expect(
      record.outcomes.features.invocations?.map((one) => (one.state === "completed" ? one.value : "")),
    ).toEqual(["call 0", "call 1"]);
    const prompts = model.requests
      .filter((one) => one.node === "features")
      .map((one) => one.messages.at(-1)?.content ?? "");
    expect(prompts[0]).toContain("price");
    expect(prompts[1]).toContain("battery");
  });

  it("lets a specialist read the text that the planner passes on, with toolInput argument", async () => {
    const { model, go } = planned(twoTurns([["features", '{"input":"passed on"}']]));
    await go({ planner: { toolInput: "argument" } });
    const prompt = model.requests.find((one) => one.node === "features")?.messages.at(-1)?.content;
    expect(prompt).toContain("passed on");
    expect(prompt).not.toContain(input);
  });

  it("tells that only one call a message is run without parallel tool calls", async () => {
    const { model, go } = planned(
      twoTurns([
        ["features", "{}"],
        ["sentiment", "{}"],
      ]),
    );
    const record = await go({ planner: { parallelToolCalls: false } });
    expect(record.outcomes.sentiment).toMatchObject({ reason: { code: "not-called" } });
    expect(model.requests[0]?.parallelToolCalls).toBe(false);
  });

  it("holds joins: a failed need skips, and a settled join goes on", async () => {
    const { go } = planned(
      twoTurns([
        ["after", "{}"],
        ["tolerant", "{}"],
        ["density", '{"b": 2}'],
      ]),
    );
    const record = await go({}, sums);
    const outcomes = record.outcomes as Record<string, unknown>;
    expect(outcomes.after).toMatchObject({ state: "skipped", reason: { code: "join" } });
    expect(outcomes.tolerant).toMatchObject({ state: "completed" });
    expect(outcomes.broken).toMatchObject({ state: "failed" });
    expect(outcomes.density).toMatchObject({ state: "completed", value: 300 });
  });

  it("holds the answer to the output node's schema, telling the planner once what is wrong", async () => {
    const spec = defineDag({
      name: "typed",
      nodes: {
        a: { instructions: "Look." },
        b: { needs: ["a"], instructions: "Judge.", output: z.object({ good: z.boolean() }) },
      },
    });
    const model = plannerModel((_, turn) => ["nonsense", '{"good": true}'][turn] ?? "");
    const record = await run(spec, input, { topology: "planned", model });
    expect(record.output).toEqual({ good: true });
  });

  it("makes the planner's text the output where no agent is the only output", async () => {
    const spec = defineDag({ name: "two", nodes: { a: { instructions: "A" }, b: { instructions: "B" } } });
    const record = await run(spec, input, {
      topology: "planned",
      model: plannerModel(twoTurns([["a", "{}"]], "told")),
    });
    expect(record).toMatchObject({ state: "completed", output: "told" });
    expect(record.outcomes.b).toMatchObject({ reason: { code: "not-called" } });
  });

  it("settles every node when the planner's model fails, and when the run is aborted", async () => {
    const failing = await planned(() => {
      throw new Error("down");
    }).go({ policy: { retry: { maxAttempts: 1 } } });
    expect(failing.state).toBe("failed");
    expect(Object.keys(failing.outcomes)).toHaveLength(4);
    const controller = new AbortController();
    const slow = planned(twoTurns([["features", "{}"]]), {
      before({ node }) {
        if (node !== "features") return undefined;
        setImmediate(() => controller.abort());
        return new Promise(() => {});
      },
    });
    const aborted = await slow.go({ signal: controller.signal });
    expect(aborted.state).toBe("cancelled");
    expect(Object.keys(aborted.outcomes)).toHaveLength(4);
    expect(aborted.outcomes.features.state).toBe("cancelled");
  });

  it("is held by policies and budgets as every other request", async () => {
    const spent = await planned(twoTurns([["features", "{}"]])).go({ limits: { maxModelCalls: 2 } });
    expect(spent.outcomes.features.state).toBe("completed");
    expect(spent.outcomes.meta).toMatchObject({ state: "skipped", reason: { code: "budget" } });
    const slow = planned(twoTurns([["features", "{}"]]), { before: () => new Promise(() => {}) });
    const late = await slow.go({
      policy: { timeoutMs: 30, retry: { maxAttempts: 2, initialIntervalMs: 1 } },
    });
    expect(late.outcomes.meta).toMatchObject({ state: "timed-out" });
    expect(late.calls.map((call) => call.attempt)).toEqual([1, 2]);
  });

  it("is drawn and invoked as a LangGraph: planner, tools, planner, END", async () => {
    const graph = compile(review, {
      topology: "planned",
      model: plannerModel(twoTurns([["features", "{}"]])),
    });
    const drawn = (await graph.getGraphAsync()).drawMermaid();
    expect(drawn).toMatch(/planner -.*-> tools/);
    expect(drawn).toMatch(/tools --> planner/);
    const state = await graph.invoke({ input });
    expect(Object.keys(state).sort()).toEqual(["input", "outcomes", "output"]);
    expect(state.output).toBe("the answer");
  });
});

describe.each(["planned", "planned-dag"] as const)("%s before an approval", (topology) => {
  const guarded = defineDag({
    name: "guarded-output",
    nodes: {
      ok: { approve: { message: "May I?" } },
      reply: { needs: ["ok"], instructions: "Write a reply." },
    },
  });

  it("does not take the planner's own words for what a person has to approve", async () => {
    const model = plannerModel((request) => (request.tools.length === 0 ? "join()" : "Here is the reply."));
    const checkpointer = new MemorySaver();
    const record = await run(guarded, "input", { topology, model, checkpointer, thread: "t" });
    expect(record).toMatchObject({ state: "failed", output: null, error: { code: "APPROVAL_PASSED_BY" } });
  });

  /** A person says no before the output, and the planner answers all the same. */
  async function refused(nodes: DagSpec["nodes"], called: string) {
    const spec = defineDag({ name: "refused", nodes: { ok: { approve: { message: "May I?" } }, ...nodes } });
    const model = plannerModel(({ tools, turn }) => {
      if (turn > 0) return "Done.";
      return tools.length > 0 ? [[called, "{}"]] : `1. ${called}()\njoin()`;
    });
    const place = { topology, model, checkpointer: new MemorySaver(), thread: "t" };
    expect(await run(spec, "input", place)).toMatchObject({ state: "interrupted" });
    return resume(spec, { ...place, answer: { approve: false, comment: "Not now." } });
  }

  it("ends as rejected after a no, as the other topologies do", async () => {
    const send = { needs: ["ok"], run: () => "sent" };
    const record = await refused({ send }, "send");
    expect(record).toMatchObject({ state: "rejected", output: null, error: null });
  });

  it("ends as rejected where the output was not called for after a no further up", async () => {
    const polish = { needs: ["ok"], run: () => "polished" };
    const reply = { needs: ["polish"], instructions: "Write a reply." };
    const record = await refused({ polish, reply }, "polish");
    expect(record).toMatchObject({ state: "rejected", output: null, error: null });
  });

  it("takes what its output node came to after a no, not the planner's own words", async () => {
    const note = { needs: ["ok"], join: "settled", run: () => "noted" } as const;
    const record = await refused({ note }, "note");
    expect(record).toMatchObject({ state: "completed", output: "noted", error: null });
  });
});

it("answers where ways part and join again in forty layers", async () => {
  const layers = Array.from({ length: 40 }, (_, at) => {
    const layer = at === 0 ? { run: () => at } : { needs: [`a${at - 1}`, `b${at - 1}`], run: () => at };
    return { [`a${at}`]: layer, [`b${at}`]: layer };
  });
  const nodes = Object.assign({}, ...layers, { end: { needs: ["a39", "b39"], run: () => "end" } });
  const model = plannerModel(twoTurns([["end", "{}"]]));
  const record = await run(defineDag({ name: "ways", nodes } as DagSpec), "x", {
    topology: "planned",
    model,
  });
  expect(record).toMatchObject({ state: "completed", output: "the answer" });
});
