import { caught, errorCode, errorMessage } from "../errors.js";
import type { CallRecord, RunEvent, Waited, WorkKey } from "../records/events.js";
import { keepTexts } from "../records/kept-text.js";
import type { OutcomeError } from "../records/outcome.js";
import { loadPriceTable, type PricedUsage, type PriceTable } from "../records/price.js";
import {
  batchesOf,
  batchModel,
  type ChunkBatch,
  isContent,
  type ModelMiddleware,
  type ModelReply,
  type ModelRequest,
  replyFold,
} from "./port.js";
import { redact } from "./redact.js";
import { countedUsage, hasWholeUsage, loadTokenCounter, roughTokens } from "./usage.js";

/** Where the events of a call go. */
export interface CallRecorderOptions {
  /** Takes `call-started`, `call-delta` and `call-ended`. */
  readonly emit: (event: RunEvent) => void;
  /** Milliseconds since the run's start. */
  readonly nowMs: () => number;
  /** An id that no other call of the run has. */
  readonly nextId: () => string;
  /** Told of each whole reply, before it is counted. */
  readonly replied?: (request: ModelRequest, call: string, reply: ModelReply) => void;
  /** Loads the prices. @default the table that ships with this package */
  readonly prices?: () => Promise<PriceTable>;
  /** Whether prompts and replies are told of, without what looks like a key. @default false */
  readonly texts?: boolean;
  /** Stands around the request's stream, for whoever traces the run. */
  readonly around?: (call: string, reply: AsyncIterable<ChunkBatch>) => AsyncIterable<ChunkBatch>;
}

/**
 * Middleware that records each attempt as a call. It belongs inside retry, fallback, hedging and the limiter, so that
 * each attempt is a call and waiting for a slot is not the model's time, and around whatever simulates, replays or breaks
 * replies, so that those calls are recorded too.
 *
 * Tokens are the provider's, else counted and marked `estimated`; a call that failed before any token came has 0. A
 * call whose reader stopped early ends in the record as well, with the error `ABORTED` or the reason of its signal.
 */
export function recordCalls(options: CallRecorderOptions): ModelMiddleware {
  const keeper = keepTexts((hash, text) =>
    options.emit({ type: "text-kept", atMs: options.nowMs(), hash, text: redact(text) }),
  );
  const parts = (text: string) =>
    keeper.parts(text).map((part) => (typeof part === "string" ? redact(part) : part));
  return (model) =>
    batchModel(model.id, async function* (request) {
      const { emit, nowMs } = options;
      const call = options.nextId();
      const { node, item, invocation, attempt } = request;
      const key: WorkKey = { node, item, invocation };
      const startedAtMs = nowMs();
      const fold = replyFold();
      const prices = (options.prices ?? loadPriceTable)();
      let firstTokenMs: number | null = null;
      let error: OutcomeError | null = stoppedEarly;
      const messages = options.texts
        ? { messages: request.messages.map(({ role, content }) => ({ role, parts: parts(content) })) }
        : {};
      const waited = waitedOf(request);
      emit({
        type: "call-started",
        atMs: startedAtMs,
        call,
        attempt,
        model: model.id,
        ...key,
        ...waited,
        ...messages,
      });
      try {
        const sent = batchesOf(model, request);
        for await (const chunks of options.around?.(call, sent) ?? sent) {
          for (const chunk of chunks) {
            fold.add(chunk);
            if (!isContent(chunk)) continue;
            const atMs = nowMs();
            firstTokenMs ??= atMs - startedAtMs;
            emit({ type: "call-delta", atMs, call, text: chunk.type === "text" ? chunk.text : "", ...key });
          }
          yield chunks;
        }
        error = null;
      } catch (thrown) {
        // Whatever a middleware of the user's throws, what stands around this one can look at it.
        const seen = caught(thrown);
        error = { code: errorCode(seen), message: errorMessage(seen) };
        throw seen;
      } finally {
        const endedAtMs = nowMs();
        if (error === stoppedEarly && request.signal.aborted) error = reasonOf(request.signal);
        const reply = fold.reply();
        if (error === null) options.replied?.(request, call, reply);
        const tokens = await tokensOf(request, reply, error !== null);
        const record: CallRecord = {
          id: call,
          ...key,
          attempt,
          model: model.id,
          startedAtMs,
          firstTokenMs,
          durationMs: endedAtMs - startedAtMs,
          ...tokens,
          ...(request.prefix !== undefined && {
            prefix: { key: request.prefix.key, tokens: request.prefix.tokens },
          }),
          ...waited,
          costUsd: costOf(await prices, model.id, tokens),
          ...(reply.thoughts !== null && reply.thoughts.text !== "" && { thoughts: reply.thoughts.text }),
          toolCalls: reply.toolCalls.map(({ id, name, args }) => ({ id, name, args: parsed(args) })),
          finishReason: reply.finishReason,
          ...(reply.model !== undefined && { responseModel: reply.model }),
          hedged: request.hedged === true,
          error,
          ...(options.texts && reply.text !== "" && { reply: parts(reply.text) }),
        };
        emit({ type: "call-ended", atMs: nowMs(), call: record });
      }
    });
}

/** Its waits, to the microsecond. */
function waitedOf({ waited }: ModelRequest): { readonly waited?: Waited } {
  if (waited === undefined) return {};
  const rounded = Object.entries(waited).map(([name, ms]) => [name, Math.round(ms * 1000) / 1000]);
  return { waited: Object.fromEntries(rounded) };
}

const stoppedEarly: OutcomeError = {
  code: "ABORTED",
  message: "The reply was no longer wanted: its reader stopped before the end.",
};

function reasonOf(signal: AbortSignal): OutcomeError {
  const code = errorCode(signal.reason);
  return { code: code === "ERROR" ? "ABORTED" : code, message: errorMessage(signal.reason) };
}

/** The provider's count, or ours; a rough one for a failed call, which must not keep an ending run waiting. */
async function tokensOf(request: ModelRequest, reply: ModelReply, failed: boolean) {
  const nothing = reply.text === "" && reply.toolCalls.length === 0 && reply.thoughts === null;
  if (failed && reply.usage === null && nothing) return noTokens;
  if (hasWholeUsage(reply)) return countedUsage(request, reply, roughTokens);
  return countedUsage(request, reply, failed ? roughTokens : await loadTokenCounter());
}

const noTokens = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  estimated: false,
};

const costOf = (prices: PriceTable, model: string, tokens: PricedUsage) =>
  tokens.inputTokens + tokens.outputTokens === 0 ? 0 : prices(model, tokens);

/** Arguments as JSON, or the raw text where they are none. */
function parsed(args: string): unknown {
  try {
    return JSON.parse(args);
  } catch {
    return args;
  }
}
