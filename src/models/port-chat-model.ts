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
import type { AIMessage, AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import { type Runnable, RunnableLambda } from "@langchain/core/runnables";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { toJsonSchema } from "@langchain/core/utils/json_schema";
import { type InteropZodType, interopParse, isInteropZodSchema } from "@langchain/core/utils/types";
import { readBlocks } from "../spec/messages.js";
import type { JsonSchema } from "../spec/shape.js";
import { contentOf } from "./media.js";
import type { Message, ToolSpec } from "./port.js";

/** Options of one call. */
export interface PortChatOptions extends BaseChatModelCallOptions {
  tools?: readonly ToolSpec[];
  /** JSON Schema that the answer's text has to fit. */
  schema?: JsonSchema;
  /** Whether several tools may be called in one message. @default true */
  parallel_tool_calls?: boolean;
}

/** What a LangChain chat model was asked, in the words of the port. */
export interface PortQuestion {
  readonly messages: readonly Message[];
  readonly tools: readonly ToolSpec[];
  readonly parallelToolCalls?: boolean;
  readonly schema: JsonSchema | null;
}

/** A LangChain chat model in front of the port: `invoke`, `stream`, tools and structured output are there, the asking is left. */
export abstract class PortChatModel extends BaseChatModel<PortChatOptions, AIMessageChunk> {
  /** The same model with tools that it may call. */
  override bindTools(
    tools: BindToolsInput[],
    options?: Partial<PortChatOptions>,
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, PortChatOptions> {
    return this.withConfig({ ...options, tools: tools.map(toolSpecOf) });
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

/** What `messages` and a call's options ask for. */
export function questionOf(messages: readonly BaseMessage[], options: PortChatOptions): PortQuestion {
  return {
    messages: messages.map(messageOf),
    tools: options.tools ?? [],
    ...(options.parallel_tool_calls === undefined ? {} : { parallelToolCalls: options.parallel_tool_calls }),
    schema: options.schema ?? null,
  };
}

/** Tells LangChain's callbacks a piece of a reply. */
export const tellToken = async (
  manager: CallbackManagerForLLMRun | undefined,
  text: string,
): Promise<void> => {
  if (text !== "") await manager?.handleLLMNewToken(text);
};

function messageOf(message: BaseMessage): Message {
  const blocks = readBlocks(message.content);
  const told = blocks === null ? { content: message.text } : contentOf(blocks);
  const content = message.text;
  if (message.type === "system" || message.type === "developer") return { role: "system", content };
  if (message.type === "tool") {
    const { tool_call_id: toolCallId = "", name = "" } = message as BaseMessage & { tool_call_id?: string };
    return { role: "tool", ...told, toolCallId, name };
  }
  if (message.type !== "ai") return { role: "user", ...told };
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
