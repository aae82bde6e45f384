import { waitMs } from "../limits/wait.js";
import type { ModelChunk, ModelRequest } from "../models/port.js";
import { jsonCopy } from "../spec/json-value.js";

/** A tool call that a script lets the model ask for. */
export interface ScriptedToolCall {
  /** Name of the tool. */
  readonly name: string;
  /** JSON, or a string that is sent as it stands (also one that is not valid JSON). @default {} */
  readonly args?: unknown;
  /** @default `call-1`, `call-2` … within the reply */
  readonly id?: string;
}

/** A reply in full. Every part is optional. */
export interface ScriptedParts {
  /** The answer. */
  readonly text?: string;
  /** The answer as a value, sent as JSON: structured output. */
  readonly json?: unknown;
  /** Tools that the model asks for. @default none */
  readonly toolCalls?: readonly ScriptedToolCall[];
  /** The answer in the pieces in which it is streamed. Their sum is the answer; `text` is then left out. */
  readonly chunks?: readonly string[];
  /** Thrown after whatever else the reply holds was sent. Give a `DagError` whose `retryable` is declared to have it retried. */
  readonly error?: Error;
  /** Wait before the first piece, in milliseconds, at least 0; ended by abort. @default 0 */
  readonly delayMs?: number;
  /** Wait before each further piece, in milliseconds, at least 0; ended by abort. @default 0 */
  readonly chunkDelayMs?: number;
  /** Tokens that the provider reports. @default none: they are counted, and marked as estimated */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  /** @default `tool_calls` with tool calls, else `stop` */
  readonly finishReason?: string;
}

/** What a scripted call sees of the request. */
export interface ScriptedCall extends ModelRequest {
  /** Text of the system message, empty when there is none. */
  readonly instructions: string;
  /** Text of the last message. */
  readonly prompt: string;
}

/** The answer's text; a value that is sent as JSON; or the parts of a reply. An `Error` is thrown. */
export type ScriptedReply = string | number | boolean | null | Error | ScriptedParts | object;

const partNames = new Set([
  "text",
  "json",
  "toolCalls",
  "chunks",
  "error",
  "delayMs",
  "chunkDelayMs",
  "usage",
  "finishReason",
]);

/** A reply in full: an object of which every field is a part is taken as parts, any other value is sent as JSON. */
export function partsOf(reply: ScriptedReply): ScriptedParts {
  if (typeof reply === "string") return { text: reply };
  if (reply instanceof Error) return { error: reply };
  const isParts =
    typeof reply === "object" &&
    reply !== null &&
    !Array.isArray(reply) &&
    Object.keys(reply).length > 0 &&
    Object.keys(reply).every((name) => partNames.has(name));
  return isParts ? (reply as ScriptedParts) : { json: reply };
}

/** Streams a reply, with its waits. @throws what the reply says, or the signal's reason when it is aborted. */
export async function* playParts(parts: ScriptedParts, signal: AbortSignal): AsyncGenerator<ModelChunk> {
  const { delayMs = 0, chunkDelayMs = 0, error } = parts;
  await waitMs(delayMs, signal);
  let first = true;
  for (const chunk of chunksOf(parts)) {
    if (!first) await waitMs(chunkDelayMs, signal);
    first = false;
    yield chunk;
  }
  if (error !== undefined) throw error;
  if (parts.usage !== undefined) yield { type: "usage", ...parts.usage };
  const called = (parts.toolCalls ?? []).length > 0;
  yield { type: "finish", reason: parts.finishReason ?? (called ? "tool_calls" : "stop") };
}

/** @throws DagError `VALUE_NOT_JSON` where the script holds what JSON cannot write. */
function asJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return JSON.stringify(jsonCopy(value, "VALUE_NOT_JSON", "The scripted reply"));
  }
}

function chunksOf(parts: ScriptedParts): ModelChunk[] {
  const texts = parts.chunks ?? [parts.text ?? ("json" in parts ? (asJson(parts.json) ?? "null") : "")];
  const calls = (parts.toolCalls ?? []).map(({ name, args = {}, id }, index): ModelChunk => {
    const text = typeof args === "string" ? args : asJson(args);
    return { type: "tool-call", index, id: id ?? `call-${index + 1}`, name, args: text };
  });
  return [
    ...texts.filter((text) => text !== "").map((text): ModelChunk => ({ type: "text", text })),
    ...calls,
  ];
}
