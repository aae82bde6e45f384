import { describe, expect, it } from "@jest/globals";
import { usageOf } from "../../src/models/chat-completion.js";
import { readChunks } from "../../src/models/langchain-chunks.js";
import { estimateRequest, estimateTokens, roughTokens } from "../../src/models/usage.js";
import { loadPriceTable } from "../../src/records/price.js";
import { cpuMs } from "../support/cpu-ms.js";
import { request } from "./requests.js";

describe("estimateTokens", () => {
  it("counts as OpenAI's o200k_base does", async () => {
    expect(await estimateTokens("hello world")).toBe(2);
    expect(await estimateTokens("")).toBe(0);
  });

  it("takes special tokens in a text for plain text", async () => {
    expect(await estimateTokens("<|endoftext|>")).toBeGreaterThan(1);
  });

  it("counts a long run without a word boundary in time that grows with its length, not with its square", async () => {
    await estimateTokens("warm");
    const timeMs = (length: number) => cpuMs(() => estimateTokens("漢字".repeat(length)), 1);
    await timeMs(2_000);
    const [small, large] = [await timeMs(4_000), await timeMs(40_000)];
    expect(large / Math.max(small, 1)).toBeLessThan(40);
  });

  it("cuts long runs at a cost of under 2 percent", async () => {
    const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
    const text = "abcdefghij0123456789".repeat(100);
    expect(Math.abs((await estimateTokens(text)) / countTokens(text) - 1)).toBeLessThan(0.02);
  });
});

describe("estimateRequest", () => {
  it("adds three tokens a message and three before the reply", async () => {
    const messages = [{ role: "user" as const, content: "hello world" }];
    expect(await estimateRequest(request({ messages }))).toBe(3 + 3 + 1 + 2);
  });

  it("counts tools, schema and tool calls", async () => {
    const plain = await estimateRequest(request());
    const parameters = { type: "object", properties: { city: { type: "string" } } };
    const tools = [{ name: "weather", description: "Weather of a city.", parameters }];
    expect(await estimateRequest(request({ tools }))).toBeGreaterThan(plain + 10);
    expect(await estimateRequest(request({ schema: parameters }))).toBeGreaterThan(plain + 5);
    const call = { id: "a", name: "weather", args: '{"city":"Oslo"}' };
    const messages = [...request().messages, { role: "assistant" as const, content: "", toolCalls: [call] }];
    expect(await estimateRequest(request({ messages }))).toBeGreaterThan(plain + 8);
  });

  it("is four characters a token where it may not wait", () => {
    expect(roughTokens("123456789")).toBe(3);
  });
});

describe("prices", () => {
  it.each([
    // Published: $0.40 for a million input tokens, $1.60 for a million output tokens.
    ["openai:gpt-4.1-mini", (1000 * 0.4 + 100 * 1.6) / 1e6],
    ["azure_openai:gpt-4.1-mini", (1000 * 0.4 + 100 * 1.6) / 1e6],
    // Published: $3 and $15.
    ["anthropic:claude-sonnet-4-5", (1000 * 3 + 100 * 15) / 1e6],
    ["offline", 0],
  ])("of %s are those of its provider", async (model, expected) => {
    expect((await loadPriceTable())(model, { inputTokens: 1000, outputTokens: 100 })).toBeCloseTo(
      expected,
      10,
    );
  });

  it.each(["openai:my-own-model", "ollama:gpt-4.1-mini", "nobody:gpt-4.1-mini", "odd"])(
    "of %s are unknown: null",
    async (model) => {
      expect((await loadPriceTable())(model, { inputTokens: 1000, outputTokens: 100 })).toBeNull();
    },
  );
});

describe("tokens as servers count them", () => {
  const cached = { cachedInputTokens: 900, cacheWriteTokens: 50 };
  it.each<[string, object, object | null]>([
    [
      "thoughts beside the answer, told",
      {
        prompt_tokens: 100,
        completion_tokens: 10,
        total_tokens: 150,
        completion_tokens_details: { reasoning_tokens: 40 },
      },
      { inputTokens: 100, outputTokens: 50, reasoningTokens: 40 },
    ],
    [
      "thoughts beside the answer, in the total alone",
      { prompt_tokens: 100, completion_tokens: 10, total_tokens: 150 },
      { inputTokens: 100, outputTokens: 50, reasoningTokens: 40 },
    ],
    [
      "thoughts within the answer",
      {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        completion_tokens_details: { reasoning_tokens: 40 },
      },
      { inputTokens: 100, outputTokens: 50, reasoningTokens: 40 },
    ],
    [
      "thoughts without details",
      { prompt_tokens: 100, completion_tokens: 10, reasoning_tokens: 4 },
      { inputTokens: 100, outputTokens: 10, reasoningTokens: 4 },
    ],
    [
      "a total of an answer alone",
      { completion_tokens: 10, total_tokens: 110 },
      { inputTokens: 0, outputTokens: 10 },
    ],
    [
      "a cache beside the input",
      { input_tokens: 50, output_tokens: 10, cache_read_input_tokens: 900, cache_creation_input_tokens: 50 },
      { inputTokens: 1000, outputTokens: 10, ...cached },
    ],
    [
      "a small cache beside a large input, which the total tells",
      {
        prompt_tokens: 1000,
        completion_tokens: 10,
        total_tokens: 1110,
        cache_read_input_tokens: 60,
        cache_creation_input_tokens: 40,
      },
      { inputTokens: 1100, outputTokens: 10, cachedInputTokens: 60, cacheWriteTokens: 40 },
    ],
    [
      "a cache within the input",
      {
        prompt_tokens: 1000,
        completion_tokens: 10,
        cache_read_input_tokens: 900,
        cache_creation_input_tokens: 50,
      },
      { inputTokens: 1000, outputTokens: 10, ...cached },
    ],
    ["nothing", { prompt_tokens: null, completion_tokens: -1, total_tokens: 7 }, null],
  ])("%s", (_, told, expected) => {
    expect(usageOf(told)).toEqual(expected);
  });

  it("are not added up where a package tells the cache with every piece", () => {
    const reader = readChunks(null);
    const piece = (input_tokens: number, output_tokens: number) => ({
      content: "x",
      usage_metadata: {
        input_tokens,
        output_tokens,
        total_tokens: input_tokens + output_tokens,
        input_token_details: { cache_read: 40 },
      },
    });
    reader.read(piece(100, 3));
    reader.read(piece(0, 7));
    expect(reader.end()).toEqual([
      { type: "usage", inputTokens: 100, outputTokens: 10, cachedInputTokens: 40 },
    ]);
  });
});
