import { DagError, errorMessage } from "../errors.js";
import type { ChatModelLike } from "../spec/shape.js";
import { followSignal, iterateUntilAborted, untilAborted } from "./abortable.js";
import { type ChunkReader, readChunks } from "./langchain-chunks.js";
import { type Loose, viewOf } from "./langchain-view.js";
import { toModelError } from "./model-error.js";
import { openAiChunks, passingFetch } from "./openai-chunks.js";
import {
  batchModel,
  type ChunkBatch,
  isContent,
  type Model,
  type ModelChunk,
  type ModelRequest,
} from "./port.js";
import { refusedMedia } from "./readable-media.js";
import { redactKeys } from "./redact.js";
import { replyRedactor } from "./redact-reply.js";
import { learnRefusal } from "./refusals.js";
import { type ReplyEnding, replyReader } from "./reply-reader.js";
import { type Adapted, type Plan, planOf } from "./request-plan.js";
import { headerSecrets, instanceSecrets, noteSecrets, recentSecretsInUse } from "./secrets.js";
import { invokeShared, keptBetweenRuns, newKept, sharedView } from "./shared-view.js";
import { withLegalToolNames } from "./tool-names.js";

/** How long a reply that has said how it ended is waited for, in milliseconds. */
const afterFinishMs = 750;

/**
 * Adapts a LangChain chat model to the model port.
 *
 * The instance is not changed. Its own retries are off, so that one request is one attempt, except for an instance
 * with `#private` fields, which is called as it is. `modelOptions` reach it where it reads `temperature` and
 * `maxTokens` at each call; where it does not, the settings it was built with stand. The replies of OpenAI clients are
 * read from the wire, all others from LangChain's messages.
 *
 * What a server refuses (`stream_options`, a response format, `temperature` …) is left out from then on. A reply that ends
 * without saying how is `MODEL_STREAM_CUT`, or `MODEL_BAD_RESPONSE` when it had no content either; both are retryable.
 * Thoughts at the start of the content are told apart from the answer.
 *
 * @param options.id `provider:name`. @default the instance's LangChain type and model name
 */
export function langchainModel(instance: ChatModelLike, options: { readonly id?: string } = {}): Model {
  const type = instance._llmType();
  const openAiClient = typeof field(instance, "clientConfig") === "object" && "streamUsage" in instance;
  const adapted: Adapted = {
    id: options.id ?? langchainId(instance),
    instance,
    type,
    openAiClient,
    bindsTools: typeof field(instance, "bindTools") === "function",
    refusals: new Set(),
    viewable: true,
    kept: openAiClient ? keptBetweenRuns(instance) : newKept(),
  };
  return withLegalToolNames(batchModel(adapted.id, (request) => reply(adapted, request), true));
}

/** Every key that a request of this model can carry. */
function secretsOf(model: Adapted): readonly string[] {
  const { kept } = model;
  const { inUse } = kept;
  if (inUse?.sent === kept.sent.size && inUse.elsewhere === recentSecretsInUse()) return inUse.all;
  // What a key is changed to is seen in the headers that it is sent with.
  const own = kept.secrets ?? instanceSecrets(model.instance);
  noteSecrets([...own, ...kept.sent]);
  const elsewhere = recentSecretsInUse();
  const all = [...own, ...kept.sent, ...elsewhere];
  if (model.viewable) Object.assign(kept, { secrets: own, inUse: { sent: kept.sent.size, elsewhere, all } });
  return all;
}

