import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type {
  BaseLanguageModelInput,
  StructuredOutputMethodOptions,
} from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from "@langchain/core/language_models/chat_models";
import { type AIMessage, AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import { type Runnable, RunnableLambda } from "@langchain/core/runnables";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { toJsonSchema } from "@langchain/core/utils/json_schema";
import { type InteropZodType, interopParse, isInteropZodSchema } from "@langchain/core/utils/types";
import type { Message, ModelRequest, ToolSpec } from "../models/port.js";
import type { JsonSchema } from "../spec/shape.js";
import { offlineModel } from "./offline-model.js";

/** Options of one call. */
export interface OfflineChatOptions extends BaseChatModelCallOptions {
  tools?: readonly ToolSpec[];
  /** JSON Schema that the answer's text has to fit. */
  schema?: JsonSchema;
  /** Whether several tools may be called in one message. @default true */
  parallel_tool_calls?: boolean;
}

/** The offline model as a LangChain chat model: `invoke`, `stream`, tool calls, structured output. It counts no tokens. */
export class OfflineChatModel extends BaseChatModel<OfflineChatOptions, AIMessageChunk> {
  private readonly port = offlineModel();

  /** It has no options: it reads no environment and needs no key. */
  constructor() {
    super({});
  }

  /** Always `offline`. */
  override _llmType(): string {
    return "offline";
  }

  /** The same model with tools that it may call; it calls those whose arguments the messages state literally. */
  override bindTools(
    tools: BindToolsInput[],
    options?: Partial<OfflineChatOptions>,
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, OfflineChatOptions> {
    return this.withConfig({ ...options, tools: tools.map(toolSpecOf) });
  }

  /** The whole reply. */
  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    manager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, manager))
      whole = whole === undefined ? chunk : whole.concat(chunk);
    return { generations: whole === undefined ? [] : [whole] };
  }

  /** The reply in pieces of a few words. */
  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    manager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    for await (const chunk of this.port.call(requestOf(messages, options))) {
      if (chunk.type === "usage") continue;
      const text = chunk.type === "text" ? chunk.text : "";
      const message = new AIMessageChunk({
        content: text,
        ...(chunk.type === "tool-call" && {
          tool_call_chunks: [{ ...chunk, type: "tool_call_chunk" as const }],
        }),
        response_metadata: chunk.type === "finish" ? { finish_reason: chunk.reason } : {},
      });
      yield new ChatGenerationChunk({ message, text });
      if (text !== "") await manager?.handleLLMNewToken(text);
    }
  }

  /**
   * A runnable that answers with data of this schema (zod or JSON Schema).
   * @throws SyntaxError or a zod error, from the runnable, when the text does not state what the schema asks for
   */
  override withStructuredOutput<Out extends Record<string, any> = Record<string, any>>(
    schema: InteropZodType<Out> | Record<string, any>,
    config?: StructuredOutputMethodOptions<boolean>,
  ): any {
    const jsonSchema = (isInteropZodSchema(schema) ? toJsonSchema(schema) : schema) as JsonSchema;
    const parse = (raw: AIMessage): Out => {
      const value: unknown = JSON.parse(raw.text);
      return isInteropZodSchema(schema) ? (interopParse(schema, value) as Out) : (value as Out);
    };
    return this.withConfig({ schema: jsonSchema }).pipe(
      RunnableLambda.from((raw: AIMessage) => {
        if (config?.includeRaw !== true) return parse(raw);
        try {
          return { raw, parsed: parse(raw) };
        } catch {
          return { raw, parsed: null };
        }
      }),
    );
  }
}

function requestOf(messages: readonly BaseMessage[], options: OfflineChatOptions): ModelRequest {
  return {
    messages: messages.map(messageOf),
    tools: options.tools ?? [],
    ...(options.parallel_tool_calls === undefined ? {} : { parallelToolCalls: options.parallel_tool_calls }),
    schema: options.schema ?? null,
    modelOptions: {},
    node: "",
    item: null,
    invocation: null,
    turn: 0,
    attempt: 1,
    signal: options.signal ?? new AbortController().signal,
  };
}

function messageOf(message: BaseMessage): Message {
  const content = message.text;
  if (message.type === "system" || message.type === "developer") return { role: "system", content };
  if (message.type === "tool") {
    const { tool_call_id: toolCallId = "", name = "" } = message as BaseMessage & { tool_call_id?: string };
    return { role: "tool", content, toolCallId, name };
  }
  if (message.type !== "ai") return { role: "user", content };
  const calls = (message as AIMessage).tool_calls ?? [];
  return {
    role: "assistant",
    content,
    toolCalls: calls.map(({ id = "", name, args }) => ({ id, name, args: JSON.stringify(args) })),
  };
}

function toolSpecOf(tool: BindToolsInput): ToolSpec {
  const { function: stated } = convertToOpenAITool(tool as Parameters<typeof convertToOpenAITool>[0]);
  return {
    name: stated.name,
    description: stated.description ?? "",
    parameters: (stated.parameters ?? {}) as JsonSchema,
  };
}
