import { getEventListeners } from "node:events";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { ChatOpenAI } from "@langchain/openai";
import { DagError } from "../../src/errors.js";
import { langchainModel } from "../../src/models/langchain-model.js";
import { freePort } from "../support/server-process.js";
import {
  beginStream,
  type RawServer,
  rawServer,
  sendDelta,
  sendError,
  sendEvent,
  sendReply,
} from "./raw-server.js";
import { chunksOf, failureOf, request } from "./requests.js";

const key = "sk-test-3vErYsEcReT0123456789";
let server: RawServer | undefined;

async function openAi(reply: Parameters<typeof rawServer>[0]) {
  server = await rawServer(reply);
  return langchainModel(new ChatOpenAI({ model: "m", apiKey: key, configuration: { baseURL: server.url } }));
}

afterEach(async () => {
  await server?.close();
  server = undefined;
});

describe("a status that is an error", () => {
  const cases = [
    { status: 400, code: "MODEL_BAD_REQUEST", retryable: false },
    { status: 401, code: "MODEL_UNAUTHORIZED", retryable: false },
    { status: 403, code: "MODEL_UNAUTHORIZED", retryable: false },
    { status: 404, code: "MODEL_NOT_FOUND", retryable: false },
    { status: 408, code: "MODEL_TIMEOUT", retryable: true },
    { status: 409, code: "MODEL_CONFLICT", retryable: true },
    { status: 422, code: "MODEL_BAD_REQUEST", retryable: false },
    { status: 429, code: "MODEL_RATE_LIMITED", retryable: true },
    { status: 500, code: "MODEL_SERVER_ERROR", retryable: true },
    { status: 503, code: "MODEL_SERVER_ERROR", retryable: true },
  ];
  it.each(cases)(
    "$status is $code after exactly one request, retryable: $retryable",
    async ({ status, code, retryable }) => {
      const model = await openAi((response) =>
        sendError(response, status, { message: `it broke with ${key}`, code: "x" }),
      );
      const { error } = await failureOf(model);
      expect(error).toBeInstanceOf(DagError);
      expect({ code: error.code, retryable: error.retryable }).toEqual({ code, retryable });
      expect(error.facts).toMatchObject({ model: "openai:m", status });
      expect(server?.seen).toHaveLength(1);
      expect(`${error.message} ${error.stack} ${(error.cause as Error).stack}`).not.toContain(key);
      expect(error.message).toContain("it broke with [redacted]");
    },
  );

  it("does not let a spent quota be retried", async () => {
    const body = {
      message: "You exceeded your current quota",
      code: "insufficient_quota",
      type: "insufficient_quota",
    };
    const model = await openAi((response) => sendError(response, 429, body));
    const { error } = await failureOf(model);
    expect(error).toMatchObject({ code: "MODEL_RATE_LIMITED", retryable: false });
  });

  it.each([
    ["in seconds", { "retry-after": "2" }, 2000],
    ["in milliseconds", { "retry-after": "9", "retry-after-ms": "1500" }, 1500],
    [
      "as a date",
      { date: "Tue, 03 Mar 2026 10:00:00 GMT", "retry-after": "Tue, 03 Mar 2026 10:01:30 GMT" },
      90_000,
    ],
    ["not at all", {}, undefined],
  ])("reads Retry-After %s", async (_, headers, retryAfterMs) => {
    const model = await openAi((response) =>
      sendError(response, 429, { message: "slow down" }, headers as Record<string, string>),
    );
    const { error } = await failureOf(model);
    expect(error.facts.retryAfterMs).toBe(retryAfterMs);
    expect(server?.seen).toHaveLength(1);
  });

  it("asks once more without stream_options when the server refuses them, and never with them again", async () => {
    const model = await openAi((response, { body }) => {
      if ("stream_options" in body)
        sendError(response, 400, { message: "Unknown parameter: stream_options" });
      else sendReply(response, "fine");
    });
    expect(await chunksOf(model)).toContainEqual({ type: "text", text: "fine" });
    await chunksOf(model);
    expect(server?.seen.map(({ body }) => "stream_options" in body)).toEqual([true, false, false]);
  });
});

