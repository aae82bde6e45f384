import { expect, it } from "@jest/globals";
import { priceTable } from "../../src/records/price.js";

type CalcPrice = NonNullable<Parameters<typeof priceTable>[0]>;

/** A table that knows one model, at a flat price unless told otherwise, and writes down what it is asked. */
function table(known: string, model_price: unknown = { input_mtok: 1, output_mtok: 2 }) {
  const asked: string[] = [];
  const calc = (_tokens: unknown, name: string, { providerId }: { providerId: string }) => {
    asked.push(`${providerId}:${name}`);
    if (providerId === "broken") throw new Error("no such provider");
    return `${providerId}:${name}` === known ? { total_price: 7, model_price } : null;
  };
  return { asked, price: priceTable(calc as unknown as CalcPrice) };
}
const usage = { inputTokens: 1e6, outputTokens: 1e6 };

it.each([
  ["openai:m", "openai:m"],
  ["azure_openai:m", "azure:m"],
  ["google-genai:m", "google:m"],
  ["google-vertexai:m", "google:m"],
  ["mistralai:m", "mistral:m"],
  ["bedrock:m", "aws:m"],
  ["unlisted:m", "unlisted:m"],
  ["gateway:openai/m", "openai:m"],
  ["gateway:azure/m", "azure:m"],
  ["gateway:anthropic/m", "anthropic:m"],
  ["gateway:google/m", "google:m"],
  ["gateway:gemini/m", "google:m"],
  ["gateway:vertex_ai/m", "google:m"],
  ["gateway:mistralai/m", "mistral:m"],
  ["gateway:mistral/m", "mistral:m"],
  ["gateway:deepseek/m", "deepseek:m"],
  ["gateway:groq/m", "groq:m"],
  ["gateway:cohere/m", "cohere:m"],
  ["gateway:x-ai/m", "x-ai:m"],
  ["gateway:xai/m", "x-ai:m"],
  ["openai:m:free", "openai:m"],
  ["openai:m@2026-01.b", "openai:m"],
])("%s has the price of %s", (model, known) => {
  const { price } = table(known);
  expect(price(model, usage)).not.toBeNull();
});

it("a provider that the table does not know, or a table that is not there, has no price", () => {
  expect(table("openai:m").price("broken:m", usage)).toBeNull();
  expect(priceTable(null)("openai:m", usage)).toBeNull();
});

it("a flat price is asked for once and counted by the tokens", () => {
  const { asked, price } = table("openai:m");
  expect(price("openai:m", usage)).not.toBeNull();
  const { length } = asked;
  expect(price("openai:m", { inputTokens: 2e6, outputTokens: 3e6 })).toBe(8);
  expect(price("openai:m", { inputTokens: 1e6, outputTokens: 0 })).toBe(1);
  expect(asked).toHaveLength(length);
});

it.each([{ cachedInputTokens: 5 }, { cacheWriteTokens: 5 }])(
  "tokens of the cache are the table's matter: %j",
  (cache) => {
    const { price } = table("openai:m");
    price("openai:m", usage);
    expect(price("openai:m", { ...usage, ...cache })).toBe(7);
  },
);

it.each<[string, unknown]>([
  ["a price with steps for input", { input_mtok: { base: 1 }, output_mtok: 2 }],
  ["a price with steps for output", { input_mtok: 1, output_mtok: { base: 2 } }],
  ["no price by kind", null],
])("%s is the table's matter every time", (_, model_price) => {
  const { price } = table("openai:m", model_price);
  expect([price("openai:m", usage), price("openai:m", { inputTokens: 9, outputTokens: 9 })]).toEqual([7, 7]);
});
