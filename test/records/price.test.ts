import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { costUsd, loadPriceTable, type Prices } from "../../src/records/price.js";
import { loadPrices, validatePrices } from "../../src/records/price-rules.js";

const million = { inputTokens: 1e6, outputTokens: 1e6 };
const priceOf = async (
  model: string,
  prices: Prices = {},
  usage: Parameters<typeof costUsd>[1] = million,
) => {
  const cost = (await loadPriceTable(prices))(model, usage);
  return cost === null ? null : Math.round(cost * 1e6) / 1e6;
};

describe("a price of one's own", () => {
  it("goes before the table's, by the whole name and by the name alone", async () => {
    const price = { inputPerMillion: 1, outputPerMillion: 2 };
    expect(await priceOf("openai:gpt-4.1-mini", { "openai:gpt-4.1-mini": price })).toBe(3);
    expect(await priceOf("openai:gpt-4.1-mini", { "gpt-4.1-mini": price })).toBe(3);
    expect(await priceOf("offline", { offline: price })).toBe(3);
    expect(await priceOf("openai:gpt-4.1-mini", { "other:gpt-4.1-mini": price })).toBe(2);
  });

  it("is that of the input where the cache's is not stated", async () => {
    const usage = { inputTokens: 10e6, cachedInputTokens: 4e6, cacheWriteTokens: 1e6, outputTokens: 1e6 };
    const plain = { inputPerMillion: 1, outputPerMillion: 2 };
    expect(await priceOf("m", { m: plain }, usage)).toBe(12);
    expect(await priceOf("m", { m: { ...plain, cachedInputPerMillion: 0.1 } }, usage)).toBe(8.4);
    expect(await priceOf("m", { m: { ...plain, cacheWritePerMillion: 3 } }, usage)).toBe(14);
  });

  it("is of each kind of token by itself", async () => {
    const price = {
      inputPerMillion: 3,
      outputPerMillion: 5,
      cachedInputPerMillion: 0.3,
      cacheWritePerMillion: 4,
    };
    const usage = { inputTokens: 10e6, cachedInputTokens: 4e6, cacheWriteTokens: 1e6, outputTokens: 2e6 };
    expect(await priceOf("m", { m: price }, usage)).toBe(5 * 3 + 4 * 0.3 + 4 + 2 * 5);
  });

  it("does not count less than no fresh input", async () => {
    const price = { inputPerMillion: 1, outputPerMillion: 0, cachedInputPerMillion: 2 };
    expect(
      await priceOf("m", { m: price }, { inputTokens: 1e6, cachedInputTokens: 3e6, outputTokens: 0 }),
    ).toBe(6);
  });

  it("may be another model's, in up to five steps", async () => {
    const price = { inputPerMillion: 1, outputPerMillion: 2 };
    const names = ["x:a", "x:b", "x:c", "x:d", "x:e", "x:f"];
    const chain = Object.fromEntries(names.map((name, index) => [name, names[index + 1] ?? price] as const));
    expect(await priceOf("x:a", chain)).toBe(3);
    expect(await priceOf("x:start", { ...chain, "x:start": "x:a" })).toBeNull();
    expect(await priceOf("x:a", { "x:a": "x:b", "x:b": "x:a" })).toBeNull();
    expect(await priceOf("proxy:fast", { fast: "openai:gpt-4.1-mini" })).toBe(2);
  });

  it("is none that objects inherit", async () => {
    expect(await priceOf("toString")).toBeNull();
    expect(await priceOf("constructor:toString")).toBeNull();
  });
});

