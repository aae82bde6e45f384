import { DagError, errorMessage } from "../errors.js";
import type { RateLimit } from "../limits/rate-limit.js";
import type { ChatModelLike } from "../spec/shape.js";
import { followSignal, iterateUntilAborted, untilAborted } from "./abortable.js";
import { type ChunkReader, readChunks } from "./langchain-chunks.js";
import { toLangChainMessages, toLangChainTool, toOpenAiTool } from "./langchain-messages.js";
import { type Loose, viewOf } from "./langchain-view.js";
import { toModelError } from "./model-error.js";
import type { Model, ModelChunk, ModelRequest } from "./port.js";
import { replyWithoutKeys } from "./redact-reply.js";
import { environmentSecrets, headerSecrets, instanceSecrets } from "./secrets.js";
import { answerName, responseFormat, schemaCarrier, withSchemaInWords } from "./structured-output.js";
import { replyTooLarge } from "./watched-fetch.js";

/** Most characters of one reply's text and tool arguments: more than any model writes (128k tokens are about 0.5 MB). */
export const maxReplyChars = 8 * 1024 * 1024;

/** What is known of one instance over its calls. */
interface Adapted {
  readonly id: string;
  readonly instance: ChatModelLike;
  readonly openAi: boolean;
  readonly bindsTools: boolean;
  /** Learnt: `false` once the server refused `stream_options`. */
  streamUsage: boolean;
  /** Learnt: `false` once the instance turned out to have private fields, which only the instance itself can reach. */
  viewable: boolean;
  /** Keys that requests were seen to carry and no field of the instance holds. */
  readonly sent: Set<string>;
}

/**
 * Adapts a LangChain chat model to the model port.
 *
 * The instance is not changed. Its own retries are off, so that one request is one attempt, except for an instance
 * with `#private` fields, which is called as it is. `modelOptions` reach it where it reads `temperature` and
 * `maxTokens` at each call; where it does not, the settings it was built with stand. Usage comes from LangChain's
 * `usage_metadata`; a server that refuses `stream_options` is asked once more without, and then gives no usage.
 * A reply of an OpenAI model that ends without a finish reason is `MODEL_STREAM_CUT`, or `MODEL_BAD_RESPONSE` when it
 * had no content either; both are retryable.
 *
 * @param options.id `provider:name`. @default the instance's LangChain type and model name
 */
export function langchainModel(instance: ChatModelLike, options: { readonly id?: string } = {}): Model {
  const type = instance._llmType();
  const adapted: Adapted = {
    id: options.id ?? `${type}:${nameOf(instance)}`,
    instance,
    openAi: type === "openai" || type === "azure_openai",
    bindsTools: typeof field(instance, "bindTools") === "function",
    streamUsage: true,
    viewable: true,
    sent: new Set(),
  };
  const secrets = () => secretsOf(adapted);
  return { id: adapted.id, call: (request) => replyWithoutKeys(reply(adapted, request), secrets) };
}

/** Every key that a request of this model can carry. */
function secretsOf({ instance, sent }: Adapted): string[] {
  return [...instanceSecrets(instance), ...sent, ...environmentSecrets()];
}

async function* reply(model: Adapted, request: ModelRequest): AsyncGenerator<ModelChunk> {
  const following = followSignal(request.signal);
  const limits: RateLimit[] = [];
  try {
    const { start, reader } = prepare(model, request, following.signal, (seen) => limits.push(seen));
    const stream = await untilAborted(startOnce(model, start), following.signal);
    yield* limits.splice(0).map((seen): ModelChunk => ({ type: "rate-limit", limits: seen }));
    let chars = 0;
    for await (const message of iterateUntilAborted(stream, following.signal)) {
      for (const chunk of reader.read(message)) {
        chars +=
          chunk.type === "text" ? chunk.text.length : chunk.type === "tool-call" ? chunk.args.length : 0;
        if (chars > maxReplyChars) throw replyTooLarge(`more than ${maxReplyChars} characters`);
        yield chunk;
      }
    }
    yield* reader.end();
    assertWhole(model, reader);
  } catch (error) {
    const baseUrl = field(field(model.instance, "clientConfig"), "baseURL");
    const subject = {
      model: model.id,
      baseUrl: typeof baseUrl === "string" ? baseUrl : undefined,
      signal: request.signal,
      secrets: secretsOf(model),
    };
    throw toModelError(error, subject);
  } finally {
    following.close();
  }
}

