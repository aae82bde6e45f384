import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { defineDag, run } from "../../src/index.js";
import { speakers } from "./speakers.js";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

interface Wire {
  /** Bytes of one reply after the other; the last is said again. */
  readonly replies: readonly (readonly string[])[];
  /** Breaks the connection in place of ending the reply. */
  readonly breaks?: boolean;
  /** Content type; that of the provider's streams where it is not given. */
  readonly type?: string;
}

/** Runs one agent with the tool `wipe` on a server that says just these bytes, two attempts a request. */
async function agentOn(provider: string, { replies, breaks = false, type }: Wire) {
  const bodies: { messages?: unknown[]; contents?: unknown[] }[] = [];
  server = createServer(async (incoming, response) => {
    let text = "";
    for await (const part of incoming) text += part;
    bodies.push(JSON.parse(text));
    response.writeHead(200, {
      "content-type": type ?? (provider === "ollama" ? "application/x-ndjson" : "text/event-stream"),
    });
    for (const piece of replies[Math.min(bodies.length, replies.length) - 1] ?? []) response.write(piece);
    if (breaks) setTimeout(() => response.destroy(), 20);
    else response.end();
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const wiped: unknown[] = [];
  const wipe = tool(
    async (args) => {
      wiped.push(args);
      return "wiped";
    },
    { name: "wipe", description: "Wipes.", schema: z.object({ folder: z.string().optional() }) },
  );
  const retry = { maxAttempts: 2, initialIntervalMs: 1, maxIntervalMs: 1 };
  const spec = defineDag({
    name: "wires",
    nodes: { a: { instructions: "Go.", tools: [wipe], policy: { retry } } },
  });
  const speaker = speakers.find(({ name }) => name === provider);
  const model = speaker?.model(`http://127.0.0.1:${port}`) ?? "";
  const record = await run(spec, "go", { model, onEvent: () => {} });
  return { outcome: record.outcomes.a, call: record.calls.at(-1), requests: bodies.length, bodies, wiped };
}

const anthropic = (type: string, rest: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
const begin = anthropic("message_start", {
  message: { id: "m", role: "assistant", content: [], usage: { input_tokens: 12, output_tokens: 1 } },
});
const block = (index: number, content_block: object, ...deltas: readonly object[]) => [
  anthropic("content_block_start", { index, content_block }),
  ...deltas.map((delta) => anthropic("content_block_delta", { index, delta })),
  anthropic("content_block_stop", { index }),
];
const half = block(0, { type: "text", text: "" }, { type: "text_delta", text: "Half" });
const call = block(1, { type: "tool_use", id: "t", name: "wipe", input: {} });
const stop = (stop_reason: string) => [
  anthropic("message_delta", { delta: { stop_reason }, usage: { output_tokens: 5 } }),
  anthropic("message_stop"),
];

const tokens = { usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 5, totalTokenCount: 17 } };
const google = (reply: object) => `data: ${JSON.stringify({ ...tokens, ...reply })}\r\n\r\n`;
const candidate = (finishReason: string | undefined, parts?: readonly object[]) =>
  google({ candidates: [{ index: 0, finishReason, ...(parts && { content: { role: "model", parts } }) }] });

const usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 };
const chat = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }], ...(finish_reason && { usage }) })}\n\n`;
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const chatCall = (id: string | undefined, folder: string, index: number) => ({
  index,
  ...(id !== undefined && { id }),
  type: "function",
  function: { name: "wipe", arguments: JSON.stringify({ folder }) },
});

const line = (value: object) => `${JSON.stringify(value)}\n`;
const ollama = (message: object, rest: object = { done: false }) =>
  line({ model: "m", message: { role: "assistant", content: "", ...message }, ...rest });
const done = (rest: object) => ollama({}, { done: true, prompt_eval_count: 12, eval_count: 5, ...rest });
const ollamaCall = ollama({ tool_calls: [{ function: { name: "wipe", arguments: {} } }] });

const html = "<html><body>Gateway</body></html>";
const busy = "busy, come back";

describe("a reply that is none", () => {
  it.each<[string, string, readonly string[], string, number]>([
    // Where Anthropic's stream ends before the reason of its end, whatever came before.
    ...[0, 1, 2, 3, 4, 5, 6].map((events): [string, string, readonly string[], string, number] => [
      "anthropic",
      `after ${events} events`,
      [begin, ...half, ...call].slice(0, events),
      events > 2 ? "MODEL_STREAM_CUT" : "MODEL_BAD_RESPONSE",
      2,
    ]),
    ["anthropic", "max_tokens", [begin, ...half, ...call, ...stop("max_tokens")], "REPLY_TRUNCATED", 1],
    ["anthropic", "refusal", [begin, ...half, ...call, ...stop("refusal")], "MODEL_REFUSED", 1],
    ["anthropic", "pause_turn", [begin, ...half, ...call, ...stop("pause_turn")], "REPLY_PAUSED", 1],
    [
      "anthropic",
      "the context's end",
      [begin, ...half, ...stop("model_context_window_exceeded")],
      "REPLY_TRUNCATED",
      1,
    ],
    [
      "anthropic",
      "overloaded_error",
      [begin, ...half, anthropic("error", { error: { type: "overloaded_error", message: busy } })],
      "MODEL_SERVER_ERROR",
      2,
    ],
    [
      "anthropic",
      "rate_limit_error",
      [begin, anthropic("error", { error: { type: "rate_limit_error", message: busy } })],
      "MODEL_RATE_LIMITED",
      2,
    ],
    [
      "anthropic",
      "invalid_request_error",
      [begin, anthropic("error", { error: { type: "invalid_request_error", message: busy } })],
      "MODEL_BAD_REQUEST",
      1,
    ],
    [
      "anthropic",
      "a beginning without usage",
      [anthropic("message_start", { message: { id: "m", role: "assistant", content: [] } })],
      "MODEL_BAD_RESPONSE",
      2,
    ],
    ...["google-genai", "google"].flatMap(
      (provider): [string, string, readonly string[], string, number][] => [
        ...["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"].map(
          (reason): [string, string, readonly string[], string, number] => [
            provider,
            `${reason} without content`,
            [candidate(reason)],
            "MODEL_CONTENT_FILTERED",
            1,
          ],
        ),
        [provider, "MAX_TOKENS without content", [candidate("MAX_TOKENS")], "REPLY_TRUNCATED", 1],
        [
          provider,
          "MALFORMED_FUNCTION_CALL without content",
          [candidate("MALFORMED_FUNCTION_CALL")],
          "MODEL_REPLY_FAILED",
          2,
        ],
        [
          provider,
          "a call that was withheld",
          [candidate("SAFETY", [{ functionCall: { name: "wipe", args: {} } }])],
          "MODEL_CONTENT_FILTERED",
          1,
        ],
        [
          provider,
          "a call without an end",
          [candidate(undefined, [{ functionCall: { name: "wipe", args: {} } }])],
          "MODEL_STREAM_CUT",
          2,
        ],
        [
          provider,
          "a blocked prompt",
          [google({ promptFeedback: { blockReason: "OTHER" } })],
          "MODEL_CONTENT_FILTERED",
          1,
        ],
        [provider, "no candidates", [google({ candidates: [] })], "MODEL_BAD_RESPONSE", 2],
        [
          provider,
          "an error in its stream",
          [
            candidate(undefined, [{ text: "Half" }]),
            google({ error: { code: 503, message: busy, status: "UNAVAILABLE" } }),
          ],
          "MODEL_SERVER_ERROR",
          2,
        ],
      ],
    ),
    ...["mistralai", "deepseek"].flatMap(
      (provider): [string, string, readonly string[], string, number][] => [
        ...["length", "model_length"].map((reason): [string, string, readonly string[], string, number] => [
          provider,
          reason,
          [chat({ role: "assistant", tool_calls: [chatCall("abcdefghi", "x", 0)] }), chat({}, reason)],
          "REPLY_TRUNCATED",
          1,
        ]),
        ...["error", "insufficient_system_resource"].map(
          (reason): [string, string, readonly string[], string, number] => [
            provider,
            reason,
            [chat({ role: "assistant", tool_calls: [chatCall("abcdefghi", "x", 0)] }), chat({}, reason)],
            "MODEL_REPLY_FAILED",
            2,
          ],
        ),
        [
          provider,
          "an error in its stream",
          [chat({ role: "assistant", content: "Half" }), event({ error: { message: busy, code: 503 } })],
          "MODEL_SERVER_ERROR",
          2,
        ],
        [
          provider,
          "an error with a code of its own",
          [event({ object: "error", message: busy, type: "invalid_request_error", code: 3051 })],
          "MODEL_BAD_REQUEST",
          1,
        ],
        [provider, "a page of HTML", [html], "MODEL_BAD_RESPONSE", 2],
      ],
    ),
    ["ollama", "length", [ollamaCall, done({ done_reason: "length" })], "REPLY_TRUNCATED", 1],
    ["ollama", "load", [done({ done_reason: "load" })], "MODEL_REPLY_FAILED", 2],
    ["ollama", "a call without an end", [ollamaCall], "MODEL_STREAM_CUT", 2],
    ["ollama", "half a line", [ollama({ content: "Half" }), '{"model":"m","mes'], "MODEL_STREAM_CUT", 2],
    [
      "ollama",
      "a line of error",
      [ollama({ content: "Half" }), line({ error: busy })],
      "MODEL_SERVER_ERROR",
      2,
    ],
    ["ollama", "a status of error", [line({ error: busy, status_code: 429 })], "MODEL_RATE_LIMITED", 2],
    ["ollama", "an error that stays", [line({ error: busy, status_code: 400 })], "MODEL_BAD_REQUEST", 1],
    ["ollama", "a page of HTML", [html], "MODEL_BAD_RESPONSE", 2],
  ])("%s: %s", async (provider, _, pieces, code, requests) => {
    const printed = jest.spyOn(console, "warn").mockImplementation(() => {});
    const run = await agentOn(provider, { replies: [pieces] });
    expect(run.outcome).toMatchObject({ state: "failed", error: { code } });
    if (pieces.some((piece) => piece.includes(busy)))
      expect(run.outcome).toMatchObject({ error: { message: expect.stringContaining(busy) } });
    expect(run).toMatchObject({ requests, wiped: [] });
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  });

  it.each([
    ["anthropic", [begin, ...half, ...call]],
    ["google-genai", [candidate(undefined, [{ functionCall: { name: "wipe", args: {} } }])]],
    ["google", [candidate(undefined, [{ functionCall: { name: "wipe", args: {} } }])]],
    ["mistralai", [chat({ role: "assistant", tool_calls: [chatCall("abcdefghi", "x", 0)] })]],
    ["deepseek", [chat({ role: "assistant", tool_calls: [chatCall("abcdefghi", "x", 0)] })]],
    ["ollama", [ollamaCall]],
  ])("%s: the connection breaks, and nothing but the node fails", async (provider, pieces) => {
    const run = await agentOn(provider, { replies: [pieces], breaks: true });
    expect(run.outcome).toMatchObject({ state: "failed", error: { code: "MODEL_CONNECTION_LOST" } });
    expect(run).toMatchObject({ requests: 2, wiped: [] });
  });
});

describe("a server of another kind behind Ollama's package", () => {
  it.each(["text/event-stream", "text/event-stream; charset=utf-8", "text/html", "text/plain"])(
    "is told as such, and nothing of its %s is printed",
    async (type) => {
      const printed = jest.spyOn(console, "warn").mockImplementation(() => {});
      const pieces = [chat({ role: "assistant", content: "sk-secret" }), chat({}, "stop")];
      const { outcome, requests } = await agentOn("ollama", { replies: [pieces], type });
      expect(outcome).toMatchObject({ state: "failed", error: { code: "MODEL_BAD_RESPONSE" } });
      expect(outcome).toMatchObject({ error: { message: expect.stringContaining(type) } });
      expect(requests).toBe(2);
      expect(printed).not.toHaveBeenCalled();
      printed.mockRestore();
    },
  );
});

describe("a reply that has said how it ended", () => {
  const whole: [string, readonly string[]][] = [
    ["openai", [chat({ role: "assistant", content: "Whole" }), chat({}, "stop")]],
    ["deepseek", [chat({ role: "assistant", content: "Whole" }), chat({}, "stop")]],
    ["mistralai", [chat({ role: "assistant", content: "Whole" }), chat({ content: "" }, "stop")]],
    [
      "anthropic",
      [
        begin,
        ...block(0, { type: "text", text: "" }, { type: "text_delta", text: "Whole" }),
        ...stop("end_turn").slice(0, 1),
      ],
    ],
    ["google-genai", [candidate("STOP", [{ text: "Whole" }])]],
    ["google", [candidate("STOP", [{ text: "Whole" }])]],
    ["ollama", [ollama({ content: "Whole" }), done({ done_reason: "stop" })]],
  ];
  it.each(whole)("%s: is whole, though its connection breaks then", async (provider, pieces) => {
    const run = await agentOn(provider, { replies: [pieces], breaks: true });
    expect(run.outcome).toMatchObject({ state: "completed", value: "Whole" });
    expect(run.requests).toBe(1);
  });

  it.each(["openai", "deepseek"])("%s: is whole, though its end mark is cut", async (provider) => {
    const pieces = [chat({ role: "assistant", content: "Whole" }), chat({}, "stop"), "data: [DO"];
    const run = await agentOn(provider, { replies: [pieces] });
    expect(run.outcome).toMatchObject({ state: "completed", value: "Whole" });
  });
});

describe("a stream that ends within an event", () => {
  it.each<[string, readonly string[]]>([
    ["openai", [chat({ role: "assistant", content: "Half" }), chat({ content: " way" }).slice(0, -20)]],
    ["anthropic", [begin, ...half, anthropic("message_delta").slice(0, -8)]],
    ["ollama", [ollama({ content: "Half" }), done({}).slice(0, -20)]],
  ])("%s: is cut, and keeps what came", async (provider, pieces) => {
    const run = await agentOn(provider, { replies: [pieces] });
    expect(run.outcome).toMatchObject({ error: { code: "MODEL_STREAM_CUT", text: "Half" } });
    expect(run.requests).toBe(2);
  });

  it("of Mistral is told as one that cannot be read, where its package does not know it", async () => {
    const run = await agentOn("mistralai", { replies: [[event({ choices: [], usage: {} })]] });
    expect(run.outcome).toMatchObject({ error: { code: "MODEL_BAD_RESPONSE" } });
    expect(run.requests).toBe(2);
  });
});

describe("calls of tools", () => {
  const said = {
    anthropic: [
      begin,
      ...block(0, { type: "text", text: "" }, { type: "text_delta", text: "done" }),
      ...stop("end_turn"),
    ],
    mistralai: [chat({ role: "assistant", content: "done" }), chat({}, "stop")],
    deepseek: [chat({ role: "assistant", content: "done" }), chat({}, "stop")],
    "google-genai": [candidate("STOP", [{ text: "done" }])],
    google: [candidate("STOP", [{ text: "done" }])],
    ollama: [ollama({ content: "done" }), done({ done_reason: "stop" })],
  };
  const googleCalls = (id: string | undefined) =>
    candidate(
      "STOP",
      ["a", "b"].map((folder) => ({ functionCall: { name: "wipe", args: { folder }, ...(id && { id }) } })),
    );
  const twice = (id: string | undefined) => ({
    anthropic: [
      begin,
      ...["a", "b"].flatMap((folder, index) =>
        block(
          index,
          { type: "tool_use", id: id ?? "", name: "wipe", input: {} },
          {
            type: "input_json_delta",
            partial_json: JSON.stringify({ folder }),
          },
        ),
      ),
      ...stop("tool_use"),
    ],
    mistralai: [
      chat({ role: "assistant", tool_calls: [chatCall(id, "a", 0), chatCall(id, "b", 1)] }),
      chat({}, "tool_calls"),
    ],
    deepseek: [
      chat({ role: "assistant", tool_calls: [chatCall(id, "a", 0), chatCall(id, "b", 1)] }),
      chat({}, "tool_calls"),
    ],
    "google-genai": [googleCalls(id)],
    google: [googleCalls(id)],
    ollama: [
      ...["a", "b"].map((folder) =>
        ollama({ tool_calls: [{ ...(id && { id }), function: { name: "wipe", arguments: { folder } } }] }),
      ),
      done({ done_reason: "stop" }),
    ],
  });
  const providers = Object.keys(said) as (keyof typeof said)[];

  it.each(
    providers.flatMap((provider) =>
      ["abcdefghi", "", undefined].map(
        (id) => [provider, id === undefined ? "missing" : `"${id}"`, id] as const,
      ),
    ),
  )("%s: two with the id %s each run, and keep apart", async (provider, _, id) => {
    const run = await agentOn(provider, { replies: [twice(id)[provider], said[provider]] });
    expect(run.outcome).toMatchObject({ state: "completed", value: "done" });
    expect(run.wiped).toEqual([{ folder: "a" }, { folder: "b" }]);
    const back = JSON.stringify(run.bodies[1]);
    const ids = [...back.matchAll(/"(?:tool_call_id|tool_use_id)":"([^"]*)"/g)].map((found) => found[1]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain("");
  });
});

describe("thoughts", () => {
  it("of Anthropic go back signed, in their place", async () => {
    const thinking = block(
      0,
      { type: "thinking", thinking: "", signature: "" },
      { type: "thinking_delta", thinking: "hm" },
      { type: "signature_delta", signature: "SIG" },
    );
    const hidden = block(1, { type: "redacted_thinking", data: "RED" });
    const wipe = block(2, { type: "tool_use", id: "t", name: "wipe", input: {} });
    const end = block(0, { type: "text", text: "" }, { type: "text_delta", text: "done" });
    const run = await agentOn("anthropic", {
      replies: [
        [begin, ...thinking, ...hidden, ...wipe, ...stop("tool_use")],
        [begin, ...end, ...stop("end_turn")],
      ],
    });
    expect(run.outcome).toMatchObject({ value: "done" });
    expect(run.bodies[1]?.messages?.[1]).toMatchObject({
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm", signature: "SIG" },
        { type: "redacted_thinking", data: "RED" },
        { type: "tool_use", id: "t", input: {} },
      ],
    });
  });

  it("of DeepSeek go back with the calls they led to", async () => {
    const run = await agentOn("deepseek", {
      replies: [
        [
          chat({ role: "assistant", content: null, reasoning_content: "hm" }),
          chat({ tool_calls: [chatCall("a", "x", 0)] }),
          chat({}, "tool_calls"),
        ],
        [chat({ content: "done" }), chat({}, "stop")],
      ],
    });
    expect(run.bodies[1]?.messages?.at(-2)).toMatchObject({ role: "assistant", reasoning_content: "hm" });
  });
});

describe("usage", () => {
  it.each(["google-genai", "google"])(
    "of Gemini holds the thoughts, which are paid beside the answer, and the cache: %s",
    async (provider) => {
      const usageMetadata = {
        promptTokenCount: 100,
        cachedContentTokenCount: 90,
        candidatesTokenCount: 10,
        thoughtsTokenCount: 40,
        totalTokenCount: 150,
      };
      const content = { role: "model", parts: [{ text: "Hello" }] };
      const reply = google({ candidates: [{ index: 0, finishReason: "STOP", content }], usageMetadata });
      const { call: told } = await agentOn(provider, { replies: [[reply]] });
      expect(told).toMatchObject({
        inputTokens: 100,
        cachedInputTokens: 90,
        outputTokens: 50,
        reasoningTokens: 40,
        estimated: false,
      });
    },
  );

  it.each([
    ["whole", { thoughtsTokenCount: 40 }, { inputTokens: 320, outputTokens: 50, reasoningTokens: 40 }],
    ["without thoughts", {}, { inputTokens: 320, outputTokens: 10 }],
  ])("of Gemini holds what its own tools gave it to read as input: %s", async (_, thoughts, expected) => {
    const all = {
      promptTokenCount: 100,
      candidatesTokenCount: 10,
      toolUsePromptTokenCount: 220,
      ...thoughts,
    };
    const totalTokenCount = Object.values(all).reduce((sum, count) => sum + count, 0);
    const first = { promptTokenCount: 100, candidatesTokenCount: 2, totalTokenCount: 102 };
    const said = (text: string, usageMetadata: object, finishReason?: string) =>
      google({
        candidates: [{ index: 0, finishReason, content: { role: "model", parts: [{ text }] } }],
        usageMetadata,
      });
    const last = said("lo", { ...all, totalTokenCount }, "STOP");
    for (const reply of [[last], [said("Hel", first), last]]) {
      const { call: told } = await agentOn("google", { replies: [reply] });
      expect(told).toMatchObject({ ...expected, estimated: false });
    }
  });

  it("of Ollama's servers of old, whose replies end without a reason, counts", async () => {
    const run = await agentOn("ollama", { replies: [[ollama({ content: "Hello" }), done({})]] });
    expect(run.outcome).toMatchObject({ state: "completed", value: "Hello" });
    expect(run.call).toMatchObject({ inputTokens: 12, outputTokens: 5, estimated: false });
  });
});
