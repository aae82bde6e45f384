import { describe, expect, it } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { DagError } from "../../src/errors.js";
import { collectReply } from "../../src/models/port.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { scriptedModel } from "../../src/testing/index.js";
import { chunksOf, request } from "../models/requests.js";
import { article, brief, replies } from "./three-layers.js";

describe("a scripted model", () => {
  it("answers each node in turn: text, structured output, a function of the call", async () => {
    const model = scriptedModel({
      ...replies,
      headline: [(call) => `${call.node}: ${call.prompt.length > 0}`],
    });
    const record = await run(brief, article, { model });
    expect(record.outcomes.tone).toMatchObject({ value: { label: "calm", score: 0.8 } });
    expect(record.output).toBe("headline: true");
    expect(model.calls.map((call) => call.instructions).sort()).toEqual([
      "Judge the tone.",
      "List the facts.",
      "Write a headline.",
    ]);
    model.assertDone();
  });

  it("plays tool calls, chunks, errors that are retried, and delays", async () => {
    const look = tool(async ({ page }: { page: number }) => `page ${page}`, {
      name: "look",
      description: "Reads a page.",
      schema: z.object({ page: z.number() }),
    });
    const dag = defineDag({ name: "reader", nodes: { read: { instructions: "Read.", tools: [look] } } });
    const model = scriptedModel({
      read: [
        { error: new DagError("MODEL_SERVER_ERROR", "Down.", { retryable: true }) },
        { toolCalls: [{ name: "look", args: { page: 3 } }], usage: { inputTokens: 7, outputTokens: 2 } },
        (call) => ({ chunks: ["It says ", call.prompt], delayMs: 5, chunkDelayMs: 1, finishReason: "stop" }),
      ],
    });
    const record = await run(dag, "x", { model, policy: { retry: { initialIntervalMs: 1 } } });
    expect(record).toHaveCompleted();
    expect(record.output).toBe("It says page 3");
    expect(record).toHaveCalledTools([{ name: "look", args: { page: 3 } }], { node: "read" });
    expect(record).toHaveCalledModelTimes(3, { node: "read" });
    expect(record.outcomes.read.attempts).toBe(2);
  });

  it("plays the replies of a loop's inner agent round after round, and those of a map of graphs by item", async () => {
    const inner = defineDag({
      name: "inner",
      nodes: {
        say: { instructions: "Say it." },
        good: { needs: ["say"], run: ({ needs }) => needs.say === "B" },
      },
      output: "say",
    });
    const repeat = { until: { node: "good", equals: true }, maxRounds: 3 } as const;
    const loop = defineDag({ name: "outer", nodes: { loop: { dag: inner, input: () => "x", repeat } } });
    const rounds = await run(loop, "x", { model: scriptedModel({ "loop/say": ["A", "B"] }) });
    expect([rounds.output, rounds.outcomes.loop.rounds?.length]).toEqual(["B", 2]);
    const named = await run(loop, "x", {
      model: scriptedModel({ "loop/say": ["A", "B"], "loop@2/say": ["C"] }),
    });
    expect([named.output, named.outcomes.loop.rounds?.length]).toEqual(["B", 3]);
    const map = defineDag({
      name: "map",
      input: z.object({ all: z.array(z.string()) }),
      nodes: { each: { forEach: "all", dag: inner, input: ({ item }) => item } },
    });
    const mapped = await run(map, { all: ["x", "y"] }, { model: scriptedModel({ "each/say": ["1", "2"] }) });
    expect(mapped.output).toEqual(["1", "2"]);
  });

  it("gives each item of a map its own reply, whichever asks first", async () => {
    const dag = defineDag({
      name: "each",
      nodes: {
        list: { run: () => ["a", "b", "c"], output: z.array(z.string()) },
        one: { needs: ["list"], forEach: { node: "list" }, instructions: "Say it." },
      },
    });
    const record = await run(dag, "x", { model: scriptedModel({ one: ["A", "B"], "one[2]": ["C"] }) });
    expect(record.output).toEqual(["A", "B", "C"]);
  });

  it("sends chunks one by one, and is ended by abort while it waits", async () => {
    const model = scriptedModel({ agent: [{ chunks: ["a", "b"] }, { text: "late", delayMs: 60_000 }] });
    expect((await chunksOf(model)).slice(0, 2)).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ]);
    const controller = new AbortController();
    const call = collectReply(model.call(request({ signal: controller.signal })));
    controller.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
  });

  it("fails a call that the script does not expect, and the test with it", async () => {
    const model = scriptedModel({ facts: ["x"], tone: [{ label: "calm", score: 1 }] });
    const record = await run(brief, article, { model });
    expect(record).toHaveOutcome("headline", "failed", { code: "SCRIPT_UNEXPECTED_CALL" });
    expect(() => model.assertDone()).toThrowErrorMatchingSnapshot();
  });

  it("fails when a reply was never used, by node and number", () => {
    const model = scriptedModel({ facts: ["one", "two"] });
    expect(() => model.assertDone()).toThrowErrorMatchingSnapshot();
  });
});
