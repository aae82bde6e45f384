import { describe, expect, it } from "@jest/globals";
import { topologyNames } from "../../graphs/topology.js";
import { faults } from "../../src/models/faults.js";
import type { Model, ModelMiddleware } from "../../src/models/port.js";
import type { RunRecord } from "../../src/records/record.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { replyModel } from "../support/reply-model.js";

const scheduled = topologyNames.filter((name) => !name.startsWith("planned"));
const planned = ["planned", "planned-dag"] as const;
const quick = { retry: { initialIntervalMs: 1, maxIntervalMs: 5 } };

/** Counts how many requests are under way at once. */
function watch() {
  const seen = { peak: 0 };
  let active = 0;
  const middleware: ModelMiddleware = (model) => ({
    id: model.id,
    async *call(request) {
      seen.peak = Math.max(seen.peak, ++active);
      try {
        await new Promise((resolve) => setTimeout(resolve, 3));
        yield* model.call(request);
      } finally {
        active--;
      }
    },
  });
  return { seen, middleware };
}

const inner = defineDag({
  name: "inner",
  policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
  nodes: {
    one: { instructions: "1" },
    two: { instructions: "2" },
    both: { needs: ["one", "two"], instructions: "Both" },
  },
});
const outer = defineDag({
  name: "outer",
  nodes: {
    graph: { dag: inner },
    beside: { instructions: "Beside" },
    end: {
      needs: ["graph", "beside"],
      join: "settled",
      run: ({ needs }) => Object.values(needs).filter(Boolean).length,
    },
  },
});

describe.each(scheduled)("%s: inside a graph node", (topology) => {
  it("the run's limit holds, and the inner DAG's policy counts", async () => {
    const { seen, middleware } = watch();
    const record = await run(outer, "x", {
      topology,
      model: replyModel(),
      limits: { maxConcurrency: 1 },
      use: [middleware, faults([{ node: "graph/one", fault: "server-error" }])],
    });
    expect(seen.peak).toBe(1);
    expect(record.outcomes.graph.outcomes?.one).toMatchObject({ state: "failed", attempts: 2 });
    expect(record.outcomes.graph.outcomes?.two).toMatchObject({ state: "completed" });
    expect(record.output).toBe(1);
  });

  it("the budget is the run's", async () => {
    const record = await run(outer, "x", { topology, model: replyModel(), limits: { maxModelCalls: 2 } });
    expect(record.calls).toHaveLength(2);
    expect(record.state).toBe("partial");
  });

  it("inner nodes that completed are taken over", async () => {
    const use = [faults([{ node: "graph/two", fault: "unauthorized" }])];
    const earlier = await run(outer, "x", { topology, model: replyModel(), use });
    const reuse = JSON.parse(JSON.stringify(earlier)) as RunRecord;
    const record = await run(outer, "x", { topology, model: replyModel(), reuse });
    expect(record.calls.map(({ node }) => node)).toEqual(["graph/two", "graph/both"]);
    expect(record.usage.reused).toMatchObject({ modelCalls: 2 });
    expect(record.output).toBe(2);
  });
});

const dag = defineDag({
  name: "for-a-planner",
  nodes: {
    features: { description: "Lists features.", instructions: "List the features." },
    sentiment: { description: "Judges the sentiment.", instructions: "Judge the sentiment." },
    meta: { needs: ["features", "sentiment"], instructions: "Summarise what the others found." },
  },
});
const text =
  "The bag is light and looks good. The zip jammed in the first week, and the rain cover is too thin.";

/** Plans both specialists, then answers. */
const model: Model = {
  id: "test:planner",
  async *call({ node, tools, messages }) {
    const asked = messages.some(({ role }) => role === "tool");
    if (node === "$planner" && tools.length > 0 && !asked) {
      for (const [index, name] of ["features", "sentiment"].entries()) {
        yield { type: "tool-call", index, id: `call${index}`, name, args: "{}" };
      }
      yield { type: "finish", reason: "tool_calls" };
      return;
    }
    const plan = node === "$planner" && tools.length === 0;
    for (const line of plan
      ? ["1. features()\n", "2. sentiment()\n", "3. join()\n"]
      : [`${node} `, "says so"]) {
      yield { type: "text", text: line };
    }
    yield { type: "usage", inputTokens: 10, outputTokens: 5 };
    yield { type: "finish", reason: "stop" };
  },
};

describe.each(planned)("%s", (topology) => {
  it("tries the planner's own requests again, also when a reply breaks off", async () => {
    const plain = await run(dag, text, { topology, model });
    for (const fault of ["server-error", "stream-cut"] as const) {
      const record = await run(dag, text, {
        topology,
        model,
        policy: quick,
        use: [faults([{ node: "$planner", call: 1, fault }])],
      });
      expect(record.state).toBe(plain.state);
      expect(record.output).toEqual(plain.output);
      expect(record.calls).toHaveLength(plain.calls.length + 1);
    }
  });

  it("is held to the run's limit, with planner and nodes together", async () => {
    const { seen, middleware } = watch();
    await run(dag, text, { topology, model, limits: { maxConcurrency: 1 }, use: [middleware] });
    expect(seen.peak).toBe(1);
  });

  it("ends with what it has when the budget is spent", async () => {
    const record = await run(dag, text, { topology, model, limits: { maxModelCalls: 2 } });
    expect(record.calls).toHaveLength(2);
    expect(
      Object.values(record.outcomes).filter((one) => "reason" in one && one.reason.code === "budget"),
    ).not.toEqual([]);
    expect(["failed", "partial"]).toContain(record.state);
  });

  it("ends at its deadline", async () => {
    const slow: ModelMiddleware = (model) => ({
      id: model.id,
      async *call(request) {
        if (request.node !== "$planner") await new Promise(() => {});
        yield* model.call(request);
      },
    });
    const record = await run(dag, text, {
      topology,
      model,
      policy: { deadlineMs: 150 },
      use: [slow],
    });
    expect(Object.values(record.outcomes).map(({ state }) => state)).toContain("timed-out");
  });
});
