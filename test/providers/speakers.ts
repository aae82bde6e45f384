import type { IncomingMessage, ServerResponse } from "node:http";
import { ChatAnthropic } from "@langchain/anthropic";
import { ChatDeepSeek } from "@langchain/deepseek";
import { ChatGoogle } from "@langchain/google";
import { ChatGoogleGenerativeAI } from "@langchain/google-genai";
import { ChatMistralAI } from "@langchain/mistralai";
import { ChatOllama } from "@langchain/ollama";
import { ChatOpenAI } from "@langchain/openai";
import type { ChatModelLike } from "../../src/spec/shape.js";

/** What a server is to say. */
export type Saying =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "tool"; readonly name: string; readonly args: Record<string, unknown> }
  /** A text that ends at the token limit. */
  | { readonly kind: "length"; readonly text: string }
  /** A text whose stream breaks off without an end. */
  | { readonly kind: "broken"; readonly text: string }
  /** A reply that the provider withholds. */
  | { readonly kind: "withheld" }
  | { readonly kind: "overloaded"; readonly retryAfter?: string };

/** A provider: how to make its model, and how its server speaks. */
export interface Speaker {
  readonly name: string;
  model(url: string): ChatModelLike;
  say(response: ServerResponse, request: IncomingMessage, saying: Saying): void;
  /** The body of a text that is asked for whole; `undefined` where the package asks for streams only. */
  whole?(text: string): unknown;
}

const usage = { input: 12, output: 5 };

const head = (response: ServerResponse, type = "text/event-stream") =>
  response.writeHead(200, { "content-type": type });

function refuseWith(response: ServerResponse, status: number, body: unknown, retryAfter?: string): void {
  response.writeHead(status, {
    "content-type": "application/json",
    ...(retryAfter !== undefined && { "retry-after": retryAfter }),
  });
  response.end(JSON.stringify(body));
}

function sayAsOpenAi(response: ServerResponse, _request: IncomingMessage, saying: Saying): void {
  if (saying.kind === "overloaded") {
    refuseWith(response, 503, { error: { message: "busy, come back" } }, saying.retryAfter);
    return;
  }
  head(response);
  const event = (delta: unknown, finish: string | null, rest = {}) =>
    response.write(
      `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }], ...rest })}\n\n`,
    );
  const counts = {
    usage: {
      prompt_tokens: usage.input,
      completion_tokens: usage.output,
      total_tokens: usage.input + usage.output,
    },
  };
  if (saying.kind === "tool") {
    const called = { name: saying.name, arguments: JSON.stringify(saying.args) };
    event(
      {
        role: "assistant",
        content: "",
        tool_calls: [{ index: 0, id: "abcdefghi", type: "function", function: called }],
      },
      null,
    );
    event({ content: "" }, "tool_calls", counts);
  } else if (saying.kind === "withheld") event({ role: "assistant", content: "" }, "content_filter", counts);
  else {
    event({ role: "assistant", content: saying.text }, null);
    if (saying.kind === "broken") {
      response.end();
      return;
    }
    event({ content: "" }, saying.kind === "length" ? "length" : "stop", counts);
  }
  response.end("data: [DONE]\n\n");
}

