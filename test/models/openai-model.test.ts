import { LLMock } from "@copilotkit/aimock";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { ChatOpenAI } from "@langchain/openai";
import { langchainModel } from "../../src/models/langchain-model.js";
import { collectReply, type ModelRequest, type ToolSpec } from "../../src/models/port.js";
import { resolveModel } from "../../src/models/resolve.js";
import { chunksOf, failureOf, request } from "./requests.js";

const weather: ToolSpec = {
  name: "weather",
  description: "Weather of a city.",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const server = new LLMock({ port: 0, logLevel: "silent" });

beforeAll(async () => {
  await server.start();
});
afterAll(() => server.stop());
afterEach(() => {
  server.clearFixtures();
  server.clearRequests();
});

const env = () => ({ OPENAI_BASE_URL: `${server.url}/v1` });
const model = () => resolveModel("openai:gpt-4.1-mini", env());
const replyTo = async (parts: Partial<ModelRequest> = {}) =>
  collectReply((await model()).call(request(parts)));
const sent = () => server.getRequests().map((entry) => entry.body as Record<string, unknown>);

describe("an openai: model through OPENAI_BASE_URL", () => {
  it("streams the text in pieces, with usage and finish reason", async () => {
    server.on(
      { userMessage: "hello" },
      { content: "Good morning to you all", usage: { prompt_tokens: 21, completion_tokens: 6 } },
      { chunkSize: 5 },
    );
    const chunks = await chunksOf(await model());
    const texts = chunks.flatMap((chunk) => (chunk.type === "text" ? [chunk.text] : []));
    expect(texts.join("")).toBe("Good morning to you all");
    expect(texts.length).toBeGreaterThan(2);
    expect(chunks.filter((chunk) => chunk.type === "usage")).toEqual([
      { type: "usage", inputTokens: 21, outputTokens: 6 },
    ]);
    expect(chunks.filter((chunk) => chunk.type === "finish")).toEqual([
      { type: "finish", reason: "stop", model: "gpt-4.1-mini" },
    ]);
    expect(sent()).toMatchObject([
      { model: "gpt-4.1-mini", stream: true, stream_options: { include_usage: true } },
    ]);
  });

  it("streams tool calls and sends their results back", async () => {
    const calls = [
      { id: "call_a", name: "weather", arguments: '{"city":"Oslo"}' },
      { id: "call_b", name: "weather", arguments: '{"city":"Rome"}' },
    ];
    server.on({ userMessage: "hello", hasToolResult: false }, { toolCalls: calls }, { chunkSize: 4 });
    server.on({ userMessage: "hello", hasToolResult: true }, { content: "Rain, then sun." });
    const reply = await replyTo({ tools: [weather], parallelToolCalls: false });
    expect(reply.toolCalls).toEqual([
      { id: "call_a", name: "weather", args: '{"city":"Oslo"}' },
      { id: "call_b", name: "weather", args: '{"city":"Rome"}' },
    ]);
    expect(reply.finishReason).toBe("tool_calls");
    const second = await replyTo({
      tools: [weather],
      messages: [
        ...request().messages,
        { role: "assistant", content: "", toolCalls: reply.toolCalls },
        { role: "tool", toolCallId: "call_a", name: "weather", content: "rain" },
        { role: "tool", toolCallId: "call_b", name: "weather", content: "sun" },
      ],
    });
    expect(second.text).toBe("Rain, then sun.");
    const [first, after] = sent();
    expect(first).toMatchObject({
      parallel_tool_calls: false,
      tools: [{ type: "function", function: weather }],
    });
    expect(after).not.toHaveProperty("parallel_tool_calls");
    expect(after?.messages).toMatchObject([
      { role: "system", content: "Be brief." },
      { role: "user", content: "hello" },
      {
        role: "assistant",
        tool_calls: [{ id: "call_a", function: { name: "weather", arguments: '{"city":"Oslo"}' } }, {}],
      },
      { role: "tool", tool_call_id: "call_a", content: "rain" },
      { role: "tool", tool_call_id: "call_b", content: "sun" },
    ]);
  });

  it("leaves parallel_tool_calls out where there are no tools, which OpenAI refuses", async () => {
    server.on({ userMessage: "hello" }, { content: "hi" });
    await replyTo({ parallelToolCalls: false });
    expect(sent()[0]).not.toHaveProperty("parallel_tool_calls");
  });

  it("asks for structured output by response format, strict in the dialect that strict mode knows", async () => {
    server.on({ userMessage: "hello" }, { content: '{"label":"mixed"}' });
    const strict = {
      type: "object",
      properties: { label: { type: "string" } },
      required: ["label"],
      additionalProperties: false,
    };
    const loose = {
      type: "object",
      properties: { label: { type: "string" }, why: { type: "string" } },
      required: ["label"],
    };
    expect((await replyTo({ schema: strict })).text).toBe('{"label":"mixed"}');
    await replyTo({ schema: loose });
    expect(sent()).toMatchObject([
      { response_format: { type: "json_schema", json_schema: { schema: strict, strict: true } } },
      {
        response_format: {
          type: "json_schema",
          json_schema: {
            strict: true,
            schema: {
              properties: { label: { type: "string" }, why: { type: ["string", "null"] } },
              required: ["label", "why"],
              additionalProperties: false,
            },
          },
        },
      },
    ]);
  });

  it("sends temperature and maxTokens of one request with that request alone", async () => {
    server.on({ userMessage: "hello" }, { content: "hi" });
    const shared = await model();
    await chunksOf(shared, { modelOptions: { temperature: 0.2, maxTokens: 9 } });
    await chunksOf(shared);
    expect(sent()[0]).toMatchObject({ temperature: 0.2, max_tokens: 9 });
    expect(sent()[1]).not.toHaveProperty("temperature");
    expect(sent()[1]).not.toHaveProperty("max_tokens");
  });

  it.each([true, false])("sends tools as they are beside a schema, streamed: %s", async (stream) => {
    const loose: ToolSpec = {
      name: "note",
      description: "Takes notes.",
      parameters: { type: "object", properties: { notes: { type: "object", additionalProperties: {} } } },
    };
    const schema = {
      type: "object",
      properties: { label: { type: "string" } },
      required: ["label"],
      additionalProperties: false,
    };
    server.on({ userMessage: "hello" }, { content: '{"label":"x"}' });
    const reply = await replyTo({ tools: [weather, loose], schema, stream });
    expect(reply.text).toBe('{"label":"x"}');
    const [body] = sent();
    expect(body).toMatchObject({ response_format: { type: "json_schema", json_schema: { strict: true } } });
    const tools = body?.tools as { function: object }[];
    expect(tools.map((tool) => tool.function)).toEqual([weather, loose]);
  });

  it.each([
    [401, "MODEL_UNAUTHORIZED"],
    [404, "MODEL_NOT_FOUND"],
    [429, "MODEL_RATE_LIMITED"],
    [500, "MODEL_SERVER_ERROR"],
  ])("fails a %s with %s after one request", async (status, code) => {
    server.on({ userMessage: "hello" }, { error: { message: "no" }, status });
    const { error } = await failureOf(await model());
    expect(error.code).toBe(code);
    expect(server.getRequests()).toHaveLength(1);
  });
});

describe("a user's own ChatOpenAI", () => {
  it("is not changed by calls, and keeps its own retries for its owner", async () => {
    const instance = new ChatOpenAI({
      model: "gpt-4o-mini",
      apiKey: "mine",
      temperature: 0.7,
      maxRetries: 2,
      configuration: { baseURL: `${server.url}/v1` },
    });
    server.on({ userMessage: "hello" }, { error: { message: "no" }, status: 500 });
    const { error } = await failureOf(langchainModel(instance), {
      modelOptions: { temperature: 0, maxTokens: 5 },
    });
    expect(error.code).toBe("MODEL_SERVER_ERROR");
    expect(sent()).toMatchObject([{ temperature: 0, max_tokens: 5 }]);
    expect(instance.temperature).toBe(0.7);
    expect(instance.maxTokens).toBeUndefined();
    expect(instance).toHaveProperty("caller.maxRetries", 2);
    expect(instance).toHaveProperty("completions.caller.maxRetries", 2);
  });

  it("keeps what its class writes into itself, and reads what its owner changes between calls", async () => {
    class Counting extends ChatOpenAI {
      asked = 0;
      override async _generate(...given: Parameters<ChatOpenAI["_generate"]>) {
        this.asked++;
        Object.assign(this, { last: String(given[0].at(-1)?.content), 7: "seven" });
        const reply = await super._generate(...given);
        Object.assign(this.completions, { done: this.asked });
        return reply;
      }
    }
    const configuration = { baseURL: `${server.url}/v1` };
    const instance = new Counting({
      model: "gpt-4o-mini",
      apiKey: "k",
      temperature: 0.5,
      maxRetries: 2,
      configuration,
    });
    server.on({ userMessage: "hello" }, { content: "hi" });
    const shared = langchainModel(instance);
    await Promise.all([1, 2].map(() => chunksOf(shared, { stream: false })));
    expect(instance).toMatchObject({ asked: 2, last: "hello", 7: "seven", completions: { done: 2 } });
    expect(instance).toMatchObject({ caller: { maxRetries: 2 }, completions: { caller: { maxRetries: 2 } } });
    expect(instance).not.toHaveProperty("completions.clientConfig.fetch");

    Object.assign(instance, { temperature: 0.1, asked: 10 });
    Object.assign((instance as unknown as { completions: object }).completions, { temperature: 0.1 });
    await chunksOf(langchainModel(instance), { stream: false });
    expect(instance.asked).toBe(11);
    expect(sent().map(({ temperature }) => temperature)).toEqual([0.5, 0.5, 0.1]);
  });

  it("works with streaming switched off", async () => {
    const configuration = { baseURL: `${server.url}/v1` };
    const instance = new ChatOpenAI({ model: "gpt-4o-mini", apiKey: "k", streaming: false, configuration });
    server.on(
      { userMessage: "hello" },
      { content: "all at once", usage: { prompt_tokens: 4, completion_tokens: 3 } },
    );
    expect(await collectReply(langchainModel(instance).call(request()))).toEqual({
      model: "gpt-4o-mini",
      text: "all at once",
      thoughts: null,
      toolCalls: [],
      finishReason: "stop",
      usage: { inputTokens: 4, outputTokens: 3 },
    });
    expect(sent()[0]?.stream).not.toBe(true);
  });
});
