import type { Message, ToolCall, ToolSpec } from "./port.js";

/** A message in the plain form that every LangChain chat model takes, whichever copy of LangChain it was built with. */
export type LangChainMessage = Readonly<Record<string, unknown>> & {
  readonly role: string;
  readonly content: string;
};

/** The messages in LangChain's plain form. */
export function toLangChainMessages(messages: readonly Message[]): LangChainMessage[] {
  return messages.map((message) => {
    if (message.role === "tool") {
      return { role: "tool", content: message.content, tool_call_id: message.toolCallId, name: message.name };
    }
    if (message.role === "assistant" && message.toolCalls !== undefined && message.toolCalls.length > 0) {
      return {
        role: "assistant",
        content: message.content,
        tool_calls: message.toolCalls.map(toLangChainToolCall),
      };
    }
    return { role: message.role, content: message.content };
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

function parseObject(text: string): Record<string, unknown> | null {
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
