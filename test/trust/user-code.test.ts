import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { interrupt, MemorySaver } from "@langchain/langgraph";
import { type DagSpec, defineDag, resume, run } from "agent-dag";
import { z } from "zod";
import type { Model, ModelRequest } from "../../src/models/port.js";
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

it("arguments of a class, a map or a promise never become an empty object, written as data either", async () => {
  class Args {
    city = "Oslo";
  }
  for (const args of [
    () => new Args(),
    () => new Map([["city", "Oslo"]]),
    async () => ({ city: "Oslo" }),
    { at: new Date() },
    { deep: [{ city: new Map([["city", "Oslo"]]) }] },
    { city: new Args() },
  ]) {
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

describe("a question of `interrupt` that does not get out", () => {
  const question = () => {
    try {
      return interrupt("Which?");
    } catch {
      return "swallowed";
    }
  };
  const tool = { name: "t", schema: { type: "object", properties: {} }, invoke: async () => question() };
  const wrapped = async () => {
    try {
      return interrupt("Which?");
    } catch (cause) {
      throw new Error("wrapped", { cause });
    }
  };
  const kept = () => ({ checkpointer: new MemorySaver(), thread: "t" });
  const calling = {
    id: "test:calls",
    async *call({ messages }: ModelRequest) {
      if (messages.at(-1)?.role === "tool") yield { type: "text", text: "done" } as const;
      else yield { type: "tool-call", index: 0, id: "c", name: "t", args: "{}" } as const;
      yield { type: "finish", reason: "stop" } as const;
    },
  };

  it.each([
    ["in a function", { run: question }],
    ["in an async function", { run: async () => question() }],
    [
      "in a settled promise",
      { run: async () => Promise.allSettled([(async () => interrupt("?"))()]).then(() => 1) },
    ],
    ["in a tool", { tool }],
    ["in an agent's tool", { instructions: "x", tools: [tool] }],
  ])("fails its node, so that it is not lost: %s", async (_, node) => {
    const record = await run(beside(node), "x", { ...kept(), model: calling });
    expect(record.output).toEqual(["ok", "INTERRUPT_CAUGHT"]);
  });

  it("is asked where it is wrapped in another error, and nothing fails once it has its answer", async () => {
    const options = kept();
    const record = await run(beside({ run: wrapped }), "x", options);
    expect(record.interrupts).toMatchObject([{ node: "bad", kind: "interrupt", value: "Which?" }]);
    const done = await resume(beside({ run: wrapped }), { ...options, answer: "this" });
    expect(done.outcomes.bad).toMatchObject({ state: "completed", value: "this" });
  });

  it.each([
    ["when", { when: () => interrupt("?"), run: () => 1 }],
    ["instructions", { instructions: () => interrupt("?") }],
    ["input of a graph", { dag: inner, input: () => interrupt("?") }],
  ])("says so in words where nobody can be asked: %s", async (_, node) => {
    const record = await run(beside(node), "x", { ...kept(), model });
    expect(record.output).toEqual(["ok", "INTERRUPT_MISPLACED"]);
  });

  it("says so in words without a checkpointer", async () => {
    const record = await run(beside({ run: () => interrupt("?") }), "x");
    expect(record.output).toEqual(["ok", "CHECKPOINTER_MISSING"]);
  });
});

it("an `ask` that nobody awaits, and that fails, does not end the process", async () => {
  let went: unknown;
  const careless = async ({ ask }: any) => {
    void ask("Count.", { schema: z.object({ n: z.number() }) });
    await new Promise((resolve) => setTimeout(resolve, 20));
    went = await ask("Count.", { schema: z.object({ n: z.number() }) }).catch(({ code }: any) => code);
    return 1;
  };
  expect((await run(beside({ run: careless }), "x", { model })).state).toBe("completed");
  expect(went).toBe("OUTPUT_INVALID");
  expect(rejected).toEqual([]);
});

it("a middleware that throws what cannot be looked at fails its node in words", async () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const use = (next: Model): Model => ({
    ...next,
    call: () => {
      throw proxy;
    },
  });
  const record = await run(beside({ instructions: "x" }), "x", { model, use: [use] });
  const message = "A value that cannot be looked at was thrown.";
  expect(record.outcomes.bad).toMatchObject({ state: "failed", error: { code: "ERROR", message } });
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