describe("rate-limit headers", () => {
  const headers = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-remaining-tokens": "199000",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-reset-tokens": "6m0.5s",
  };
  const limits = {
    limitRequests: 500,
    limitTokens: null,
    remainingRequests: 499,
    remainingTokens: 199_000,
    resetRequestsMs: 120,
    resetTokensMs: 360_500,
    retryAfterMs: null,
  };

  it("come as the first chunk of a reply", async () => {
    const model = await openAi((response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      sendReply(response, "fine");
    });
    expect((await chunksOf(model))[0]).toEqual({ type: "rate-limit", limits });
  });

  it("come also from a user's instance that was in use before", async () => {
    server = await rawServer((response) => {
      response.setHeader("x-ratelimit-remaining-requests", "9");
      sendReply(response, "fine");
    });
    const instance = new ChatOpenAI({ model: "m", apiKey: key, configuration: { baseURL: server.url } });
    await instance.stream("hello");
    expect((await chunksOf(langchainModel(instance)))[0]).toHaveProperty("limits.remainingRequests", 9);
  });

  it("come as a fact of an error", async () => {
    const model = await openAi((response) =>
      sendError(response, 429, { message: "slow" }, { ...headers, "retry-after": "1" }),
    );
    expect((await failureOf(model)).error.facts.rateLimit).toEqual({ ...limits, retryAfterMs: 1000 });
  });
});

describe("a connection that breaks", () => {
  it("is MODEL_UNREACHABLE where nothing listens, and names the address", async () => {
    const url = `http://127.0.0.1:${await freePort()}/v1`;
    const model = langchainModel(
      new ChatOpenAI({ model: "m", apiKey: key, configuration: { baseURL: url } }),
    );
    const { error } = await failureOf(model);
    expect(error).toMatchObject({ code: "MODEL_UNREACHABLE", retryable: true });
    expect(error.message).toContain(`at ${url}`);
    expect(error.message).toContain("ECONNREFUSED");
  });

  it("is MODEL_UNREACHABLE where the host does not resolve", async () => {
    const configuration = { baseURL: "http://nowhere.invalid/v1" };
    const model = langchainModel(new ChatOpenAI({ model: "m", apiKey: key, configuration }));
    const { error } = await failureOf(model);
    expect(error).toMatchObject({ code: "MODEL_UNREACHABLE", retryable: true });
    expect(error.message).toMatch(/ENOTFOUND|EAI_AGAIN/);
  });

  it("is MODEL_CONNECTION_LOST when it is reset before the headers", async () => {
    const model = await openAi((_response, _request, socket) => socket.resetAndDestroy());
    const { error } = await failureOf(model);
    expect(error).toMatchObject({ code: "MODEL_CONNECTION_LOST", retryable: true });
    expect(server?.seen).toHaveLength(1);
  });

  it("is MODEL_CONNECTION_LOST when it is reset in mid-stream, after what had come", async () => {
    const model = await openAi((response, _request, socket) => {
      beginStream(response);
      sendDelta(response, { role: "assistant", content: "half" });
      setTimeout(() => socket.resetAndDestroy(), 30);
    });
    const { error, chunks } = await failureOf(model);
    expect(error).toMatchObject({ code: "MODEL_CONNECTION_LOST", retryable: true });
    expect(chunks).toEqual([{ type: "text", text: "half" }]);
  });
});

