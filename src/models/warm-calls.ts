import type { PrefixWarmth } from "../limits/prefix-warmth.js";
import type { PriceTable } from "../records/price.js";
import { untilAborted } from "./abortable.js";
import type { LimitedModel } from "./limit-calls.js";
import { isContent, type ModelRequest } from "./port.js";
import { cachedTokens, prefixCacheOf, savesEnough } from "./prefix-cache.js";
import { requestTokens, roughTokens } from "./usage.js";

/** Output tokens of an answer whose length nobody states. */
const guessedOutputTokens = 512;

/** What a warm start needs. */
export interface WarmOptions {
  readonly warmth: PrefixWarmth;
  readonly prices: () => Promise<PriceTable>;
}

/**
 * Of requests that begin alike, one goes ahead and the others follow at its first token, when the provider's cache has the
 * beginning. Only where a request is at least a fifth cheaper for it, by the price table, does it wait; a beginning that is too
 * short for the cache, or a model whose price is unknown, never makes one wait. Where the one ahead fails before its first
 * token, the next goes ahead.
 */
export function warmCalls(model: LimitedModel, { warmth, prices }: WarmOptions): LimitedModel {
  return {
    id: model.id,
    async *call(request, onSent) {
      const { prefix } = request;
      if (
        prefix === undefined ||
        request.hedged === true ||
        !isWorthwhile(model.id, request, await prices())
      ) {
        yield* model.call(request, onSent);
        return;
      }
      const sinceMs = performance.now();
      let claim = warmth.claim(prefix.key);
      const waits = claim !== "warm" && "whenOver" in claim;
      while (claim !== "warm" && "whenOver" in claim) {
        const { whenOver } = claim;
        await untilAborted(new Promise<void>(whenOver), request.signal);
        claim = warmth.claim(prefix.key);
      }
      const warmMs = performance.now() - sinceMs;
      const sent = waits ? { ...request, waited: { ...request.waited, warmMs } } : request;
      if (claim === "warm") {
        yield* model.call(sent, onSent);
        return;
      }
      const lead = claim;
      let first = true;
      try {
        // The others wait for the first token, so that the reply has to be streamed.
        for await (const chunk of model.call({ ...sent, stream: true }, onSent)) {
          if (first && isContent(chunk)) {
            first = false;
            lead.warmed();
          }
          yield chunk;
        }
      } finally {
        lead.ended();
      }
    },
  };
}

/** Whether a request that finds its beginning in the cache is cheaper by enough. */
export function isWorthwhile(
  modelId: string,
  request: Pick<ModelRequest, "prefix" | "messages" | "tools" | "schema" | "modelOptions">,
  prices: PriceTable,
): boolean {
  const cached = cachedTokens(prefixCacheOf(modelId), request.prefix?.tokens ?? 0);
  if (cached === 0) return false;
  const inputTokens = Math.max(cached, requestTokens(request, roughTokens));
  const outputTokens = request.modelOptions.maxTokens ?? guessedOutputTokens;
  return savesEnough(modelId, { inputTokens, outputTokens }, cached, prices);
}