async function* reply(model: Adapted, request: ModelRequest): AsyncGenerator<ChunkBatch> {
  // Nobody can leave a reply early that is fetched whole, so that it needs no signal of its own.
  const isWhole = model.openAiClient && request.stream === false;
  const following = isWhole ? { signal: request.signal, close() {} } : followSignal(request.signal);
  const keys = replyRedactor(() => secretsOf(model));
  let ended = false;
  let heard = "";
  try {
    for (;;) {
      const plan = planOf(model, request);
      const reader = replyReader(model, request, plan.wrappedIn);
      let begun = false;
      try {
        const shown = (pieces: readonly ModelChunk[]): ChunkBatch => {
          begun ||= pieces.some(isContent);
          return pieces.flatMap(keys.read);
        };
        // One generator for all that is done to a chunk: each more would cost it several promises.
        const open = openReply(model, request, plan, following.signal);
        for await (const chunks of open.chunks) {
          const batch = shown(chunks.flatMap(reader.read));
          if (batch.length > 0) yield batch;
        }
        const rest = shown(reader.end());
        if (rest.length > 0) yield rest;
        reader.assertWhole(open);
        const held = keys.end();
        if (held.length > 0) yield held;
        // What is read from the wire has ended there; a package's own stream may still be open.
        ended = model.openAiClient;
        return;
      } catch (error) {
        heard = reader.said();
        if (begun || following.signal.aborted || !hasAnotherWay(model, plan, error)) throw error;
      }
    }
  } catch (error) {
    const baseUrl = field(field(model.instance, "clientConfig"), "baseURL");
    const subject = {
      model: model.id,
      baseUrl: typeof baseUrl === "string" ? baseUrl : undefined,
      signal: request.signal,
      secrets: secretsOf(model),
    };
    const told = withText(toModelError(error, subject), redactKeys(heard, subject.secrets));
    throw refusedMedia(request, told) ?? told;
  } finally {
    following.close(ended);
  }
}

/** The error of a reply that broke off, with what had come of it. */
function withText(error: DagError, text: string): DagError {
  if (text === "" || error.text !== undefined || !brokenOff.includes(error.code)) return error;
  const { code, message, facts, retryable, cause } = error;
  return new DagError(code, message, { facts, retryable, cause, text });
}

const brokenOff = ["MODEL_STREAM_CUT", "MODEL_CONNECTION_LOST", "MODEL_SERVER_ERROR", "MODEL_BAD_RESPONSE"];

/** Whether a failure tells that the request has to be made in another way, which is learnt. */
function hasAnotherWay(model: Adapted, plan: Plan, error: unknown): boolean {
  if (
    model.viewable &&
    error instanceof TypeError &&
    /private (member|field|method)|must be an instance of/.test(errorMessage(error))
  ) {
    model.viewable = false;
    return true;
  }
  return learnRefusal(model.refusals, plan.sent, error);
}

interface OpenReply extends ReplyEnding {
  readonly chunks: AsyncIterable<ChunkBatch>;
}

function openReply(model: Adapted, request: ModelRequest, plan: Plan, signal: AbortSignal): OpenReply {
  const { instance } = model;
  const { messages, options, bound } = plan;
  if (model.openAiClient && model.viewable && !usesResponses(instance, options)) {
    const view = sharedView(model.kept.views, instance, viewSettings(model, plan));
    // Beside a schema, LangChain has every tool strict, and its client refuses to send one that is not: it is told of tools only.
    const { response_format: format, ...unformatted } = options;
    const isHidden = options.tools !== undefined && field(format, "type") === "json_schema";
    return openAiChunks({
      invoke: (wrapFetch, given, callOptions) =>
        invokeShared(view, notingKeys(model, wrapFetch), given, callOptions),
      messages,
      options: isHidden ? unformatted : options,
      responseFormat: isHidden ? format : undefined,
      stream: plan.stream,
      streamUsage: !model.refusals.has("stream_options") && field(instance, "streamUsage") !== false,
      renameMaxTokens: model.refusals.has("max_tokens"),
      request,
      answerTool: plan.answerTool,
      signal,
    });
  }
  // Anthropic's last event gives the output so far, the first event's share included (docs: "Streaming messages").
  const reader = readChunks(plan.answerTool, model.type === "anthropic" ? "totals" : "added");
  return {
    chunks: messageChunks(model, plan, signal, bound, reader),
    refusal: () => "",
    ended: () => reader.ended,
  };
}

type Fetch = typeof globalThis.fetch;

/** The last ones count: a request may carry a token of its own. */
const mostSent = 100;

/** Notes the keys that requests are sent with: a server may echo them. */
function notingKeys({ kept }: Adapted, wrapFetch: (fetch: Fetch) => Fetch): (fetch: Fetch) => Fetch {
  return (fetch) =>
    wrapFetch((input, init) => {
      const key = authorizationOf(init?.headers);
      if (key === undefined || !kept.authorizations.has(key)) {
        if (kept.sent.size > mostSent) {
          kept.sent.clear();
          kept.authorizations.clear();
          delete kept.inUse;
        }
        for (const secret of headerSecrets(init?.headers)) kept.sent.add(secret);
        if (key !== undefined) kept.authorizations.add(key);
      }
      return fetch(input, init);
    });
}

