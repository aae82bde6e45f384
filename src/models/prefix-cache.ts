import type { PriceTable } from "../records/price.js";

/** How a provider caches the beginnings of requests. */
export interface PrefixCache {
  /** Shorter beginnings are not cached, in tokens. */
  readonly minTokens: number;
  /** What is cached is a multiple of this, in tokens. */
  readonly stepTokens: number;
  /** Whether the provider caches by itself, or what a request marks. */
  readonly by: "itself" | "marks";
}

/** Shortest beginning for whose sake data comes first, in tokens. */
export const shareableTokens = 1024;

const automatic = (minTokens: number, stepTokens: number): PrefixCache => ({
  minTokens,
  stepTokens,
  by: "itself",
});

/**
 * How the provider of a model caches, `null` where it does not or nothing is known of it. From the providers' documents:
 * OpenAI "Prompt caching" (1,024 tokens, then steps of 128; gpt-4o and newer), Anthropic "Prompt caching" (by mark; 1,024
 * to 4,096 tokens by model), Gemini "Context caching" (implicit, from 2.5 on), DeepSeek "Context caching" (units of 64),
 * xAI and Groq (by themselves).
 * @param modelId `provider:name`.
 */
export function prefixCacheOf(modelId: string): PrefixCache | null {
  const colon = modelId.indexOf(":");
  const [provider, name] = [modelId.slice(0, Math.max(0, colon)), modelId.slice(colon + 1).toLowerCase()];
  switch (provider) {
    case "openai":
    case "azure_openai":
      return /^gpt-(3\.5|4$|4-)/.test(name) ? null : automatic(1024, 128);
    case "anthropic":
      return {
        minTokens: /haiku-4|opus-4-[5-9]/.test(name) ? 4096 : /haiku/.test(name) ? 2048 : 1024,
        stepTokens: 1,
        by: "marks",
      };
    case "google":
    case "google-genai":
    case "google-vertexai":
      return /gemini-(1|2\.0)/.test(name) ? null : automatic(/pro/.test(name) ? 4096 : 1024, 1);
    case "deepseek":
      return automatic(64, 64);
    case "xai":
    case "groq":
      return automatic(1024, 128);
    default:
      return null;
  }
}

/** How many tokens of a beginning a cache that has it serves. */
export function cachedTokens(cache: PrefixCache | null, tokens: number): number {
  if (cache === null || tokens < cache.minTokens) return 0;
  return tokens - (tokens % cache.stepTokens);
}

/** Least share of a request's price that its wait has to save. */
const worthwhileShare = 0.2;

/** Whether what the cache serves of a request saves enough of its price to wait for. */
export function savesEnough(
  modelId: string,
  usage: { readonly inputTokens: number; readonly outputTokens: number },
  cachedInputTokens: number,
  prices: PriceTable,
): boolean {
  const whole = prices(modelId, usage);
  const cheaper = prices(modelId, { ...usage, cachedInputTokens });
  return whole !== null && cheaper !== null && whole - cheaper >= worthwhileShare * whole && whole > 0;
}
