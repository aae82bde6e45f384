import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { HumanMessage } from "@langchain/core/messages";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import type { Runnable } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { interrupt, MemorySaver } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { defineDag, type RunEvent, resume, run, runModel } from "agent-dag";
import { cassette, faults, scriptedModel } from "agent-dag/testing";
import { createAgent } from "langchain";
import { z } from "zod";
import { replyModel } from "../support/reply-model.js";

const asked = ({ input }: { readonly input: unknown }) => ({ messages: [new HumanMessage(String(input))] });
const weather = tool(({ city }) => `Sun in ${city}.`, {
  name: "weather",
  description: "The weather of a city.",
  schema: z.object({ city: z.string() }),
});
const calling = () =>
  scriptedModel({
    it: [{ toolCalls: [{ name: "weather", args: { city: "Rome" } }] }, "It is sunny in Rome."],
  });

const agents = {
  createAgent: (tools: any[] = []) => createAgent({ model: runModel(), tools }) as object,
  createReactAgent: (tools: any[] = []) => createReactAgent({ llm: runModel(), tools }) as object,
};

function specOf(runnable: object) {
  return defineDag({ name: "has", nodes: { it: { runnable: runnable as Runnable, input: asked } } });
}

describe.each(Object.entries(agents))(
  "an agent of LangChain whose requests are the run's (%s)",
  (_, make) => {
    it("calls its tools; its requests, tokens and costs are recorded once", async () => {
      const events: RunEvent[] = [];
      const onEvent = (event: RunEvent) => events.push(event);
      const record = await run(specOf(make([weather])), "Rome?", { model: calling(), onEvent });
      expect(record.output).toBe("It is sunny in Rome.");
      expect(record.calls).toMatchObject([
        { node: "it", toolCalls: [{ name: "weather" }], error: null },
        { node: "it", toolCalls: [], error: null },
      ]);
      expect(record.usage.modelCalls).toBe(2);
      const text = events.flatMap((event) => (event.type === "call-delta" ? [event.text] : [])).join("");
      expect(text).toContain("It is sunny");
    });

    it("is recorded on a cassette and replayed from it, without its model", async () => {
      const file = join(mkdtempSync(join(tmpdir(), "run-model-")), "c.json");
      const spec = specOf(make([weather]));
      const first = await run(spec, "Rome?", { model: calling(), use: [cassette(file, { mode: "record" })] });
      const again = await run(spec, "Rome?", { use: [cassette(file, { mode: "replay" })] });
      expect([first.output, again.output]).toEqual(["It is sunny in Rome.", "It is sunny in Rome."]);
      expect(again.calls.length).toBe(2);
    });

    it("is retried request by request, and passes middleware", async () => {
      const use = [faults([{ node: "it", call: 1, fault: "rate-limited" }], { seed: 1 })];
      const policy = { retry: { maxAttempts: 2, initialIntervalMs: 1 } };
      const record = await run(specOf(make([weather])), "Rome?", { model: calling(), use, policy });
      expect(record.output).toBe("It is sunny in Rome.");
      expect(record.calls.map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
    });

    it("is held to the budget, and aborted", async () => {
      const spent = await run(specOf(make([weather])), "Rome?", {
        model: scriptedModel({ it: [{ toolCalls: [{ name: "weather", args: { city: "Rome" } }] }] }),
        limits: { maxModelCalls: 1 },
      });
      expect(spent.outcomes.it).toMatchObject({ state: "skipped", reason: { code: "budget" } });
      const stop = new AbortController();
      const model = replyModel(() => new Promise<string>(() => setTimeout(() => stop.abort(), 5)) as never);
      const record = await run(specOf(make()), "x", { model, signal: stop.signal });
      expect(record.outcomes.it.state).toBe("cancelled");
    });

    it("asks a person through `interrupt`, and does not ask its model again for what was answered", async () => {
      const ask = tool(() => interrupt("May I?") as string, {
        name: "weather",
        description: "Asks.",
        schema: z.object({ city: z.string() }),
      });
      const spec = specOf(make([ask]));
      const options = { checkpointer: new MemorySaver(), thread: "t", model: calling() };
      const first = await run(spec, "Rome?", options);
      expect(first.interrupts).toMatchObject([{ node: "it", kind: "interrupt", value: "May I?" }]);
      const done = await resume(spec, { ...options, answer: "yes" });
      expect(done).toMatchObject({ state: "completed", output: "It is sunny in Rome." });
      expect(done.calls.length).toBe(2);
    });
  },
);

it("gives the structured answer of `createAgent`", async () => {
  const agent = createAgent({
    model: runModel(),
    tools: [],
    responseFormat: z.object({ city: z.string(), sunny: z.boolean() }),
  });
  const model = replyModel(() => "");
  const answering = {
    ...model,
    async *call({ tools }: { tools: readonly { name: string }[] }) {
      const name = tools[0]?.name ?? "";
      yield { type: "tool-call", index: 0, id: "c", name, args: '{"city":"Rome","sunny":true}' } as const;
      yield { type: "finish", reason: "tool_calls" } as const;
    },
  };
  const record = await run(specOf(agent as object), "Rome?", { model: answering as never });
  expect(record.output).toEqual({ city: "Rome", sunny: true });
});

it("serves a chain too, and a function or a tool that uses LangChain", async () => {
  const chain = ChatPromptTemplate.fromTemplate("Say {word}.").pipe(runModel());
  const spec = defineDag({
    name: "chain",
    nodes: {
      chain: { runnable: chain, input: ({ input }) => ({ word: input }) },
      fn: { run: async () => (await chain.invoke({ word: "b" })).text },
    },
  });
  const model = replyModel(({ node, messages }) => `${node}: ${messages.at(-1)?.content}`);
  const record = await run(spec, "a", { model });
  expect(record.output).toEqual({ chain: "chain: Say a.", fn: "fn: Say b." });
  expect(record.calls.map(({ node }) => node).sort()).toEqual(["chain", "fn"]);
});

it("asks its own model outside of a run", async () => {
  const own = new FakeListChatModel({ responses: ["by itself"] });
  expect((await runModel(own).invoke("hi")).text).toBe("by itself");
});

it("is told that middleware does not reach a model that LangChain asks by itself", async () => {
  const agent = createReactAgent({ llm: new FakeListChatModel({ responses: ["x"] }), tools: [] });
  const record = await run(specOf(agent), "x", { use: [faults([], { seed: 1 })] });
  expect(record.state).toBe("completed");
  const notices = record.events.flatMap((event) => (event.type === "notice" ? [event.code] : []));
  expect(notices).toEqual(["MODEL_NOT_REACHED"]);
  expect((await run(specOf(agent), "x")).events.some(({ type }) => type === "notice")).toBe(false);
});