/** Begins a request; begins it anew where the failure tells that it has to be asked in another way. */
async function startOnce(model: Adapted, start: () => Promise<AsyncIterable<unknown>>) {
  try {
    return await start();
  } catch (error) {
    const said = errorMessage(error);
    if (model.streamUsage && /stream_options|include_usage/.test(said)) model.streamUsage = false;
    else if (
      model.viewable &&
      error instanceof TypeError &&
      /private (member|field|method)|must be an instance of/.test(said)
    ) {
      model.viewable = false;
    } else throw error;
    return start();
  }
}

/** How to send a request to this instance, and how to read its reply. */
function prepare(
  model: Adapted,
  request: ModelRequest,
  signal: AbortSignal,
  onRateLimit: (limits: RateLimit) => void,
) {
  const { schema, tools, modelOptions } = request;
  if (tools.length > 0 && !model.openAi && !model.bindsTools) {
    throw new DagError(
      "MODEL_CANNOT_CALL_TOOLS",
      `Model "${model.id}" cannot call tools, and "${request.node}" has ${tools.length}.`,
      {
        facts: { model: model.id, node: request.node, tools: tools.map((tool) => tool.name) },
        hint: "Use a model whose class has `bindTools`.",
      },
    );
  }
  const carrier =
    schema && schemaCarrier(schema, { openAi: model.openAi, tools: model.bindsTools && tools.length === 0 });
  const inWords = schema !== null && carrier === "instructions";
  const messages = toLangChainMessages(
    inWords ? withSchemaInWords(request.messages, schema) : request.messages,
  );
  const see = <T extends object>(of: T) =>
    model.viewable
      ? viewOf(of, { modelOptions, streamUsage: model.streamUsage, onRateLimit, onHeaders })
      : of;
  const onHeaders = (headers: unknown) => {
    for (const secret of headerSecrets(headers)) model.sent.add(secret);
  };
  // Anthropic's last event gives the output so far, the first event's share included (docs: "Streaming messages").
  const outputs = model.instance._llmType() === "anthropic" ? "totals" : "added";
  const parallel = tools.length > 0 && request.parallelToolCalls !== undefined;

  async function start(): Promise<AsyncIterable<unknown>> {
    const instance = see(model.instance);
    if (model.openAi) {
      return instance.stream(messages, {
        signal,
        ...(tools.length > 0 ? { tools: tools.map(toOpenAiTool) } : {}),
        ...(parallel ? { parallel_tool_calls: request.parallelToolCalls } : {}),
        ...(schema !== null && carrier === "response-format"
          ? { response_format: responseFormat(schema) }
          : {}),
      });
    }
    if (schema !== null && carrier === "tool") {
      const answer = { name: answerName, description: "Gives the answer.", parameters: schema };
      return see(bindTools(instance, [answer], { tool_choice: "any" })).stream(messages, { signal });
    }
    if (tools.length > 0) return see(bindTools(instance, tools, {})).stream(messages, { signal });
    return instance.stream(messages, { signal });
  }
  return { start, reader: readChunks(carrier === "tool" ? answerName : null, outputs) };
}

function bindTools(instance: ChatModelLike, tools: ModelRequest["tools"], options: Loose): ChatModelLike {
  const bindable = instance as ChatModelLike & { bindTools(tools: unknown[], options: Loose): ChatModelLike };
  return bindable.bindTools(tools.map(toLangChainTool), options);
}

/** Finish reasons of the providers for a reply that was withheld. */
const filtered = ["content_filter", "refusal", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST"];

function assertWhole(model: Adapted, reader: ChunkReader): void {
  const facts = { model: model.id, finishReason: reader.finishReason };
  if (reader.finishReason !== null && filtered.includes(reader.finishReason)) {
    throw new DagError(
      "MODEL_CONTENT_FILTERED",
      `Model "${model.id}" withheld its reply (${reader.finishReason}).`,
      {
        facts,
        hint: "The provider's content filter stopped it: change the prompt or the input.",
      },
    );
  }
  if (!model.openAi || reader.finishReason !== null) return;
  if (reader.sawContent) {
    throw new DagError(
      "MODEL_STREAM_CUT",
      `The reply of model "${model.id}" ended without a finish reason: it was cut.`,
      {
        facts,
        retryable: true,
      },
    );
  }
  throw new DagError("MODEL_BAD_RESPONSE", `Model "${model.id}" sent a reply without choices.`, {
    facts,
    retryable: true,
    hint: "Check that the base URL is that of an OpenAI-compatible server (it usually ends in /v1).",
  });
}

function nameOf(instance: ChatModelLike): string {
  const name = field(instance, "model") ?? field(instance, "modelName");
  return typeof name === "string" && name !== "" ? name : instance.constructor.name;
}

const field = (of: unknown, name: string): unknown =>
  typeof of === "object" && of !== null ? (of as Loose)[name] : undefined;
