import { DagError } from "../errors.js";
import type { ChatModelLike } from "../spec/shape.js";
import {
  alternating,
  assistantIsFirst,
  type LangChainMessage,
  repeatsRole,
  toLangChainMessages,
  toLangChainTool,
  toOpenAiTool,
  userFirst,
  withLegalIds,
} from "./langchain-messages.js";
import type { Loose } from "./langchain-view.js";
import type { ModelRequest } from "./port.js";
import { prefixCacheOf } from "./prefix-cache.js";
import { readable } from "./readable-media.js";
import type { Optional, Refusals } from "./refusals.js";
import type { Kept } from "./shared-view.js";
import {
  answerName,
  carriersFor,
  responseFormat,
  type SchemaCarrier,
  withSchemaInWords,
  wrappedFor,
} from "./structured-output.js";

/** What is known of one instance over its calls. */
export interface Adapted {
  readonly id: string;
  readonly instance: ChatModelLike;
  /** What LangChain calls the provider: `openai`, `anthropic`, `ollama` … */
  readonly type: string;
  /** Whether its requests go through an OpenAI client, whose replies are read from the wire. */
  readonly openAiClient: boolean;
  readonly bindsTools: boolean;
  /** Learnt: what the server refused. */
  readonly refusals: Refusals;
  /** Learnt: `false` once the instance turned out to have private fields, which only the instance itself can reach. */
  viewable: boolean;
  /** What need not be found again for each request: of an OpenAI client not for each run either. */
  readonly kept: Kept;
}

/** One way to send a request to an instance. */
export interface Plan {
  readonly messages: LangChainMessage[];
  /** What LangChain is given as call options. */
  readonly options: Loose;
  /** Tools to bind, where they are not call options. */
  readonly bound: { readonly tools: readonly unknown[]; readonly options: Loose } | null;
  readonly answerTool: string | null;
  /** The one key of the object that the answer was asked for in; `null` where it was asked for as it is. */
  readonly wrappedIn: string | null;
  readonly stream: boolean;
  readonly modelOptions: ModelRequest["modelOptions"];
  /** What it holds that it could do without. */
  readonly sent: ReadonlySet<Optional>;
}

