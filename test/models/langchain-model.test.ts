import { describe, expect, it } from "@jest/globals";
import { BaseChatModel, type BaseChatModelParams } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import { FakeListChatModel, FakeStreamingChatModel } from "@langchain/core/utils/testing";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { langchainModel } from "../../src/models/langchain-model.js";
import { collectReply, type ToolSpec } from "../../src/models/port.js";
import { chunksOf, failureOf, request } from "./requests.js";

const schema = { type: "object", properties: { label: { type: "string" } }, required: ["label"] };
const tool: ToolSpec = {
  name: "look",
  description: "Looks.",
  parameters: { type: "object", properties: {} },
};

/** A model without streaming whose answer a test writes, and which keeps what it was asked. */
class PlainModel extends BaseChatModel {
  #calls = 0;
  asked: BaseMessage[] = [];
  bound: unknown[] = [];

  constructor(
    private readonly answer: (call: number) => AIMessage,
    fields: BaseChatModelParams = {},
  ) {
    super(fields);
  }

  _llmType() {
    return "plain";
  }

  async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    this.asked = messages;
    const message = this.answer(this.#calls++);
    return { generations: [{ text: "", message }] };
  }
}

/** The same with tools, which it is given through `bindTools`. */
class ToolModel extends PlainModel {
  override bindTools(tools: unknown[], options?: object) {
    this.bound.push({ tools, ...options });
    return this.withConfig({});
  }
}

const replyOf = (instance: BaseChatModel, parts: Parameters<typeof request>[0] = {}) =>
  collectReply(langchainModel(instance).call(request(parts)));

describe("instances of LangChain chat models", () => {
  it("keep their own state from call to call", async () => {
    const model = langchainModel(new FakeListChatModel({ responses: ["first", "second"] }));
    const texts = [];
    for (let i = 0; i < 3; i++) texts.push((await collectReply(model.call(request()))).text);
    expect(texts).toEqual(["first", "second", "first"]);
  });

  it("work when they do not stream and have private fields", async () => {
    const instance = new PlainModel((call) => new AIMessage(`answer ${call}`));
    const model = langchainModel(instance);
    expect(model.id).toBe("plain:PlainModel");
    expect((await collectReply(model.call(request()))).text).toBe("answer 0");
    expect((await collectReply(model.call(request()))).text).toBe("answer 1");
    expect(instance.asked.map((message) => [message.getType(), message.content])).toEqual([
      ["system", "Be brief."],
      ["human", "hello"],
    ]);
  });

  it("give the text blocks of content in blocks", async () => {
    const content = [
      { type: "reasoning", reasoning: "hm" },
      { type: "text", text: "one " },
      { type: "text", text: "two" },
    ];
    expect((await replyOf(new PlainModel(() => new AIMessage({ content })))).text).toBe("one two");
  });

  it("give whole tool calls that come without numbers, also with arguments that are not JSON", async () => {
    const answer = new AIMessage({
      content: "",
      tool_calls: [
        { id: "a", name: "look", args: { at: 1 } },
        { id: "b", name: "look", args: {} },
      ],
      invalid_tool_calls: [{ id: "c", name: "look", args: "{oops", error: "no JSON" }],
    });
    expect((await replyOf(new ToolModel(() => answer), { tools: [tool] })).toolCalls).toEqual([
      { id: "a", name: "look", args: '{"at":1}' },
      { id: "b", name: "look", args: "{}" },
      { id: "c", name: "look", args: "{oops" },
    ]);
  });

  it("stop at once when aborted, also when they pay no heed", async () => {
    const controller = new AbortController();
    const instance = new PlainModel(() => new AIMessage("x"));
    instance._generate = () => new Promise(() => undefined);
    setTimeout(() => controller.abort(), 10);
    const { error } = await failureOf(langchainModel(instance), { signal: controller.signal });
    expect(error.code).toBe("ABORTED");
  });

  it("fail with the message of what they threw, without keys", async () => {
    const thrownErrorString = "boom with api_key=abcdef123456";
    const { error } = await failureOf(langchainModel(new FakeStreamingChatModel({ thrownErrorString })));
    expect(error).toMatchObject({ code: "MODEL_FAILED", retryable: false });
    expect(error.message).toContain("boom with api_key=[redacted]");
  });

  it("refuse tools that they cannot call, naming node and model", async () => {
    const { error } = await failureOf(langchainModel(new PlainModel(() => new AIMessage("x"))), {
      tools: [tool],
    });
    expect(error.code).toBe("MODEL_CANNOT_CALL_TOOLS");
    expect(error.message).toContain('"agent"');
  });
});

