import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { type DagSpec, defineDag, run } from "agent-dag";
import { z } from "zod";
import type { Model } from "../../src/models/port.js";
import { plannerModel } from "../planner/planner-model.js";
import { replyModel } from "../support/reply-model.js";

const rejected: unknown[] = [];
const note = (reason: unknown) => rejected.push(reason);
beforeAll(() => void process.on("unhandledRejection", note));
afterAll(() => void process.off("unhandledRejection", note));

const model = replyModel(({ node }) => `${node} said`);
const later = async () => {
  throw null;
};
const inner = defineDag({ name: "inner", input: z.any(), nodes: { a: { run: () => 1 } } });

function beside(node: object): DagSpec {
  return defineDag({
    name: "beside",
    nodes: {
      good: { run: () => "ok" },
      bad: node,
      end: {
        needs: ["good", "bad"],
        join: "settled",
        run: ({ needs, outcomes }: any) => [needs.good, outcomes.bad.error?.code ?? outcomes.bad.state],
      },
    },
    output: "end",
  } as unknown as DagSpec);
}

describe("an asynchronous function where none can be", () => {
  const cases: [string, object, string][] = [
    ["when", { when: later, run: () => 1 }, "WHEN_NOT_BOOLEAN"],
    ["until", { dag: inner, repeat: { until: later, maxRounds: 2 } }, "UNTIL_NOT_BOOLEAN"],
    ["instructions", { instructions: later }, "INSTRUCTIONS_NOT_TEXT"],
    ["args", { tool: { name: "t", invoke: async () => 1 }, args: later }, "VALUE_NOT_JSON"],
    ["input of a graph", { dag: inner, input: later }, "INPUT_NOT_JSON"],
    ["a value within a value", { run: () => ({ rows: later() }) }, "VALUE_NOT_JSON"],
  ];

  it.each(cases)(
    "fails its node with a word on it, and does not end the process: %s",
    async (_, node, code) => {
      const record = await run(beside(node), "x", { model });
      expect(record.output).toEqual(["ok", code]);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(rejected).toEqual([]);
    },
  );

  it("also as the call of a model or of a middleware", async () => {
    const calls = { id: "test:no-stream", call: later as any };
    const agent = beside({ instructions: "Answer." });
    expect((await run(agent, "x", { model: calls })).output).toEqual(["ok", "MODEL_NOT_STREAMING"]);
    const use = [() => calls];
    expect((await run(agent, "x", { model, use })).output).toEqual(["ok", "MODEL_NOT_STREAMING"]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(rejected).toEqual([]);
  });
});

it("arguments of a class, a map or a promise never become an empty object", async () => {
  class Args {
    city = "Oslo";
  }
  for (const args of [() => new Args(), () => new Map([["city", "Oslo"]]), async () => ({ city: "Oslo" })]) {
    const given: unknown[] = [];
    const tool = { name: "t", invoke: async (own: unknown) => given.push(own) };
    expect((await run(beside({ tool, args }), "x")).output).toEqual(["ok", "VALUE_NOT_JSON"]);
    expect(given).toEqual([]);
  }
});

it("an approval that is asked for by a promise or a truthy word is asked for", async () => {
  for (const [approve, asked] of [
    [async () => true, true],
    [() => "yes", true],
    [async () => false, false],
    [() => undefined, false],
  ] as const) {
    let called = 0;
    const tool = { name: "wipe", description: "Wipes.", schema: z.object({}), invoke: async () => ++called };
    const spec = defineDag({
      name: "wipes",
      nodes: { a: { instructions: "Wipe.", tools: [{ tool, approve }] } },
    } as unknown as DagSpec);
    const calls: Model = {
      id: "test:calls",
      async *call({ turn }) {
        if (turn === 0) yield { type: "tool-call", index: 0, id: "c", name: "wipe", args: "{}" };
        else yield { type: "text", text: "done" };
        yield { type: "finish", reason: turn === 0 ? "tool_calls" : "stop" };
      },
    };
    const record = await run(spec, "x", { model: calls, checkpointer: new MemorySaver(), thread: "t" });
    expect([record.state, called]).toEqual(asked ? ["interrupted", 0] : ["completed", 1]);
  }
});

describe("whatever is thrown where the run has not begun", () => {
  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };
  const thrown: [string, () => unknown][] = [
    ["null", () => null],
    ["undefined", () => undefined],
    ["an object without a prototype", () => Object.create(null)],
    ["a revoked proxy", revoked],
  ];

  it.each(thrown)("is an error to its caller, %s", async (_, make) => {
    const hostile = () => {
      throw make();
    };
    const spec = defineDag({
      name: "input",
      input: z.any().transform(hostile),
      nodes: { a: { run: () => 1 } },
    } as unknown as DagSpec);
    await expect(run(spec, "x")).rejects.toMatchObject({ code: "INPUT_INVALID" });
    const failure = await run(beside({ instructions: "x" }), "x", { model, use: [hostile as any] }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(Error);
  });

  it.each(thrown)("aborts the run as a reason, %s", async (_, make) => {
    const controller = new AbortController();
    const spec = beside({
      run: async () => {
        controller.abort(make());
        await new Promise((resolve) => setTimeout(resolve, 5));
      },
    });
    expect((await run(spec, "x", { signal: controller.signal })).state).toBe("cancelled");
  });
});

it.each(["planned", "planned-dag"] as const)(
  "a tool that states no schema can be called, %s",
  async (topology) => {
    const tool = { name: "bare", invoke: async () => "called" };
    const spec = defineDag({
      name: "bare",
      nodes: { t: { tool }, end: { needs: ["t"], run: ({ needs }: any) => needs.t } },
    } as unknown as DagSpec);
    const planner = plannerModel(({ tools, turn }) =>
      turn > 0 ? "done" : tools.length > 0 ? [["end", "{}"]] : "1. end()\njoin()",
    );
    const { outcomes } = await run(spec, "x", { topology, model: planner });
    expect(outcomes.end).toMatchObject({ value: "called" });
  },
);