/** What a request identifies itself with; headers are looked through once for each. */
const authorizationOf = (headers: unknown): string | undefined =>
  headers instanceof Headers
    ? (headers.get("authorization") ?? headers.get("api-key") ?? headers.get("x-api-key") ?? undefined)
    : undefined;

function viewSettings(model: Adapted, plan: Plan) {
  return { modelOptions: plan.modelOptions, streamUsage: !model.refusals.has("stream_options") };
}

/** The reply of an instance whose wire is not ours to read. */
async function* messageChunks(
  model: Adapted,
  plan: Plan,
  signal: AbortSignal,
  bound: Plan["bound"],
  reader: ChunkReader,
): AsyncGenerator<ChunkBatch> {
  const waiting: ModelChunk[] = [];
  let failure: { readonly error: unknown } | undefined;
  let refusal: Headers | undefined;
  const wrapFetch = passingFetch(
    signal,
    (chunk) => waiting.push(chunk),
    (error) => {
      failure ??= { error };
    },
    (headers) => {
      refusal = headers;
    },
    model.type === "ollama" ? "lines" : "any",
  );
  const see = <T extends object>(of: T) =>
    model.viewable
      ? viewOf(of, { ...viewSettings(model, plan), wrapFetch: notingKeys(model, wrapFetch) })
      : of;
  const seen = see(model.instance);
  const runnable = bound === null ? seen : see(bindTools(seen, bound.tools, bound.options));
  try {
    if (plan.stream) {
      const stream = await untilAborted(runnable.stream(plan.messages, { ...plan.options, signal }), signal);
      yield waiting.splice(0);
      for await (const message of untilSilent(iterateUntilAborted(stream, signal), () => reader.finishReason))
        yield reader.read(message);
    } else {
      const message = await untilAborted(runnable.invoke(plan.messages, { ...plan.options, signal }), signal);
      yield [...waiting.splice(0), ...reader.read(message)];
    }
  } catch (error) {
    // A reply that has said how it ended is whole, though its connection breaks then.
    const whole = plan.stream && reader.finishReason !== null && failure === undefined;
    if (whole && !signal.aborted && isLost(model.id, error, signal)) {
      yield reader.end();
      return;
    }
    // A package may make something else of what its server said.
    if (failure !== undefined) throw failure.error;
    if (refusal !== undefined && error instanceof Error && !("headers" in error))
      Object.assign(error, { headers: refusal });
    throw error;
  }
  yield reader.end();
}

const isLost = (model: string, error: unknown, signal: AbortSignal) =>
  toModelError(error, { model, baseUrl: undefined, signal }).code === "MODEL_CONNECTION_LOST";

/** A stream that is not waited for for ever once its reply has said how it ended. */
async function* untilSilent<T>(stream: AsyncIterable<T>, ended: () => string | null): AsyncGenerator<T> {
  const iterator = stream[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  try {
    for (;;) {
      const next = iterator.next();
      const silence =
        ended() === null
          ? null
          : new Promise<null>((resolve) => {
              timer = setTimeout(() => resolve(null), afterFinishMs);
            });
      const result = await (silence === null ? next : Promise.race([next, silence]));
      clearTimeout(timer);
      if (result === null) next.catch(() => undefined);
      if (result === null || result.done) return;
      yield result.value;
    }
  } finally {
    clearTimeout(timer);
    void Promise.resolve(iterator.return?.(undefined)).catch(() => undefined);
  }
}

function bindTools(instance: ChatModelLike, tools: readonly unknown[], options: Loose): ChatModelLike {
  const bindable = instance as ChatModelLike & { bindTools(tools: unknown[], options: Loose): ChatModelLike };
  return bindable.bindTools([...tools], options);
}

/** Whether LangChain would send this request to OpenAI's Responses API. */
function usesResponses(instance: ChatModelLike, options: Loose): boolean {
  const decide = field(instance, "_useResponsesApi");
  return typeof decide === "function" && decide.call(instance, options) === true;
}

/** `provider:name` of a LangChain chat model, by its type and model name. */
export const langchainId = (instance: ChatModelLike) => `${instance._llmType()}:${nameOf(instance)}`;

function nameOf(instance: ChatModelLike): string {
  const name = field(instance, "model") ?? field(instance, "modelName");
  return typeof name === "string" && name !== "" ? name : instance.constructor.name;
}

const field = (of: unknown, name: string): unknown =>
  typeof of === "object" && of !== null ? (of as Loose)[name] : undefined;
