import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { ChatOpenAI } from "@langchain/openai";
import {
  beginStream,
  type RawServer,
  rawServer,
  sendDelta,
  sendEvent,
  sendReply,
} from "../models/raw-server.js";

/** Writes the reply to the `nth` request (from 1) of the node that fails. */
export type FaultyReply = (to: {
  response: ServerResponse;
  socket: Socket;
  nth: number;
  reply: Replies;
}) => void;

/** How to answer regularly, streamed or not. */
export interface Replies {
  readonly streamed: boolean;
  text(text: string, finish?: string): void;
  toolCall(name: string, args: string): void;
  json(body: unknown): void;
}

/** A server that answers requests whose prompt says "TARGET" with `faulty`, and every other regularly. */
export async function faultServer(streamed: boolean, faulty: FaultyReply): Promise<RawServer> {
  let nth = 0;
  return rawServer((response, { body }, socket) => {
    const reply = repliesTo(response, streamed);
    if (!JSON.stringify(body.messages).includes("TARGET")) reply.text("a regular answer");
    else faulty({ response, socket, nth: ++nth, reply });
  });
}

/** A user's own chat model, with LangChain's retries left on: they have to be off in a run. */
export function clientOf(url: string, streamed: boolean): ChatOpenAI {
  return new ChatOpenAI({ model: "m", apiKey: "k", streaming: streamed, configuration: { baseURL: url } });
}

function repliesTo(response: ServerResponse, streamed: boolean): Replies {
  const json = (body: unknown) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
  const whole = (message: object, finish: string) =>
    json({
      id: "c",
      object: "chat.completion",
      choices: [{ index: 0, finish_reason: finish, message: { role: "assistant", ...message } }],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    });
  return {
    streamed,
    json,
    text(text, finish = "stop") {
      if (streamed) sendReply(response, text, finish);
      else whole({ content: text }, finish);
    },
    toolCall(name, args) {
      const call = { id: "t1", type: "function", function: { name, arguments: args } };
      if (!streamed) return whole({ content: null, tool_calls: [call] }, "tool_calls");
      beginStream(response);
      sendDelta(response, { role: "assistant", content: null, tool_calls: [{ index: 0, ...call }] });
      sendDelta(response, {}, "tool_calls");
      sendEvent(response, {
        id: "c1",
        choices: [],
        usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
      });
      response.end("data: [DONE]\n\n");
    },
  };
}
