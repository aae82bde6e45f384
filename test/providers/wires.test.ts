import { describe, expect, it, jest } from "@jest/globals";
import {
  agentOn,
  anthropic,
  begin,
  block,
  busy,
  call,
  candidate,
  chat,
  chatCall,
  done,
  event,
  google,
  half,
  html,
  line,
  ollama,
  ollamaCall,
  stop,
} from "../support/wire-agent.js";

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
