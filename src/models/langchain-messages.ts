import { hashOf } from "../spec/canonical.js";
import type { ContentPart, MediaPart } from "../spec/messages.js";
import { isMedia, mediaIn } from "./media.js";
import type { Message, ToolCall, ToolSpec } from "./port.js";
import { withoutLookaround } from "./schema-patterns.js";
import { readArguments } from "./tool-arguments.js";

/** A message in the plain form that every LangChain chat model takes, whichever copy of LangChain it was built with. */
export type LangChainMessage = Readonly<Record<string, unknown>> & {
  readonly role: string;
  readonly content: unknown;
};

/**
 * The messages in LangChain's plain form. What tools showed follows their answers as a message of the user: few
 * providers take images in an answer of a tool.
 * @param cachedChars How much of the first user message its provider is told to cache, in characters.
 */
export function toLangChainMessages(messages: readonly Message[], cachedChars = 0): LangChainMessage[] {
  const firstUser = messages.findIndex((message) => message.role === "user");
  let shown: MediaPart[] = [];
  return messages.flatMap((message, index) => {
    const own = toLangChainMessage(message, index === firstUser ? cachedChars : 0);
    if (message.role !== "tool") return [own];
    shown.push(...mediaIn(message));
    if (shown.length === 0 || messages[index + 1]?.role === "tool") return [own];
    const text = "What the tools showed:";
    const after = { role: "user", content: [{ type: "text", text }, ...shown.map(toBlock)] };
    shown = [];
    return [own, after];
  });
}

/** Whether a message is one that its neighbour of the same role can be joined with. */
const canJoin = (message: Message) =>
  message.role === "user" ||
  (message.role === "assistant" && (message.toolCalls ?? []).length === 0 && message.carry === undefined);

/** Whether the user or the model speaks twice in a row. */
export const repeatsRole = (messages: readonly Message[]): boolean =>
  messages.some((message, index) => {
    const next = messages[index + 1];
    return next?.role === message.role && canJoin(message) && canJoin(next);
  });

/** Messages in which neither the user nor the model speaks twice in a row, for servers that want them to alternate. */
export function alternating(messages: readonly Message[]): Message[] {
  const merged: Message[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last === undefined || last.role !== message.role || !canJoin(last) || !canJoin(message)) {
      merged.push(message);
      continue;
    }
    const content = `${last.content}\n\n${message.content}`;
    merged[merged.length - 1] =
      last.role === "user" && message.role === "user"
        ? { role: "user", content, ...joinedParts(last, message) }
        : { ...last, content };
  }
  return merged;
}

function joinedParts(...messages: readonly (Message & { role: "user" })[]) {
  const parts = messages.flatMap(
    ({ parts, content }): readonly ContentPart[] => parts ?? [{ type: "text", text: content }],
  );
  return parts.some(isMedia) ? { parts } : {};
}

/** What Anthropic and Bedrock take for the id of a call. */
const legalId = /^[\w-]+$/;

/** Messages whose calls have ids of letters that every provider takes: another one's server may have given them (`functions.look:0`). */
export function withLegalIds(messages: readonly Message[]): readonly Message[] {
  const ids = messages.flatMap((message) =>
    message.role === "assistant" ? (message.toolCalls ?? []).map(({ id }) => id) : [],
  );
  if (ids.every((id) => legalId.test(id))) return messages;
  const legal = (id: string) => (legalId.test(id) ? id : `call_${hashOf(id).slice(0, 16)}`);
  return messages.map((message) => {
    if (message.role === "tool") return { ...message, toolCallId: legal(message.toolCallId) };
    if (message.role !== "assistant" || message.toolCalls === undefined) return message;
    return { ...message, toolCalls: message.toolCalls.map((call) => ({ ...call, id: legal(call.id) })) };
  });
}

/** Whether the model speaks before the user does. */
export const assistantIsFirst = (messages: readonly Message[]): boolean =>
  messages.find(({ role }) => role !== "system")?.role === "assistant";

/** Messages in which the user speaks first, for servers that want it. */
export function userFirst(messages: readonly Message[]): Message[] {
  const at = messages.findIndex(({ role }) => role !== "system");
  const begin: Message = { role: "user", content: "(The conversation begins with what you said.)" };
  return [...messages.slice(0, at), begin, ...messages.slice(at)];
}

/** A part in the form that the packages of all providers read. */
function toBlock(part: ContentPart) {
  if (part.type === "text") return { type: "text", text: part.text };
  const { type, mediaType = "application/octet-stream", data, url, name } = part;
  if (type === "image") {
    return { type: "image_url", image_url: { url: url ?? `data:${mediaType};base64,${data}` } };
  }
  const metadata = { filename: name ?? "file", name: name ?? "file", title: name ?? "file" };
  return data === undefined
    ? { type: "file", source_type: "url", mime_type: mediaType, url, metadata }
    : { type: "file", source_type: "base64", mime_type: mediaType, data, metadata };
}

function toLangChainMessage(message: Message, cachedChars: number): LangChainMessage {
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
  if (message.role === "user" && message.parts !== undefined) {
    // Some providers refuse a text without words.
    const parts = message.parts.filter((part) => part.type !== "text" || part.text.trim() !== "");
    return { role: "user", content: parts.map(toBlock) };
  }
  const { role, content } = message;
  if (cachedChars === 0) return { role, content };
  const [shared, own] = [content.slice(0, cachedChars), content.slice(cachedChars)];
  const marked = { type: "text", text: shared, cache_control: { type: "ephemeral" } };
  return { role, content: own === "" ? [marked] : [marked, { type: "text", text: own }] };
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

/** As {@link readArguments} reads them: every provider's format takes an object, whatever a model's stream left out. */
function parseObject(args: string): Record<string, unknown> | null {
  try {
    const value = readArguments({ args });
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
  return { type: "function", function: { name, description, parameters: withoutLookaround(parameters) } };
}