describe("the table's price", () => {
  it.each(["offline", "offline:x", "scripted:model", "scripted:any"])("of %s is 0", async (model) => {
    expect(await priceOf(model)).toBe(0);
  });

  it.each([
    ["openai:gpt-4.1-mini", 2],
    ["openai:openai/gpt-4.1-mini", 2],
    ["openai:anthropic/claude-sonnet-4-5", 28.5],
    ["openai:OpenRouter/Anthropic/claude-sonnet-4-5", 28.5],
    ["gateway:anthropic/claude-sonnet-4-5", 28.5],
    ["gateway:azure/gpt-4.1-mini", 2],
    ["azure_openai:gpt-4.1-mini", 2],
    ["anthropic:claude-sonnet-4-5:beta", 28.5],
    ["anthropic:claude-sonnet-4-5@2025.09", 28.5],
    ["google-genai:gemini-2.0-flash", 0.5],
    ["google-vertexai:gemini-2.0-flash", 0.5],
    ["gateway:gemini/gemini-2.0-flash", 0.5],
    ["gateway:google/gemini-2.0-flash", 0.5],
    ["gateway:vertex_ai/gemini-2.0-flash", 0.5],
    ["gateway:openai/gpt-4.1-mini:nitro", 2],
    ["gateway:openai/gpt-4.1-mini:free", 0],
    ["gateway:unknown/model-x:free", 0],
    ["gateway:openai/gpt-4.1-mini:online", null],
    ["google-genai:models/gemini-2.0-flash", 0.5],
    ["googlegenerativeai:gemini-2.0-flash", 0.5],
    ["gateway:bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0", 19.8],
    ["gateway:us.anthropic.claude-sonnet-4-5-20250929-v1:0", 19.8],
    ["gateway:unknown/gpt-4.1-mini", null],
    ["gpt-4.1-mini", 2],
    ["openai:no-such-model", null],
  ])("of %s for a million tokens each way is %s", async (model, expected) => {
    expect(await priceOf(model)).toBe(expected);
  });

  it.each([
    ["mistralai", "mistral-small-latest"],
    ["gateway:mistralai/", "mistral-small-latest"],
    ["gateway:mistral/", "mistral-small-latest"],
    ["gateway:deepseek/", "deepseek-chat"],
    ["gateway:groq/", "llama-3.3-70b-versatile"],
    ["gateway:cohere/", "command-r"],
    ["gateway:x-ai/", "grok-3"],
    ["gateway:xai/", "grok-3"],
    ["bedrock", "amazon.nova-lite-v1:0"],
  ])("of %s %s is known", async (gateway, name) => {
    const model = gateway.includes(":") ? `${gateway}${name}` : `${gateway}:${name}`;
    expect(await priceOf(model)).toBeGreaterThan(0);
  });

  it("counts what came from the cache and what went into it at their own prices", async () => {
    const model = "anthropic:claude-sonnet-4-5";
    const usage = { inputTokens: 100_000, outputTokens: 0 };
    expect(await priceOf(model, {}, usage)).toBe(0.3);
    expect(await priceOf(model, {}, { ...usage, cachedInputTokens: 100_000 })).toBe(0.03);
    expect(await priceOf(model, {}, { ...usage, cacheWriteTokens: 100_000 })).toBe(0.375);
  });

  it("is known for a usage whose parts are more than the whole, and after one", async () => {
    const wrong = { inputTokens: 100_000, outputTokens: 0, cachedInputTokens: 180_000, cacheWriteTokens: 5 };
    const all = { inputTokens: 100_000, outputTokens: 0, cachedInputTokens: 100_000 };
    for (const model of ["google:gemini-2.5-flash-lite", "google:gemini-2.5-flash"]) {
      expect(await priceOf(model, {}, wrong)).toBe(await priceOf(model, {}, all));
      expect(await priceOf(model)).toBeGreaterThan(0);
    }
  });

  it("of more from the cache and into it than came in is that of the input", async () => {
    const usage = { inputTokens: 1e6, outputTokens: 0 };
    const priced = (cachedInputTokens: number, cacheWriteTokens: number) =>
      priceOf("anthropic:claude-sonnet-4-5", {}, { ...usage, cachedInputTokens, cacheWriteTokens });
    // In the cache 0.3 dollars a million, into it 3.75.
    const [all, half] = [await priced(1e6, 0), await priced(0.5e6, 0.5e6)];
    expect([await priced(9e6, 5e6), await priced(0.5e6, 9e6)]).toEqual([all, half]);
    expect(half).not.toBe(all);
  });

  it("is the same the second time, for other usage", async () => {
    const table = await loadPriceTable();
    const model = "openai:gpt-4.1-mini";
    expect(table(model, { inputTokens: 1e6, outputTokens: 0 })).toBeCloseTo(0.4, 9);
    expect(table(model, { inputTokens: 0, outputTokens: 1e6 })).toBeCloseTo(1.6, 9);
    expect(table(model, { inputTokens: 1e6, cachedInputTokens: 1e6, outputTokens: 0 })).toBeCloseTo(0.1, 9);
    expect(table(model, { inputTokens: 1e6, outputTokens: 1e6 })).toBeCloseTo(2, 9);
    expect(table("openai:no-such-model", million)).toBeNull();
    expect(table("openai:no-such-model", million)).toBeNull();
  });

  it("that depends on how much is asked goes by each request", async () => {
    const table = await loadPriceTable();
    const small = table("google:gemini-2.5-pro", { inputTokens: 1000, outputTokens: 0 }) ?? 0;
    const large = table("google:gemini-2.5-pro", { inputTokens: 1_000_000, outputTokens: 0 }) ?? 0;
    expect(large / small).toBeCloseTo(2000, 5);
  });

  it("is told of one request at a time, too", async () => {
    expect(await costUsd("openai:gpt-4.1-mini", million)).toBeCloseTo(2, 9);
  });
});