describe("structured output of models other than OpenAI's", () => {
  it("is the arguments of one forced tool call", async () => {
    const answer = new AIMessage({
      content: "I shall answer.",
      tool_calls: [{ id: "a", name: "answer", args: { label: "mixed" } }],
      response_metadata: { finish_reason: "tool_calls" },
    });
    const instance = new ToolModel(() => answer);
    const reply = await replyOf(instance, { schema });
    expect(reply).toMatchObject({ text: '{"label":"mixed"}', toolCalls: [], finishReason: "stop" });
    expect(instance.bound.at(-1)).toMatchObject({ tools: [{ name: "answer", schema }], tool_choice: "any" });
  });

  it("is what the forced call's one argument holds, where the answer is no object", async () => {
    const answer = new AIMessage({
      content: "",
      tool_calls: [{ id: "a", name: "answer", args: { answer: ["a", "b"] } }],
      response_metadata: { finish_reason: "tool_calls" },
    });
    const instance = new ToolModel(() => answer);
    const list = { type: "array", items: { type: "string" } };
    expect(await replyOf(instance, { schema: list })).toMatchObject({ text: '["a","b"]', toolCalls: [] });
    expect(instance.bound.at(-1)).toMatchObject({
      tools: [{ name: "answer", schema: { type: "object", properties: { answer: list } } }],
    });
  });

  it("is the text when the model answers in text all the same", async () => {
    expect((await replyOf(new ToolModel(() => new AIMessage('{"label":"x"}')), { schema })).text).toBe(
      '{"label":"x"}',
    );
  });

  it("is asked for in words when the model has no tools, or needs them for other things", async () => {
    const plain = new PlainModel(() => new AIMessage("{}"));
    await replyOf(plain, { schema });
    expect(plain.asked[0]?.content).toMatch(/^Be brief\.\n\nAnswer with JSON only.*"label"/s);
    const withTool = new ToolModel(() => new AIMessage("{}"));
    await replyOf(withTool, { schema, tools: [tool] });
    expect(withTool.asked[0]?.content).toContain('"label"');
    expect(withTool.bound.at(-1)).toMatchObject({ tools: [{ name: "look" }] });
  });
});

describe("usage", () => {
  const usage = (input: number, output: number) => ({
    content: "x",
    usage_metadata: { input_tokens: input, output_tokens: output, total_tokens: input + output },
  });

  it.each([
    ["given once", [usage(0, 0), usage(9, 4)], { inputTokens: 9, outputTokens: 4 }],
    ["given in two parts is added", [usage(9, 1), usage(0, 4)], { inputTokens: 9, outputTokens: 5 }],
    [
      "of Anthropic gives the output so far",
      [usage(9, 2), usage(0, 6)],
      { inputTokens: 9, outputTokens: 6 },
      "anthropic",
    ],
    [
      "repeated as running totals is not added",
      [usage(9, 1), usage(9, 3), usage(9, 4)],
      { inputTokens: 9, outputTokens: 4 },
    ],
  ])("%s", async (_, chunks, expected, type = "loose") => {
    const instance = {
      _llmType: () => type,
      invoke: async () => chunks[0],
      stream: async () =>
        (async function* () {
          yield* chunks;
        })(),
    };
    const seen = await chunksOf(langchainModel(instance));
    expect(seen.filter((chunk) => chunk.type === "usage")).toEqual([{ type: "usage", ...expected }]);
  });
});

describe("inside a LangGraph node", () => {
  it("shows each token once in streamMode messages", async () => {
    const model = langchainModel(new FakeStreamingChatModel({ sleep: 0, responses: [new AIMessage("abc")] }));
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async () => ({
        messages: [new AIMessage((await collectReply(model.call(request()))).text)],
      }))
      .addEdge(START, "agent")
      .addEdge("agent", END)
      .compile();
    const tokens: unknown[] = [];
    for await (const [message] of await graph.stream({ messages: [] }, { streamMode: "messages" })) {
      if (message instanceof AIMessageChunk) tokens.push(message.content);
    }
    expect(tokens).toEqual(["a", "b", "c"]);
  });
});
