import { describe, expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import type { Model, ModelChunk, ModelRequest } from "../../src/models/port.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";

/** A model that answers the nth request with the nth list of chunks and keeps what it was asked. */
function chunksModel(...replies: ModelChunk[][]): Model & { requests: ModelRequest[] } {
  const requests: ModelRequest[] = [];
  return {
    id: "test:chunks",
    requests,
    async *call(request) {
      const reply = replies[requests.length];
      requests.push(request);
      if (reply === undefined) throw new Error(`Request ${requests.length} was not expected.`);
      yield* reply;
    },
  };
}

const text = (content: string): ModelChunk[] => [
  { type: "text", text: content },
  { type: "usage", inputTokens: 7, outputTokens: 3 },
  { type: "finish", reason: "stop" },
];
const call = (name: string, args: string, id = "c1"): ModelChunk[] => [
  { type: "tool-call", index: 0, id, name, args },
  { type: "finish", reason: "tool_calls" },
];

const judge = defineDag({
  name: "judge",
  nodes: { verdict: { instructions: "Judge.", output: z.object({ score: z.number().max(5) }) } },
});

describe("an agent with an output schema", () => {
  it("gives the parsed object as its value, also out of a fenced block", async () => {
    const record = await run(judge, "x", { model: chunksModel(text('Here:\n```json\n{"score": 4}\n```')) });
    expect(record.output).toEqual({ score: 4 });
  });

  it("tells the model once what was wrong and takes the better answer", async () => {
    const model = chunksModel(text('{"score": 9}'), text('{"score": 5}'));
    const record = await run(judge, "x", { model });
    expect(record.output).toEqual({ score: 5 });
    expect(record.usage.modelCalls).toBe(2);
    const told = model.requests[1]?.messages.at(-1)?.content;
    expect(told).toContain("score: Too big: expected number to be <=5");
    expect(model.requests[1]).toMatchObject({ turn: 1, attempt: 1 });
  });

  it("fails with the offending text kept when the repair does not fit either", async () => {
    const record = await run(judge, "x", { model: chunksModel(text("I think it is a 4."), text("Four.")) });
    expect(record.state).toBe("failed");
    expect(record.outcomes.verdict).toMatchObject({
      state: "failed",
      error: { code: "OUTPUT_INVALID", text: "Four." },
    });
  });

  it("asks no second time when the policy allows no repair", async () => {
    const model = chunksModel(text("no JSON"));
    const record = await run(judge, "x", { model, policy: { repairAttempts: 0 } });
    expect(record.outcomes.verdict.state).toBe("failed");
    expect(model.requests).toHaveLength(1);
  });
});

describe("an agent with tools", () => {
  const double = tool(({ n }: { n: number }) => String(n * 2), {
    name: "double",
    description: "Doubles a number.",
    schema: z.object({ n: z.number() }),
  });
  const agent = defineDag({
    name: "tools",
    nodes: { calc: { instructions: "Use the tool.", tools: [double], policy: { maxToolRounds: 2 } } },
  });

  it("answers the model's calls and takes its final text", async () => {
    const model = chunksModel(call("double", '{"n": 21}'), text("It is 42."));
    const record = await run(agent, "double 21", { model });
    expect(record.output).toBe("It is 42.");
    expect(model.requests[0]?.tools[0]).toMatchObject({ name: "double", description: "Doubles a number." });
    expect(model.requests[1]?.messages.at(-1)).toEqual({
      role: "tool",
      toolCallId: "c1",
      name: "double",
      content: "42",
    });
    expect(record.calls[0]?.toolCalls).toEqual([{ id: "c1", name: "double", args: { n: 21 } }]);
  });

  it("tells the model about an unknown tool, bad JSON and arguments that do not fit", async () => {
    for (const [reply, expected] of [
      [call("triple", "{}"), 'There is no tool "triple". The tools are: double.'],
      [call("double", '{"n": '), "The arguments are not valid JSON"],
      [call("double", '{"n": "x"}'), "The tool failed"],
    ] as const) {
      const model = chunksModel(reply, text("done"));
      const record = await run(agent, "x", { model });
      expect(record.output).toBe("done");
      expect(model.requests[1]?.messages.at(-1)?.content).toContain(expected);
    }
  });

  it("leaves a tool that takes longer than `timeoutMs`, aborts its signal, and goes on", async () => {
    let reason: unknown;
    const slow = tool(
      (_, { signal }) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
        });
        return new Promise<string>(() => {});
      },
      { name: "slow", description: "Never ends.", schema: z.object({}) },
    );
    const nodes = { calc: { instructions: "Use the tool.", tools: [slow], policy: { timeoutMs: 30 } } };
    const model = chunksModel(call("slow", "{}"), text("It took too long."));
    const record = await run(defineDag({ name: "slow", nodes }), "x", { model });
    expect(record.output).toBe("It took too long.");
    expect(model.requests[1]?.messages.at(-1)?.content).toBe(
      'The tool failed: "slow" did not finish within 30 ms (`timeoutMs`).',
    );
    expect(reason).toMatchObject({ code: "NODE_TIMEOUT", facts: { node: "calc", tool: "slow" } });
  });

  it("tells the model the beginning of a long error", async () => {
    const fails = tool(() => Promise.reject(new Error("no ".repeat(2_500))), {
      name: "fails",
      description: "Fails.",
      schema: z.object({}),
    });
    const nodes = { calc: { instructions: "Use the tool.", tools: [fails] } };
    const model = chunksModel(call("fails", "{}"), text("It failed."));
    await run(defineDag({ name: "long", nodes }), "x", { model });
    expect(model.requests[1]?.messages.at(-1)?.content).toMatch(
      /^The tool failed: (no )+n?o?… \(5500 more characters\)$/,
    );
  });

  it("stops a model that calls tools for ever, at the bound", async () => {
    const again = call("double", '{"n": 1}');
    const model = chunksModel(again, again, again);
    const record = await run(agent, "x", { model });
    expect(record.outcomes.calc).toMatchObject({ state: "failed", error: { code: "TOOL_ROUNDS_EXCEEDED" } });
    expect(model.requests).toHaveLength(3);
  });
});

it("passes an empty reply on as a failure, never as content", async () => {
  const spec = defineDag({ name: "empty", nodes: { a: { instructions: "Speak." } } });
  const record = await run(spec, "x", {
    model: chunksModel(text("  \n")),
    policy: { retry: { maxAttempts: 1 } },
  });
  expect(record.outcomes.a).toMatchObject({ state: "failed", error: { code: "EMPTY_REPLY" } });
});