/** How to send a request to this instance, after what its server has refused so far. */
export function planOf(model: Adapted, request: ModelRequest): Plan {
  const { tools, modelOptions, prefix } = request;
  const { refusals, instance } = model;
  const isOpenAi = model.openAiClient;
  if (tools.length > 0 && !isOpenAi && !model.bindsTools) throw cannotCallTools(model, request);
  const carrier = request.schema === null ? null : carrierOf(model, request, request.schema);
  const wrapped =
    request.schema === null || carrier === null ? null : wrappedFor(request.schema, carrier, formatOf(model));
  const schema = wrapped?.schema ?? request.schema;
  const sent = new Set<Optional>(carrier === null || carrier === "instructions" ? [] : [carrier]);
  const optional = (part: Optional): boolean => {
    if (refusals.has(part)) return false;
    sent.add(part);
    return true;
  };

  const inWords = schema !== null && (carrier === "instructions" || carrier === "json");
  const worded = inWords ? withSchemaInWords(request.messages, schema) : request.messages;
  const hasSystem = worded.some((message) => message.role === "system");
  const instructed = hasSystem && !optional("system") ? withoutSystem(worded) : worded;
  const begun =
    assistantIsFirst(instructed) && !optional("assistant_first") ? userFirst(instructed) : instructed;
  const inTurns = repeatsRole(begun) && !optional("repeated_role") ? alternating(begun) : begun;
  const isStrict = /anthropic|bedrock/i.test(model.type);
  const messages = readable(model, request, isStrict ? withLegalIds(inTurns) : inTurns);

  const options: Loose = {};
  let bound: Plan["bound"] = null;
  const forced = carrier === "tool" && optional("tool_choice");
  const answerTool = { name: answerName, description: "Gives the answer.", parameters: schema ?? {} };
  const offered = carrier === "tool" ? [answerTool] : tools;
  if (offered.length > 0 && isOpenAi) {
    options.tools = offered.map(toOpenAiTool);
    if (forced) options.tool_choice = { type: "function", function: { name: answerName } };
  } else if (offered.length > 0) {
    bound = { tools: offered.map(toLangChainTool), options: forced ? { tool_choice: "any" } : {} };
  }
  if (
    tools.length > 0 &&
    isOpenAi &&
    request.parallelToolCalls !== undefined &&
    optional("parallel_tool_calls")
  )
    options.parallel_tool_calls = request.parallelToolCalls;
  if (schema !== null && isOpenAi && (carrier === "strict" || carrier === "schema" || carrier === "json"))
    options.response_format = responseFormat(schema, carrier);
  if (schema !== null && model.type === "ollama" && (carrier === "schema" || carrier === "json"))
    options.format = carrier === "json" ? "json" : schema;

  // Requests with one key go to one machine, whose cache has what they begin with (OpenAI, "Prompt caching").
  if (prefix !== undefined && isOpenAi && optional("prompt_cache_key")) options.promptCacheKey = prefix.key;
  const marked = prefixCacheOf(model.id)?.by === "marks" ? prefix?.chars : undefined;

  const { temperature, ...otherOptions } = modelOptions;
  const stream =
    request.stream !== false && field(instance, "disableStreaming") !== true && optional("stream");
  if (stream && isOpenAi) optional("stream_options");
  if (modelOptions.maxTokens !== undefined && isOpenAi) optional("max_tokens");
  return {
    messages: toLangChainMessages(messages, marked),
    options,
    bound,
    answerTool: carrier === "tool" ? answerName : null,
    wrappedIn: wrapped?.key ?? null,
    stream,
    modelOptions:
      temperature === undefined || !optional("temperature") ? otherOptions : { ...otherOptions, temperature },
    sent,
  };
}

const formatOf = ({ openAiClient, type }: Adapted) =>
  openAiClient ? "openai" : type === "ollama" ? "ollama" : "none";

/** The strongest carrier that the server has not refused. */
function carrierOf(model: Adapted, request: ModelRequest, schema: NonNullable<ModelRequest["schema"]>) {
  const { instance, type } = model;
  // A forced tool call is refused beside thinking; JSON in words is not.
  const thinking = field(field(instance, "thinking"), "type");
  const mayForce = thinking === undefined || thinking === "disabled";
  const carriers = carriersFor(schema, {
    format: formatOf(model),
    tool: (model.openAiClient || model.bindsTools) && request.tools.length === 0 && mayForce,
    chosen: request.modelOptions.structured,
  });
  const usable = (one: SchemaCarrier) =>
    !model.refusals.has(one) && !(type === "ollama" && request.tools.length > 0 && one !== "instructions");
  return carriers.find(usable) ?? "instructions";
}

/** The system message's text in front of the first user message, for models that know no such role. */
function withoutSystem(messages: ModelRequest["messages"]): ModelRequest["messages"] {
  const system = messages.filter((message) => message.role === "system").map(({ content }) => content);
  const rest = messages.filter((message) => message.role !== "system");
  return alternating([{ role: "user", content: system.join("\n\n") }, ...rest.slice(0, 1)]).concat(
    rest.slice(1),
  );
}

function cannotCallTools(model: Adapted, request: ModelRequest): DagError {
  return new DagError(
    "MODEL_CANNOT_CALL_TOOLS",
    `Model "${model.id}" cannot call tools, and "${request.node}" has ${request.tools.length}.`,
    {
      facts: { model: model.id, node: request.node, tools: request.tools.map((tool) => tool.name) },
      hint: "Use a model whose class has `bindTools`.",
    },
  );
}

const field = (of: unknown, name: string): unknown =>
  typeof of === "object" && of !== null ? (of as Loose)[name] : undefined;
