import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { ChatOpenAI } from "@langchain/openai";
import { langchainModel } from "../../src/models/langchain-model.js";
import { type RawServer, rawServer, sendError } from "./raw-server.js";
import { chunksOf, failureOf } from "./requests.js";

let server: RawServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** A user's ChatOpenAI with streaming switched off and LangChain's own retries left on. */
async function unstreamed(reply: (response: ServerResponse, socket: Socket) => void) {
  server = await rawServer((response, _request, socket) => reply(response, socket));
  const configuration = { baseURL: server.url };
  return langchainModel(new ChatOpenAI({ model: "m", apiKey: "k", streaming: false, configuration }));
}

const json = (response: ServerResponse, body: string) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.write(body);
};

const completion = (choices: unknown[]) => JSON.stringify({ id: "c", object: "chat.completion", choices });

const choice = (content: string, finish: string) => ({
  index: 0,
  finish_reason: finish,
  message: { role: "assistant", content },
});

describe("a reply that is not streamed", () => {
  it.each([
    ["status 500", "MODEL_SERVER_ERROR", true, (r: ServerResponse) => sendError(r, 500, { message: "no" })],
    ["status 429", "MODEL_RATE_LIMITED", true, (r: ServerResponse) => sendError(r, 429, { message: "no" })],
    ["status 401", "MODEL_UNAUTHORIZED", false, (r: ServerResponse) => sendError(r, 401, { message: "no" })],
    ["no choices", "MODEL_BAD_RESPONSE", true, (r: ServerResponse) => json(r, completion([]))],
    ["malformed JSON", "MODEL_BAD_RESPONSE", true, (r: ServerResponse) => json(r, '{"choices":[{"mess')],
    [
      "a content filter",
      "MODEL_CONTENT_FILTERED",
      false,
      (r: ServerResponse) => json(r, completion([choice("I", "content_filter")])),
    ],
    [
      "a reset before the headers",
      "MODEL_CONNECTION_LOST",
      true,
      (_: ServerResponse, socket: Socket) => socket.resetAndDestroy(),
    ],
    [
      "a body that is cut",
      "MODEL_CONNECTION_LOST",
      true,
      (r: ServerResponse, socket: Socket) => {
        r.writeHead(200, { "content-type": "application/json", "content-length": 5000 });
        r.write('{"id":', () => socket.end());
      },
    ],
    [
      "a body of 5 MB",
      "MODEL_REPLY_TOO_LARGE",
      false,
      (r: ServerResponse) => json(r, completion([choice("x".repeat(5 * 1024 * 1024), "stop")])),
    ],
  ] as const)("with %s is %s after one request, retryable: %s", async (_, code, retryable, reply) => {
    const model = await unstreamed((response, socket) => {
      reply(response, socket);
      if (!socket.destroyed) response.end();
    });
    const { error } = await failureOf(model);
    expect({ code: error.code, retryable: error.retryable }).toEqual({ code, retryable });
    expect(server?.seen).toHaveLength(1);
  });

  it("that was cut at the token limit is no error", async () => {
    const model = await unstreamed((response) => {
      json(response, completion([choice("and so", "length")]));
      response.end();
    });
    expect(await chunksOf(model)).toEqual([
      { type: "text", text: "and so" },
      { type: "finish", reason: "length" },
    ]);
  });
});
