import { DagError, errorCode } from "../errors.js";
import { type Budget, budgetSpentCode, type Reservation } from "../limits/budget.js";
import type { Estimate, Lease, Limiter } from "../limits/limiter.js";
import type { RateLimit } from "../limits/rate-limit.js";
import { retryAfterMsOf } from "../limits/retryable.js";
import type { PricedUsage, PriceTable } from "../records/price.js";
import { followSignal } from "./abortable.js";
import type { Model, ModelChunk, ModelReply, ModelRequest } from "./port.js";
import { batchesOf, batchModel, isContent, replyFold } from "./port.js";
import { countedUsage, requestTokens, roughTokens, type TokenCounter } from "./usage.js";

/** What a run's requests have to pass. */
export interface CallLimits {
  readonly limiter: Limiter;
  /** `null` when the run has none. */
  readonly budget: Budget | null;
  /** Loads the prices; asked for only when there is a budget. */
  readonly prices: () => Promise<PriceTable>;
  /** Milliseconds until the run's deadline; `Infinity` without one. */
  readonly remainingMs: () => number;
  /** Where the model's requests stand among those that wait. @default behind everything that says more */
  readonly place?: Pick<Estimate, "sharer" | "order" | "priority">;
}

/** A model that says when a request stops waiting and is sent. */
export interface LimitedModel extends Model {
  call(request: ModelRequest, onSent?: () => void): AsyncIterable<ModelChunk>;
}

/** Output tokens that are set aside for an answer whose length is not bounded by `modelOptions.maxTokens`. */
export const guessedOutputTokens = 1024;

/**
 * Makes each request wait for its part of the budget, then for the limiter, and enters afterwards what it really used.
 * Where the budget has less left than the answer may need, the request's `maxTokens` is lowered to that; an answer
 * that outgrows the budget all the same is ended there and keeps what came, with the finish reason `length`.
 */
export function limitCalls(model: Model, limits: CallLimits): LimitedModel {
  return batchModel(model.id, async function* (request, onSent) {
    const reservation = await reserve(model.id, request, limits);
    let lease: Lease;
    try {
      lease = await limits.limiter.acquire(estimateOf(model.id, request, limits), request.signal);
    } catch (error) {
      reservation?.release();
      throw error;
    }
    onSent?.();
    const fold = replyFold();
    const following = reservation === null ? null : followSignal(request.signal);
    let failure: unknown;
    let written = 0;
    try {
      const limited = withinReservation(waitedFor(request, lease.waitedMs), reservation);
      const sent = following === null ? limited : { ...limited, signal: following.signal };
      for await (const chunks of batchesOf(model, sent)) {
        for (const [index, chunk] of chunks.entries()) {
          if (chunk.type === "rate-limit") lease.observe(chunk.limits);
          fold.add(chunk);
          if (reservation === null || !isContent(chunk)) continue;
          written += cautiousTokens(chunk.type === "text" ? chunk.text : chunk.args);
          if (reservation.grow(written)) continue;
          following?.abort(outgrown());
          yield [...chunks.slice(0, index + 1), { type: "finish", reason: "length" }];
          return;
        }
        yield chunks;
      }
    } catch (error) {
      failure = error;
      const said = error instanceof DagError ? error.facts.rateLimit : undefined;
      if (said !== undefined) lease.observe(said as RateLimit);
      if (errorCode(error) === "MODEL_RATE_LIMITED") lease.refused(retryAfterMsOf(error));
      throw error;
    } finally {
      following?.close(true);
      const used = usageOf(request, fold.reply());
      reservation?.settle(used);
      // A provider counts a request that it refused, so that what was set aside for it stays counted.
      lease.settle(hasStatus(failure) ? estimatedUsage(request, roughTokens) : used);
    }
  });
}

/** Why a call ended that the record tells of. */
const outgrown = () =>
  new DagError(budgetSpentCode, "The answer outgrew what the budget had left, and was ended there.");

/** A wait that is shorter than this is the machine's own, in milliseconds. */
const shortestWaitMs = 1;

function waitedFor(request: ModelRequest, limitMs: number): ModelRequest {
  return limitMs < shortestWaitMs ? request : { ...request, waited: { ...request.waited, limitMs } };
}

async function reserve(
  model: string,
  request: ModelRequest,
  { budget, prices }: CallLimits,
): Promise<Reservation | null> {
  if (budget === null) return null;
  const price = await prices();
  return budget.reserve(
    { model, ...estimatedUsage(request, cautiousTokens), costUsd: (usage) => price(model, usage) },
    request.signal,
  );
}

function estimateOf(model: string, request: ModelRequest, { remainingMs, place }: CallLimits): Estimate {
  const { inputTokens, outputTokens } = estimatedUsage(request, roughTokens);
  return { ...place, model, tokens: inputTokens + outputTokens, patienceMs: remainingMs() };
}

function estimatedUsage(request: ModelRequest, count: TokenCounter) {
  return {
    inputTokens: requestTokens(request, count),
    outputTokens: request.modelOptions.maxTokens ?? guessedOutputTokens,
  };
}

/** Three bytes a token: more than tokenizers find in English and not less than in most other scripts. */
const cautiousTokens: TokenCounter = (text) => Math.ceil(Buffer.byteLength(text) / 3);

function withinReservation(request: ModelRequest, reservation: Reservation | null): ModelRequest {
  const { maxTokens = guessedOutputTokens } = request.modelOptions;
  if (reservation === null || reservation.outputTokens >= maxTokens) return request;
  return { ...request, modelOptions: { ...request.modelOptions, maxTokens: reservation.outputTokens } };
}

/** As the call recorder counts: the provider's numbers, else an estimate; 0 for a request that brought nothing. */
function usageOf(request: ModelRequest, reply: ModelReply): PricedUsage {
  const nothing = reply.text === "" && reply.toolCalls.length === 0 && reply.thoughts === null;
  if (reply.usage === null && nothing) return { inputTokens: 0, outputTokens: 0 };
  return countedUsage(request, reply, roughTokens);
}

function hasStatus(error: unknown): boolean {
  return error instanceof DagError && error.status !== undefined;
}
