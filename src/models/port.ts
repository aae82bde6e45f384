import { DagError, unawaited } from "../errors.js";
import type { RateLimit } from "../limits/rate-limit.js";
import type { Waited } from "../records/events.js";
import type { ContentPart } from "../spec/messages.js";
import type { JsonSchema, ModelOptions } from "../spec/shape.js";
import { argumentsOnce } from "./tool-call-slots.js";

/** A tool call that a model asked for. `args` is the raw JSON text, as the model wrote it. */
export interface ToolCall {
  /** The provider's name of the call, which its answer has to give back. */
  readonly id: string;
  /** Name of the tool. */
  readonly name: string;
  /** JSON text of the arguments. */
  readonly args: string;
}

/** What a model thought before it spoke: kept apart from its answer, and given back where its provider asks for it. */
export interface Thoughts {
  /** The words, as far as the provider shows them. */
  readonly text: string;
  /** What has to go back with the message as it came: signed blocks, or fields beside the content. JSON. */
  readonly carry?: ThoughtCarry;
}

/** The provider's own form of thoughts, which only the same provider can read. */
export interface ThoughtCarry {
  /** Blocks that stood in the content, before its text. */
  readonly blocks?: readonly Readonly<Record<string, unknown>>[];
  /** Fields that stood beside the content, such as DeepSeek's `reasoning_content`. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/**
 * A message in the neutral form of the port: JSON, the same for every provider. `content` is all of its text, with a name in
 * brackets for each image and file; `parts` is there only where it holds such, and is then the whole message in its order.
 */
export type Message =
  | { readonly role: "system"; readonly content: string }
  | { readonly role: "user"; readonly content: string; readonly parts?: readonly ContentPart[] }
  | {
      readonly role: "assistant";
      readonly content: string;
      readonly toolCalls?: readonly ToolCall[];
      /** What the provider wants back of its thoughts. */
      readonly carry?: ThoughtCarry;
    }
  | {
      readonly role: "tool";
      readonly content: string;
      readonly parts?: readonly ContentPart[];
      readonly toolCallId: string;
      readonly name: string;
    };

/** A tool that a model may call. */
export interface ToolSpec {
  /** Name by which the model calls it. */
  readonly name: string;
  /** What it does, for the model. */
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: JsonSchema;
}

/** The beginning that a request has in common with others. */
export interface SharedPrefix {
  /** The same for all requests that begin with the same bytes, tools and schema included, and for no others. */
  readonly key: string;
  /** How much of the first user message belongs to it, in characters. */
  readonly chars: number;
  /** What a provider would count it as: tools, schema and the messages up to its end. */
  readonly tokens: number;
}

/** One model request. Everything but `signal` and `context` is JSON. */
export interface ModelRequest {
  /** The conversation so far, the system message first. */
  readonly messages: readonly Message[];
  /** Tools that the model may call. Empty: none. */
  readonly tools: readonly ToolSpec[];
  /** Whether the model may ask for several tools in one message. Left to the provider when not set. */
  readonly parallelToolCalls?: boolean;
  /** JSON Schema that the answer's text has to fit, as JSON; `null` for free text. */
  readonly schema: JsonSchema | null;
  /** Parameters that are passed on to the model. */
  readonly modelOptions: ModelOptions;
  /**
   * Whether anybody reads the reply while it comes. `false` lets the model fetch it whole, which costs less.
   * @default true
   */
  readonly stream?: boolean;
  /** The beginning that other requests of the run have too, where it is long enough for the provider's prefix cache. */
  readonly prefix?: SharedPrefix;
  /** How long it has waited before it was sent. */
  readonly waited?: Waited;
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
  /** Aborts the request. */
  readonly signal: AbortSignal;
  /** What the run was given as `context`, for middleware; never sent, never recorded. */
  readonly context?: unknown;
}

/** A piece of a streamed reply. */
export type ModelChunk =
  | { readonly type: "text"; readonly text: string }
  /** A piece of what the model thinks; `carry` comes once, at the end. */
  | { readonly type: "thought"; readonly text: string; readonly carry?: ThoughtCarry }
  /** Pieces of one tool call share an `index`; the latest `id` and `name` count, `args` is appended. */
  | {
      readonly type: "tool-call";
      readonly index: number;
      readonly id?: string;
      readonly name?: string;
      readonly args: string;
    }
  | ({ readonly type: "usage" } & ReplyUsage)
  /** Why the reply ended, and the model that answered, where the provider names it. */
  | { readonly type: "finish"; readonly reason: string; readonly model?: string }
  /** What the provider's headers said about its limits; before any text, and only where the provider tells. */
  | { readonly type: "rate-limit"; readonly limits: RateLimit }
  /** What came before belongs to an attempt that failed on the way: forget it, the reply begins anew. */
  | { readonly type: "restart" };

/** Tokens of one reply as its provider counts them. */
export interface ReplyUsage {
  /** All input tokens, those from and into the cache included; 0 where the provider did not say. */
  readonly inputTokens: number;
  /** All output tokens, those of thoughts included; 0 where the provider did not say. */
  readonly outputTokens: number;
  /** The part of the input that was read from the provider's cache. @default 0 */
  readonly cachedInputTokens?: number;
  /** The part of the input that was written into the provider's cache. @default 0 */
  readonly cacheWriteTokens?: number;
  /** The part of the output that the model thought. @default 0 */
  readonly reasoningTokens?: number;
}

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

/** Chunks that come at once. */
export type ChunkBatch = readonly ModelChunk[];

/** `onSent` is told when the request stops waiting and is sent, by what makes it wait. */
type Batches = (request: ModelRequest, onSent?: () => void) => AsyncIterable<ChunkBatch>;

/** A model with its batches, which no copy of its fields has: middleware makes such copies. */
class BatchModel implements Model {
  readonly id: string;
  readonly call: (request: ModelRequest, onSent?: () => void) => AsyncIterable<ModelChunk>;
  readonly #batches: Batches;
  readonly #endsAtOnce: boolean;

