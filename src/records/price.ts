/** Tokens of one request. */
export interface PricedUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** US dollars for `usage` of the model `provider:name`, or `null` when its price is unknown. */
export type PriceTable = (modelId: string, usage: PricedUsage) => number | null;

/**
 * Reads the price table that ships with `@pydantic/genai-prices` (it never goes to the network; what is cached or
 * discounted is not known, so list prices are used). The `offline` model and scripted ones cost 0.
 */
export async function loadPriceTable(): Promise<PriceTable> {
  const { calcPrice } = await import("@pydantic/genai-prices");
  return (modelId, { inputTokens, outputTokens }) => {
    const [provider = "", ...rest] = modelId.split(":");
    if (provider === "offline" || provider === "scripted") return 0;
    const usage = { input_tokens: inputTokens, output_tokens: outputTokens };
    const providerId = provider === "azure_openai" ? "azure" : provider;
    return calcPrice(usage, rest.join(":"), { providerId })?.total_price ?? null;
  };
}

/** The price of one request; see {@link loadPriceTable}. */
export async function costUsd(modelId: string, usage: PricedUsage): Promise<number | null> {
  return (await loadPriceTable())(modelId, usage);
}
