import { readRateLimit } from "../limits/rate-limit.js";
import { completionReader } from "./chat-completion.js";
import { readChunks } from "./langchain-chunks.js";
import type { LangChainMessage } from "./langchain-messages.js";
import { abortError } from "./model-error.js";
import { type WireCall, wireFetch } from "./openai-wire.js";
import type { ChunkBatch, ModelChunk, ModelRequest, ThoughtCarry } from "./port.js";
import { watchedReply } from "./reply-watch.js";

type Fetch = typeof globalThis.fetch;

/** One request through a LangChain model that uses an OpenAI client. */
export interface OpenAiCall {
  /** Invokes the model with its client's `fetch` wrapped. */
  invoke(
    wrapFetch: (fetch: Fetch) => Fetch,
    messages: unknown[],
    options: Record<string, unknown>,
  ): Promise<unknown>;
  readonly messages: readonly LangChainMessage[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly stream: boolean;
  readonly streamUsage: boolean;
  readonly renameMaxTokens: boolean;
  readonly responseFormat: unknown;
  readonly request: Pick<ModelRequest, "messages">;
  readonly answerTool: string | null;
  readonly signal: AbortSignal;
}

/**
 * The chunks of one reply, read from the wire while LangChain makes the request: it knows the address, the key and the
 * form of every field, and its observers see the whole reply. Where LangChain does not use the wire that it is given,
 * its message is read instead.
 */
export function openAiChunks(call: OpenAiCall): {
  readonly chunks: AsyncIterable<ChunkBatch>;
  refusal(): string;
  ended(): boolean;
} {
  const reader = completionReader(call.answerTool);
  return { chunks: chunksOf(call, reader), refusal: () => reader.refusal, ended: () => false };
}

async function* chunksOf(
  call: OpenAiCall,
  reader: ReturnType<typeof completionReader>,
): AsyncGenerator<ChunkBatch> {
  const { signal } = call;
  let chunks: ModelChunk[] = [];
  let wake: () => void = () => {};
  let state = "open" as "open" | "whole" | "settled";
  let failure: { readonly error: unknown } | undefined;
  const wire: WireCall = {
    stream: call.stream,
    streamUsage: call.streamUsage,
    renameMaxTokens: call.renameMaxTokens,
    responseFormat: call.responseFormat,
    carries: carriesOf(call.request.messages),
    reader,
    push(chunk) {
      chunks.push(chunk);
      wake();
    },
    onWhole() {
      state = "whole";
      wake();
    },
    onFailure(error) {
      failure ??= { error };
    },
  };
  const onAbort = () => {
    failure = { error: abortError(signal) };
    state = "settled";
    wake();
  };
  if (signal.aborted) throw abortError(signal);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    let message: unknown;
    const settled = call
      .invoke((fetch) => wireFetch(fetch, wire), [...call.messages], { ...call.options, signal })
      .then(
        (result) => {
          message = result;
        },
        (error: unknown) => {
          // What LangChain makes of a reply that is whole does not matter: it has been read.
          if (state !== "whole") failure ??= { error };
        },
      )
      .then(() => {
        state = "settled";
        wake();
      });
    // Of a reply that is fetched whole nobody reads a part.
    const isReady = () => state === "settled" || (call.stream && chunks.length > 0);
    for (;;) {
      while (!isReady()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const isLast = state === "settled";
      const ready = chunks;
      chunks = [];
      if (isLast && failure === undefined)
        ready.push(...(readFromWire(reader) ? reader.end() : readMessage(message, call.answerTool)));
      yield ready;
      if (isLast) break;
    }
    if (failure !== undefined) throw failure.error;
    await settled;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

const readFromWire = ({ sawChoice, sawUsage }: ReturnType<typeof completionReader>) => sawChoice || sawUsage;

function readMessage(message: unknown, answerTool: string | null): ModelChunk[] {
  if (message === undefined) return [];
  const reader = readChunks(answerTool);
  return [...reader.read(message), ...reader.end()];
}

/** What has to go back of earlier thoughts, by the position among the assistant's messages. */
function carriesOf(messages: ModelRequest["messages"]): Map<number, ThoughtCarry> {
  const carries = new Map<number, ThoughtCarry>();
  let position = 0;
  for (const message of messages) {
    if (message.role !== "assistant") continue;
    if (message.carry?.fields !== undefined) carries.set(position, message.carry);
    position++;
  }
  return carries;
}

/**
 * A `fetch` that ends with its call, tells what each reply's headers say of the provider's limits, and fails where a reply
 * is an error in spite of its status. The headers of a refusal, which some packages drop, are told too.
 */
export function passingFetch(
  signal: AbortSignal,
  push: (chunk: ModelChunk) => void,
  onFailure: (error: unknown) => void,
  onRefusal: (headers: Headers) => void,
  reads: "any" | "lines" = "any",
): (fetch: Fetch) => Fetch {
  return (fetch) => async (input, init) => {
    const own = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    const both = own ? AbortSignal.any([own, signal]) : signal;
    const response = await fetch(input, { ...init, signal: both });
    const limits = readRateLimit((name) => response.headers.get(name));
    if (limits !== null) push({ type: "rate-limit", limits });
    if (!response.ok) onRefusal(response.headers);
    return watchedReply(response, reads, onFailure);
  };
}
