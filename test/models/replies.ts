import type { ServerResponse } from "node:http";
import { ChatOpenAI } from "@langchain/openai";
import { beginStream, type RawServer, rawServer, sendDelta, sendEvent } from "./raw-server.js";

/** One event of a streamed reply: its delta, and how the reply ended. */
export type Line = readonly [delta: Record<string, unknown>, finish?: string | null];

/** Sends deltas as one streamed reply, with the end mark. */
export function stream(...lines: readonly Line[]) {
  return (response: ServerResponse) => {
    beginStream(response);
    for (const [delta, finish] of lines) sendDelta(response, delta, finish ?? null);
    response.end("data: [DONE]\n\n");
  };
}

/** A whole answer. */
export const says = (content: string, finish = "stop") =>
  stream([{ role: "assistant", content }], [{}, finish]);

/** A tool call in one delta. */
export const calls = (name: string, args: string, { id = "c1", finish = "tool_calls" } = {}) =>
  stream(
    [
      {
        role: "assistant",
        content: null,
        tool_calls: [{ index: 0, id, type: "function", function: { name, arguments: args } }],
      },
    ],
    [{}, finish],
  );

/** Sends any events as they are. */
export const events =
  (...all: readonly unknown[]) =>
  (response: ServerResponse) => {
    beginStream(response);
    for (const event of all) sendEvent(response, event);
    response.end("data: [DONE]\n\n");
  };

/** How a server answers one request. */
export type Reply = (response: ServerResponse, body: Record<string, unknown>) => void;

/** A server that answers the nth request with the nth reply, the last one for ever, and a model that asks it. */
export async function replying(
  ...replies: readonly Reply[]
): Promise<{ server: RawServer; model: ChatOpenAI }> {
  const server: RawServer = await rawServer((response, { body }) => {
    const reply = replies[Math.min(server.seen.length, replies.length) - 1];
    reply?.(response, body);
  });
  const configuration = { baseURL: server.url };
  return { server, model: new ChatOpenAI({ model: "gpt-4.1-mini", apiKey: "k", configuration }) };
}