describe("prices that are given", () => {
  const hint =
    'Write { "provider:name": { inputPerMillion, outputPerMillion } }, or the name of a model whose price it has.';
  const price = { inputPerMillion: 0, outputPerMillion: 2 };

  it.each([
    [undefined],
    [{}],
    [{ m: price }],
    [{ m: "openai:gpt-4.1-mini" }],
    [{ m: { ...price, cachedInputPerMillion: 0, cacheWritePerMillion: 1 } }],
  ])("can be used: %j", (prices) => {
    expect(validatePrices(prices, "prices")).toEqual([]);
  });

  it.each([
    [7, "prices", "It has to be an object, but is 7."],
    [[], "prices", "It has to be an object, but is an empty array."],
    [{ m: "gpt-4.1-mini" }, "prices.m", 'It is no price: "gpt-4.1-mini".'],
    [{ m: 7 }, "prices.m", "It is no price: 7."],
  ])("cannot: %j", (prices, path, message) => {
    expect(validatePrices(prices, "prices")).toEqual([{ code: "bad-value", path, message, hint }]);
  });

  it.each([
    ["inputPerMillion", undefined, "undefined"],
    ["outputPerMillion", undefined, "undefined"],
    ["inputPerMillion", -1, "-1"],
    ["outputPerMillion", "2", '"2"'],
    ["cachedInputPerMillion", Infinity, "Infinity"],
    ["cachedInputPerMillion", null, "null"],
    ["cacheWritePerMillion", Number.NaN, "NaN"],
  ])("have to be numbers: %s of %p", (key, value, shown) => {
    expect(validatePrices({ m: { ...price, [key]: value } }, "prices")).toEqual([
      {
        code: "bad-value",
        path: `prices.m.${key}`,
        message: `It has to be US dollars for a million tokens, but is ${shown}.`,
        hint: "Write a number that is not negative.",
      },
    ]);
  });

  it("may state nothing else", () => {
    const issues = validatePrices({ m: { ...price, inputPerMilion: 1 } }, "prices");
    expect(issues).toMatchObject([{ code: "unknown-option", path: "prices.m.inputPerMilion" }]);
    expect(issues[0]?.hint).toContain("inputPerMillion");
  });
});

describe("a file of prices", () => {
  const withFile = (text: string | null, use: (file: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), "prices-"));
    const file = join(folder, "prices.json");
    if (text !== null) writeFileSync(file, text);
    try {
      use(file);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it("is read", () => {
    const prices = { m: { inputPerMillion: 1, outputPerMillion: 2 } };
    withFile(JSON.stringify(prices), (file) => expect(loadPrices(file)).toEqual(prices));
  });

  it.each([["{"], [null]])("that holds %j cannot be", (text) => {
    withFile(text, (file) => {
      let thrown: unknown;
      try {
        loadPrices(file);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: "PRICES_UNREADABLE", facts: { file } });
      const { message } = thrown as Error;
      expect(message.startsWith(`The prices in "${file}" cannot be read: `)).toBe(true);
      expect(message.endsWith(". It has to be a JSON file of prices by model.")).toBe(true);
    });
  });

  it("that holds something else is told with each issue", () => {
    withFile('{"m":7}', (file) => {
      expect(() => loadPrices(file)).toThrow(`The file "${file}"`);
      expect(() => loadPrices(file)).toThrow(/prices\.m/);
    });
  });
});