function sayAsAnthropic(response: ServerResponse, _request: IncomingMessage, saying: Saying): void {
  if (saying.kind === "overloaded") {
    refuseWith(
      response,
      529,
      { type: "error", error: { type: "overloaded_error", message: "busy, come back" } },
      saying.retryAfter,
    );
    return;
  }
  head(response);
  const event = (type: string, rest: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`);
  const message = {
    id: "m",
    type: "message",
    role: "assistant",
    model: "m",
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
  event("message_start", { message: { ...message, usage: { input_tokens: usage.input, output_tokens: 1 } } });
  const block =
    saying.kind === "tool"
      ? { type: "tool_use", id: "toolu_1", name: saying.name, input: {} }
      : { type: "text", text: "" };
  event("content_block_start", { index: 0, content_block: block });
  if (saying.kind === "tool") {
    if (Object.keys(saying.args).length > 0)
      event("content_block_delta", {
        index: 0,
        delta: { type: "input_json_delta", partial_json: JSON.stringify(saying.args) },
      });
  } else if (saying.kind !== "withheld")
    event("content_block_delta", { index: 0, delta: { type: "text_delta", text: saying.text } });
  if (saying.kind === "broken") {
    response.end();
    return;
  }
  const stop = { text: "end_turn", tool: "tool_use", length: "max_tokens", withheld: "refusal" }[saying.kind];
  event("content_block_stop", { index: 0 });
  event("message_delta", {
    delta: { stop_reason: stop, stop_sequence: null },
    usage: { output_tokens: usage.output },
  });
  event("message_stop", {});
  response.end();
}

function sayAsOllama(response: ServerResponse, _request: IncomingMessage, saying: Saying): void {
  if (saying.kind === "overloaded") {
    refuseWith(response, 503, { error: "busy, come back" }, saying.retryAfter);
    return;
  }
  head(response, "application/x-ndjson");
  const line = (message: object, rest: object) =>
    response.write(
      `${JSON.stringify({ model: "m", created_at: "2026-01-01T00:00:00Z", message: { role: "assistant", content: "", ...message }, ...rest })}\n`,
    );
  if (saying.kind === "tool")
    line({ tool_calls: [{ function: { name: saying.name, arguments: saying.args } }] }, { done: false });
  else if (saying.kind !== "withheld") line({ content: saying.text }, { done: false });
  if (saying.kind === "broken") {
    response.end();
    return;
  }
  const reason = saying.kind === "length" ? "length" : saying.kind === "withheld" ? "content_filter" : "stop";
  line({}, { done: true, done_reason: reason, prompt_eval_count: usage.input, eval_count: usage.output });
  response.end();
}

function sayAsGoogle(response: ServerResponse, _request: IncomingMessage, saying: Saying): void {
  if (saying.kind === "overloaded") {
    refuseWith(
      response,
      503,
      { error: { code: 503, message: "busy, come back", status: "UNAVAILABLE" } },
      saying.retryAfter,
    );
    return;
  }
  head(response);
  const event = (parts: unknown[], finishReason: string | undefined, counts = {}) =>
    response.write(
      `data: ${JSON.stringify({ candidates: [{ index: 0, content: { role: "model", parts }, ...(finishReason && { finishReason }) }], ...counts })}\r\n\r\n`,
    );
  const counts = {
    usageMetadata: {
      promptTokenCount: usage.input,
      candidatesTokenCount: usage.output,
      totalTokenCount: usage.input + usage.output,
    },
  };
  if (saying.kind === "tool")
    event([{ functionCall: { name: saying.name, args: saying.args } }], "STOP", counts);
  else if (saying.kind === "withheld") event([], "SAFETY", counts);
  else if (saying.kind === "broken") event([{ text: saying.text }], undefined);
  else event([{ text: saying.text }], saying.kind === "length" ? "MAX_TOKENS" : "STOP", counts);
  response.end();
}

const wholeCompletion = (content: string) => ({
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  usage: {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
  },
});

const wholeMessage = (text: string) => ({
  id: "m",
  type: "message",
  role: "assistant",
  model: "m",
  content: [{ type: "text", text }],
  stop_reason: "end_turn",
  usage: { input_tokens: usage.input, output_tokens: usage.output },
});

const wholeContent = (text: string) => ({
  candidates: [{ index: 0, content: { role: "model", parts: [{ text }] }, finishReason: "STOP" }],
  usageMetadata: {
    promptTokenCount: usage.input,
    candidatesTokenCount: usage.output,
    totalTokenCount: usage.input + usage.output,
  },
});

/** Every provider that is proved, each with the server that its package expects. */
export const speakers: readonly Speaker[] = [
  {
    name: "openai",
    model: (url) =>
      new ChatOpenAI({ model: "gpt-4.1-mini", apiKey: "k", configuration: { baseURL: `${url}/v1` } }),
    say: sayAsOpenAi,
    whole: wholeCompletion,
  },
  {
    name: "anthropic",
    model: (url) => new ChatAnthropic({ model: "claude-sonnet-4-5", apiKey: "k", anthropicApiUrl: url }),
    say: sayAsAnthropic,
    whole: wholeMessage,
  },
  { name: "ollama", model: (url) => new ChatOllama({ model: "llama3.2", baseUrl: url }), say: sayAsOllama },
  {
    name: "google-genai",
    model: (url) => new ChatGoogleGenerativeAI({ model: "gemini-2.5-flash", apiKey: "k", baseUrl: url }),
    say: sayAsGoogle,
    whole: wholeContent,
  },
  {
    name: "google",
    model: (url) => new ChatGoogle({ model: "gemini-2.5-flash", apiKey: "k", endpoint: url }),
    say: sayAsGoogle,
    whole: wholeContent,
  },
  {
    name: "mistralai",
    model: (url) => new ChatMistralAI({ model: "mistral-small-latest", apiKey: "k", serverURL: url }),
    say: sayAsOpenAi,
  },
  {
    name: "deepseek",
    model: (url) =>
      new ChatDeepSeek({ model: "deepseek-chat", apiKey: "k", configuration: { baseURL: `${url}/v1` } }),
    say: sayAsOpenAi,
    whole: wholeCompletion,
  },
];
