import type { RateLimit } from "../limits/rate-limit.js";
import type { JsonSchema, ModelOptions } from "../spec/shape.js";

/** A tool call that a model asked for. `args` is the raw JSON text, as the model wrote it. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly args: string;
}

/** A message in the neutral form of the port: JSON, the same for every provider. */
export type Message =
  | { readonly role: "system" | "user"; readonly content: string }
  | { readonly role: "assistant"; readonly content: string; readonly toolCalls?: readonly ToolCall[] }
  | { readonly role: "tool"; readonly content: string; readonly toolCallId: string; readonly name: string };

/** A tool that a model may call. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: JsonSchema;
}

/** One model request. Everything but `signal` is JSON. */
export interface ModelRequest {
  readonly messages: readonly Message[];
  /** Tools that the model may call. Empty: none. */
  readonly tools: readonly ToolSpec[];
  /** Whether the model may ask for several tools in one message. Left to the provider when not set. */
  readonly parallelToolCalls?: boolean;
  /** JSON Schema that the answer's text has to fit, as JSON; `null` for free text. */
  readonly schema: JsonSchema | null;
  readonly modelOptions: ModelOptions;
  /** Node that asks; nested nodes as `outer/inner`, planner and joiner as `$planner` and `$joiner`. */
  readonly node: string;
  /** Item index under `forEach`, else `null`. */
  readonly item: number | null;
  /** Which call of the node by a planner, from 0; `null` where no planner called. */
  readonly invocation: number | null;
  /** Which request of this node, item and invocation, from 0: tool rounds and repairs count up, retries do not. */
  readonly turn: number;
  /** From 1; retries of one request count up. */
  readonly attempt: number;
  /** `true` for the second request of a hedged pair. @default false */
  readonly hedged?: boolean;
  readonly signal: AbortSignal;
}

/** A piece of a streamed reply. */
export type ModelChunk =
  | { readonly type: "text"; readonly text: string }
  /** Pieces of one tool call share an `index`; `id` and `name` come with the first piece, `args` is appended. */
  | {
      readonly type: "tool-call";
      readonly index: number;
      readonly id?: string;
      readonly name?: string;
      readonly args: string;
    }
  | { readonly type: "usage"; readonly inputTokens: number; readonly outputTokens: number }
  | { readonly type: "finish"; readonly reason: string }
  /** What the provider's headers said about its limits; before any text, and only where the provider tells. */
  | { readonly type: "rate-limit"; readonly limits: RateLimit }
  /** What came before belongs to an attempt that failed on the way: forget it, the reply begins anew. */
  | { readonly type: "restart" };

/** Whether a chunk carries a part of the answer: its first one is the first token. */
export function isContent(
  chunk: ModelChunk,
): chunk is Extract<ModelChunk, { readonly type: "text" | "tool-call" }> {
  return chunk.type === "text" || chunk.type === "tool-call";
}

/** The one port for model requests. */
export interface Model {
  /** `provider:name`. */
  readonly id: string;
  /** Loads what the first call would otherwise wait for; optional. */
  prepare?(): Promise<void>;
  /** Sends one request and streams the reply. Throws a `DagError` whose `retryable` is declared. */
  call(request: ModelRequest): AsyncIterable<ModelChunk>;
}

/** Wraps a model. The first middleware of a list is the outermost. */
export type ModelMiddleware = (model: Model) => Model;

/** A whole reply. */
export interface ModelReply {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: string | null;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
}

/** A model wrapped by middleware, the first of the list outermost. */
export function wrapModel(model: Model, middleware: readonly ModelMiddleware[]): Model {
  return middleware.reduceRight((inner, wrap) => wrap(inner), model);
}

/** Collects a stream into a whole reply; `onChunk` sees each chunk as it arrives. */
export async function collectReply(
  stream: AsyncIterable<ModelChunk>,
  onChunk?: (chunk: ModelChunk) => void,
): Promise<ModelReply> {
  const fold = replyFold();
  for await (const chunk of stream) {
    fold.add(chunk);
    onChunk?.(chunk);
  }
  return fold.reply();
}

/** Folds chunks into a reply, step by step. */
export function replyFold(): { add(chunk: ModelChunk): void; reply(): ModelReply } {
  let text: string[] = [];
  const calls = new Map<number, { id: string; name: string; args: string }>();
  let finishReason: string | null = null;
  let usage: ModelReply["usage"] = null;
  return {
    add(chunk) {
      if (chunk.type === "text") text.push(chunk.text);
      else if (chunk.type === "finish") finishReason = chunk.reason;
      else if (chunk.type === "usage")
        usage = { inputTokens: chunk.inputTokens, outputTokens: chunk.outputTokens };
      else if (chunk.type === "restart") {
        text = [];
        calls.clear();
        finishReason = null;
        usage = null;
      } else if (chunk.type === "tool-call") {
        const call = calls.get(chunk.index) ?? { id: "", name: "", args: "" };
        calls.set(chunk.index, {
          id: call.id || (chunk.id ?? ""),
          name: call.name || (chunk.name ?? ""),
          args: call.args + chunk.args,
        });
      }
    },
    reply() {
      const toolCalls = [...calls.entries()].sort(([a], [b]) => a - b).map(([, call]) => call);
      return { text: text.join(""), toolCalls, finishReason, usage };
    },
  };
}