  constructor(id: string, batches: Batches, endsAtOnce: boolean) {
    this.id = id;
    this.#batches = batches;
    this.#endsAtOnce = endsAtOnce;
    this.call = (request, onSent) => oneByOne(batches(request, onSent));
  }

  static batchesOf(model: Model): Batches | undefined {
    return #batches in model ? model.#batches : undefined;
  }

  static endsAtOnce(model: Model): boolean {
    return #endsAtOnce in model && model.#endsAtOnce;
  }
}

/**
 * A model of this package, by the batches in which its chunks come: each chunk for itself would cost several promises in every
 * layer that a reply passes, and a reply that is fetched whole comes in one.
 * @param endsAtOnce Whether a reply fails as soon as its request's signal is aborted, whatever the provider does.
 */
export const batchModel = (id: string, batches: Batches, endsAtOnce = false): BatchModel =>
  new BatchModel(id, batches, endsAtOnce);

/** Whether a model's replies are known to fail as soon as their request's signal is aborted. */
export const endsAtOnce = (model: Model): boolean => BatchModel.endsAtOnce(model);

/** Whether a model is one of this package, with no middleware around it. */
const comesInBatches = (model: Model): boolean => BatchModel.batchesOf(model) !== undefined;

/** A model's chunks in batches: those it comes with, else one for each chunk. */
export function batchesOf(model: Model, request: ModelRequest): AsyncIterable<ChunkBatch> {
  return BatchModel.batchesOf(model)?.(request) ?? alone(model.call(request));
}

async function* oneByOne(batches: AsyncIterable<ChunkBatch>): AsyncGenerator<ModelChunk> {
  for await (const batch of batches) for (const chunk of batch) yield chunk;
}

/** Each chunk as a batch. Not a generator, which would cost each chunk several promises. */
function alone(chunks: AsyncIterable<ModelChunk>): AsyncIterable<ChunkBatch> {
  return {
    [Symbol.asyncIterator]() {
      const steps = chunks[Symbol.asyncIterator]();
      return {
        async next() {
          const step = await steps.next();
          return step.done === true ? { done: true, value: undefined } : { value: [step.value] };
        },
        async return() {
          await steps.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** Wraps a model. The first middleware of a list is the outermost. */
export type ModelMiddleware = (model: Model) => Model;

/** A whole reply. */
export interface ModelReply {
  /** The answer's text, empty where there are only tool calls. */
  readonly text: string;
  /** Tools that the model asks for, in the order of the message. */
  readonly toolCalls: readonly ToolCall[];
  /** Why the reply ended, in the provider's word (`stop`, `length`, `tool_calls`); `null` where it did not say. */
  readonly finishReason: string | null;
  /** The model that answered, as the provider names it; absent where it does not. */
  readonly model?: string;
  /** Tokens, as far as the provider counted them; `null` where it gave none. */
  readonly usage: ReplyUsage | null;
  /** What the model thought, `null` when it shows nothing of it. */
  readonly thoughts: Thoughts | null;
}

/** A model wrapped by middleware, the first of the list outermost. */
export function wrapModel(model: Model, middleware: readonly ModelMiddleware[]): Model {
  return middleware.reduceRight((inner, wrap) => streaming(wrap(inner)), streaming(model));
}

/** A model whose `call` is known to stream: an `async` function in place of an `async function*` is told. */
function streaming(model: Model): Model {
  if (comesInBatches(model)) return model;
  return {
    id: model.id,
    call(request) {
      const stream: unknown = model.call(request);
      if (typeof stream === "object" && stream !== null && Symbol.asyncIterator in stream) {
        return stream as AsyncIterable<ModelChunk>;
      }
      unawaited(stream);
      throw new DagError(
        "MODEL_NOT_STREAMING",
        `The \`call\` of the model "${model.id}" gave no stream of chunks.`,
        {
          hint: "Write it as `async *call(request) { yield … }`, in a model and in middleware.",
        },
      );
    },
  };
}

/** Collects a stream into a whole reply; `onChunk` sees each chunk as it arrives. */
export function collectReply(
  stream: AsyncIterable<ModelChunk>,
  onChunk?: (chunk: ModelChunk) => void,
): Promise<ModelReply> {
  return collect(alone(stream), onChunk);
}

/** A model's whole reply to a request. */
export const replyOf = (model: Model, request: ModelRequest): Promise<ModelReply> =>
  collect(batchesOf(model, request));

async function collect(
  batches: AsyncIterable<ChunkBatch>,
  onChunk?: (chunk: ModelChunk) => void,
): Promise<ModelReply> {
  const fold = replyFold();
  for await (const batch of batches) {
    for (const chunk of batch) {
      fold.add(chunk);
      onChunk?.(chunk);
    }
  }
  return fold.reply();
}

/** Folds chunks into a reply, step by step. */
export function replyFold(): { add(chunk: ModelChunk): void; reply(): ModelReply } {
  let text: string[] = [];
  let thought: string[] = [];
  let carry: ThoughtCarry | undefined;
  const calls = new Map<number, { id: string; name: string; args: string }>();
  let finishReason: string | null = null;
  let model: string | undefined;
  let usage: ModelReply["usage"] = null;
  return {
    add(chunk) {
      if (chunk.type === "text") text.push(chunk.text);
      else if (chunk.type === "thought") {
        thought.push(chunk.text);
        carry = chunk.carry ?? carry;
      } else if (chunk.type === "finish") {
        finishReason = chunk.reason;
        model = chunk.model ?? model;
      } else if (chunk.type === "usage") {
        const { type: _, ...tokens } = chunk;
        usage = tokens;
      } else if (chunk.type === "restart") {
        text = [];
        thought = [];
        carry = undefined;
        calls.clear();
        finishReason = null;
        model = undefined;
        usage = null;
      } else if (chunk.type === "tool-call") {
        const call = calls.get(chunk.index);
        if (call === undefined)
          calls.set(chunk.index, { id: chunk.id ?? "", name: chunk.name ?? "", args: chunk.args });
        else {
          if (chunk.id) call.id = chunk.id;
          if (chunk.name) call.name = chunk.name;
          call.args += chunk.args;
        }
      }
    },
    reply() {
      const toolCalls = [...calls.entries()]
        .sort(([a], [b]) => a - b)
        .map(([, call]) => ({ ...call, args: argumentsOnce(call.args) }));
      const said = thought.join("");
      const thoughts =
        said === "" && carry === undefined ? null : { text: said, ...(carry !== undefined && { carry }) };
      const told = model === undefined ? {} : { model };
      return { text: text.join(""), toolCalls, finishReason, ...told, usage, thoughts };
    },
  };
}

/** A model's reply as it goes back to it. */
export function saidBy(reply: ModelReply): Message {
  return {
    role: "assistant",
    content: reply.text,
    ...(reply.toolCalls.length > 0 && { toolCalls: reply.toolCalls }),
    ...(reply.thoughts?.carry !== undefined && { carry: reply.thoughts.carry }),
  };
}

/**
 * The calls of one message, each with an id that no other call of the message has: the provider's, or one of ours where
 * it gave none or the same one twice. Ids of other messages may be the same: a call is known by its message and place.
 * @param turn Which request of its agent or planner the message answers.
 */
export function withOwnIds(calls: readonly ToolCall[], turn: number): ToolCall[] {
  const taken = new Set<string>();
  return calls.map((call, index) => {
    const given = call.id.trim() === "" || taken.has(call.id) ? ownCallId(turn, index) : call.id;
    taken.add(given);
    return given === call.id ? call : { ...call, id: given };
  });
}

/** The id by which a run knows a call: its message and its place in it. */
export const ownCallId = (turn: number, index: number) => `call_${turn}_${index}`;
