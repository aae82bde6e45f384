import { z } from "zod";
import type { Message, ModelRequest } from "../models/port.js";
import { comparablePrompt } from "../models/prompt-layout.js";
import { canonicalJson, hashOf } from "../spec/canonical.js";
import { withoutBytes } from "../spec/messages.js";

const toolCall = z.object({ id: z.string(), name: z.string(), args: z.string() });
const jsonObject = z.record(z.string(), z.unknown());

/** The part of a request that tells it from others: everything but clocks, signals and counters. */
const recordedRequest = z.object({
  messages: z.array(
    z.object({
      role: z.enum(["system", "user", "assistant", "tool"]),
      content: z.string(),
      parts: z.array(jsonObject).optional(),
      toolCalls: z.array(toolCall).optional(),
      toolCallId: z.string().optional(),
      name: z.string().optional(),
    }),
  ),
  tools: z.array(z.object({ name: z.string(), description: z.string(), parameters: jsonObject })).optional(),
  schema: jsonObject.optional(),
  modelOptions: jsonObject.optional(),
  parallelToolCalls: z.boolean().optional(),
});

const recordedReply = z.object({
  text: z.string().optional(),
  toolCalls: z.array(toolCall).optional(),
  usage: z.object({ inputTokens: z.number(), outputTokens: z.number() }).optional(),
  finish: z.string().optional(),
  /** The model that answered, as the provider named it. */
  model: z.string().optional(),
  error: z
    .object({
      code: z.string(),
      message: z.string(),
      retryable: z.boolean(),
      facts: jsonObject.optional(),
    })
    .optional(),
  /** The call was ended from outside before its reply was complete. */
  aborted: z.literal(true).optional(),
  /** The pieces as they came: kind, length in characters, and after `@` the milliseconds since the piece before. */
  stream: z.string(),
});

/** One recorded model call, as it stands in the file. */
export const cassetteEntry = z.object({
  node: z.string(),
  item: z.number().int().optional(),
  invocation: z.number().int().optional(),
  turn: z.number().int(),
  model: z.string(),
  request: recordedRequest,
  reply: recordedReply,
});

export type CassetteEntry = z.infer<typeof cassetteEntry>;
export type RecordedRequest = z.infer<typeof recordedRequest>;
export type RecordedReply = z.infer<typeof recordedReply>;

/** The recorded part of a request. */
export function recordedPart(request: ModelRequest): RecordedRequest {
  const { messages, tools, schema, modelOptions, parallelToolCalls } = request;
  const part = {
    // The bytes of images and files by their digest.
    messages: messages.map((message) =>
      "parts" in message ? { ...message, parts: withoutBytes(message.parts) } : message,
    ),
    ...(tools.length > 0 && { tools }),
    ...(schema !== null && { schema }),
    ...(Object.keys(modelOptions).length > 0 && { modelOptions }),
    ...(parallelToolCalls !== undefined && { parallelToolCalls }),
  };
  return JSON.parse(JSON.stringify(part)) as RecordedRequest;
}

/**
 * What a call is found by: node, item, invocation, and the fingerprint of its request, which is the same for a prompt in any
 * layout. Ids of tool calls are counted instead of compared, because providers draw them at random.
 */
export function cassetteKey(
  place: Pick<CassetteEntry, "node" | "item" | "invocation">,
  request: RecordedRequest,
): string {
  return `${place.node} ${place.item ?? ""} ${place.invocation ?? ""} ${hashOf(comparableRequest(request))}`;
}

/** A request as it is compared: its prompt in one layout, the ids of its tool calls replaced by their number. */
export function comparableRequest(request: RecordedRequest): RecordedRequest {
  const numbers = new Map<string, string>();
  const counted = (id: string) => {
    const known = numbers.get(id) ?? `#${numbers.size + 1}`;
    numbers.set(id, known);
    return known;
  };
  const messages = inOneLayout(request.messages).map((message) => ({
    ...message,
    ...(message.toolCalls && {
      toolCalls: message.toolCalls.map((call) => ({ ...call, id: counted(call.id) })),
    }),
    ...(message.toolCallId !== undefined && { toolCallId: counted(message.toolCallId) }),
  }));
  return { ...request, messages };
}

function inOneLayout(messages: RecordedRequest["messages"]): RecordedRequest["messages"] {
  return comparablePrompt(messages as readonly Message[]) as RecordedRequest["messages"];
}

/** Where an entry stands in the file: by node, item, invocation, turn and request; equal ones as their calls began. */
export type EntryPlace = readonly [
  node: string,
  item: number,
  invocation: number,
  turn: number,
  request: string,
];

export function entryPlace({ node, item = -1, invocation = -1, turn, request }: CassetteEntry): EntryPlace {
  return [node, item, invocation, turn, canonicalJson(request)];
}

export function comparePlaces(a: EntryPlace, b: EntryPlace): number {
  for (const [i, x] of a.entries()) {
    const y = b[i] as typeof x;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