describe("a reply that is not whole", () => {
  it("is MODEL_STREAM_CUT when the stream ends without a finish reason", async () => {
    const model = await openAi((response) => {
      beginStream(response);
      sendDelta(response, { role: "assistant", content: "half" });
      response.end();
    });
    const { error, chunks } = await failureOf(model);
    expect(error).toMatchObject({ code: "MODEL_STREAM_CUT", retryable: true });
    expect(chunks).toEqual([{ type: "text", text: "half" }]);
  });

  it("is MODEL_BAD_RESPONSE when an event is not JSON, and nothing is printed", async () => {
    const model = await openAi((response) => {
      beginStream(response);
      response.end("data: {oops\n\n");
    });
    const printed = jest.spyOn(console, "error");
    const { error } = await failureOf(model);
    expect(error).toMatchObject({ code: "MODEL_BAD_RESPONSE", retryable: true });
    expect(printed).not.toHaveBeenCalled();
  });

  it("is MODEL_BAD_RESPONSE when no choice comes", async () => {
    const model = await openAi((response) => {
      beginStream(response);
      sendEvent(response, { id: "c1", choices: [] });
      response.end("data: [DONE]\n\n");
    });
    const { error } = await failureOf(model);
    expect(error.code).toBe("MODEL_BAD_RESPONSE");
    expect(error.message).toContain("without choices");
  });

  it("is MODEL_BAD_RESPONSE when a page of HTML comes instead", async () => {
    const model = await openAi((response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.end("<html>welcome</html>");
    });
    expect((await failureOf(model)).error.code).toBe("MODEL_BAD_RESPONSE");
  });

  it("takes an error event in the stream for what it says", async () => {
    const model = await openAi((response) => {
      beginStream(response);
      sendEvent(response, { error: { message: "overloaded", type: "server_error", code: "server_error" } });
      response.end();
    });
    const { error } = await failureOf(model);
    expect(error).toMatchObject({ code: "MODEL_SERVER_ERROR", retryable: true });
    expect(error.message).toContain("overloaded");
  });

  it("is MODEL_CONTENT_FILTERED when the provider withheld it", async () => {
    const model = await openAi((response) => sendReply(response, "I", "content_filter"));
    expect((await failureOf(model)).error).toMatchObject({
      code: "MODEL_CONTENT_FILTERED",
      retryable: false,
    });
  });

  it("is no error when it was cut at the token limit: the finish reason says so", async () => {
    const model = await openAi((response) => sendReply(response, "and so", "length"));
    expect(await chunksOf(model)).toContainEqual({ type: "finish", reason: "length", model: "m" });
  });

  it("is MODEL_REPLY_TOO_LARGE for one event of 50 MB, which is not read to its end", async () => {
    const model = await openAi((response, _request, socket) => {
      beginStream(response);
      const megabyte = "x".repeat(1024 * 1024);
      let left = 50;
      response.write('data: {"choices":[{"delta":{"content":"');
      const more = () => {
        while (left > 0 && !socket.destroyed && response.write(megabyte)) left -= 1;
        if (left <= 0) response.end('"}}]}\n\n');
      };
      response.on("drain", more);
      more();
    });
    const { error } = await failureOf(model);
    expect(error).toMatchObject({ code: "MODEL_REPLY_TOO_LARGE", retryable: false });
    await server?.seen[0]?.closedByClient;
  });
});

describe("aborting", () => {
  it("closes a stalled stream's connection and throws the signal's reason", async () => {
    const model = await openAi((response) => {
      beginStream(response);
      sendDelta(response, { role: "assistant", content: "one" });
    });
    const controller = new AbortController();
    const reason = new DagError("MODEL_TIMEOUT", "too slow", { retryable: true });
    const seen: unknown[] = [];
    await expect(
      (async () => {
        for await (const chunk of model.call(request({ signal: controller.signal }))) {
          seen.push(chunk);
          controller.abort(reason);
        }
      })(),
    ).rejects.toBe(reason);
    expect(seen).toHaveLength(1);
    await server?.seen[0]?.closedByClient;
  });

  it("closes the connection of a request that has had no answer yet", async () => {
    const controller = new AbortController();
    const model = await openAi(() => controller.abort());
    const { error } = await failureOf(model, { signal: controller.signal });
    expect(error.code).toBe("ABORTED");
    await server?.seen[0]?.closedByClient;
  });

  it("sends nothing when the signal was aborted before", async () => {
    const model = await openAi((response) => sendReply(response, "late"));
    const { error } = await failureOf(model, { signal: AbortSignal.abort() });
    expect(error.code).toBe("ABORTED");
    expect(server?.seen).toHaveLength(0);
  });

  it("leaves no listener on the signal after a call, however it ended", async () => {
    const { signal } = new AbortController();
    let turn = 0;
    const model = await openAi((response) => {
      turn += 1;
      if (turn === 1) sendReply(response, "fine");
      else if (turn === 2) sendError(response, 500, { message: "no" });
      else {
        beginStream(response);
        sendDelta(response, { content: "one" });
      }
    });
    await chunksOf(model, { signal });
    await failureOf(model, { signal });
    for await (const _ of model.call(request({ signal }))) break;
    expect(turn).toBe(3);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("closes the connection when the reader stops early", async () => {
    const model = await openAi((response) => {
      beginStream(response);
      sendDelta(response, { role: "assistant", content: "one" });
    });
    for await (const _ of model.call(request())) break;
    await server?.seen[0]?.closedByClient;
  });
});
