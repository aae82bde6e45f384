import type { Message, ToolCall, ToolSpec } from "./port.js";

/** A message in the plain form that every LangChain chat model takes, whichever copy of LangChain it was built with. */
export type LangChainMessage = Readonly<Record<string, unknown>> & {
  readonly role: string;
  readonly content: unknown;
};

/**
 * The messages in LangChain's plain form.
 * @param cachedChars How much of the first user message its provider is told to cache, in characters.
 */
export function toLangChainMessages(messages: readonly Message[], cachedChars?: number): LangChainMessage[] {
  const firstUser = messages.findIndex((message) => message.role === "user");
  return messages.map((message, index) => {
    if (message.role === "tool") {
      return { role: "tool", content: message.content, tool_call_id: message.toolCallId, name: message.name };
    }
    if (message.role === "assistant") {
      const { toolCalls = [], carry } = message;
      const blocks = carry?.blocks ?? [];
      const text = message.content === "" ? [] : [{ type: "text", text: message.content }];
      return {
        role: "assistant",
        content: blocks.length === 0 ? message.content : [...blocks, ...text],
        ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(toLangChainToolCall) }),
        ...(carry?.fields !== undefined && { additional_kwargs: carry.fields }),
      };
    }
    const { role, content } = message;
    if (cachedChars === undefined || cachedChars === 0 || index !== firstUser) return { role, content };
    const [shared, own] = [content.slice(0, cachedChars), content.slice(cachedChars)];
    const marked = { type: "text", text: shared, cache_control: { type: "ephemeral" } };
    return { role, content: own === "" ? [marked] : [marked, { type: "text", text: own }] };
  });
}

/** Arguments that are not a JSON object cannot be sent as such: they are sent as the text of one field. */
function toLangChainToolCall(call: ToolCall) {
  return {
    type: "tool_call",
    id: call.id,
    name: call.name,
    args: parseObject(call.args) ?? { invalid_json: call.args },
  };
}

/** No arguments are an empty object: every provider's format says so, whatever a model's stream left out. */
function parseObject(text: string): Record<string, unknown> | null {
  if (/^\s*(null)?\s*$/.test(text)) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** A tool in LangChain's own form, which `bindTools` of every chat model takes. */
export function toLangChainTool({ name, description, parameters }: ToolSpec) {
  return { name, description, schema: { type: "object", ...parameters } };
}

/** A tool in OpenAI's form, as call option of its chat models. */
export function toOpenAiTool(tool: ToolSpec) {
  const { name, description, parameters } = tool;
  return { type: "function", function: { name, description, parameters } };
}
