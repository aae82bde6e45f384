import { mediaTokens } from "./media.js";
import type { ModelReply, ModelRequest, ReplyUsage } from "./port.js";

/** Counts the tokens of a text. */
export type TokenCounter = (text: string) => number;

/**
 * Tokens that frame each message, and those that begin the reply, for OpenAI's chat models since gpt-3.5-turbo-0613:
 * OpenAI Cookbook, "How to count tokens with tiktoken". Other providers frame in much the same way.
 */
const tokensPerMessage = 3;
const tokensBeforeReply = 3;

/** Longest run without a word boundary that is given to the tokenizer whole: its time grows with the square of a run. */
const longestRun = 128;

/**
 * Loads OpenAI's `o200k_base` tokenizer (about 120 ms the first time). For other providers' models its counts are an
 * estimate.
 */
export async function loadTokenCounter(): Promise<TokenCounter> {
  return tokenCounter((await import("gpt-tokenizer/encoding/o200k_base")).countTokens);
}

/** {@link loadTokenCounter}, with the tokenizer's own function where nothing may be waited for. */
export function tokenCounter(
  countTokens: typeof import("gpt-tokenizer/encoding/o200k_base")["countTokens"],
): TokenCounter {
  const disallowedSpecial = new Set<string>();
  return (text) => {
    let tokens = 0;
    for (const piece of piecesOf(text)) tokens += countTokens(piece, { disallowedSpecial });
    return tokens;
  };
}

/** Most texts, and shortest of them in characters, whose tokens are remembered: what many prompts begin with. */
const remembered = 16;
const rememberedChars = 2048;
const counts = new Map<string, number>();

/** {@link loadTokenCounter}, which remembers the last long texts: those that many requests begin with. */
export async function loadTextCounter(): Promise<TokenCounter> {
  const count = await loadTokenCounter();
  return (text) => {
    if (text.length < rememberedChars) return count(text);
    const tokens = counts.get(text) ?? count(text);
    counts.delete(text);
    counts.set(text, tokens);
    for (const oldest of counts.keys()) {
      if (counts.size <= remembered) break;
      counts.delete(oldest);
    }
    return tokens;
  };
}

/** Tokens of a text, by {@link loadTokenCounter}. */
export async function estimateTokens(text: string): Promise<number> {
  return (await loadTokenCounter())(text);
}

/** Input tokens of a request: messages with their frame, tools and schema as JSON. */
export async function estimateRequest(request: ModelRequest): Promise<number> {
  return requestTokens(request, await loadTokenCounter());
}

/** Four characters a token: OpenAI's rule of thumb for English, for where nothing may be waited for. */
export const roughTokens: TokenCounter = (text) => Math.ceil(text.length / 4);

/** Input tokens of a request by any counter. */
export function requestTokens(
  request: Pick<ModelRequest, "messages" | "tools" | "schema">,
  count: TokenCounter,
): number {
  const messages = request.messages.map((message) => {
    const calls = message.role === "assistant" ? (message.toolCalls ?? []) : [];
    return (
      tokensPerMessage +
      count(message.role) +
      count(message.content) +
      callTokens(calls, count) +
      mediaTokens(message)
    );
  });
  const tools = request.tools.map((tool) => count(JSON.stringify(tool)));
  const schema = request.schema === null ? 0 : count(JSON.stringify(request.schema));
  return [...messages, ...tools].reduce((sum, tokens) => sum + tokens, tokensBeforeReply + schema);
}

/** Output tokens of a reply by any counter. */
export function replyTokens(
  reply: Pick<ModelReply, "text" | "toolCalls"> & Partial<Pick<ModelReply, "thoughts">>,
  count: TokenCounter,
): number {
  const thought = reply.thoughts?.text ?? "";
  return count(reply.text) + (thought === "" ? 0 : count(thought)) + callTokens(reply.toolCalls, count);
}

/**
 * The tokens of a request and its reply as the provider counts them; what it does not say (a reply without usage, an
 * input of 0, an output of 0 beside words) is counted here and marked `estimated`, and never 0.
 */
export function countedUsage(
  request: ModelRequest,
  reply: ModelReply,
  count: TokenCounter,
): Required<ReplyUsage> & { readonly estimated: boolean } {
  const { usage } = reply;
  const said = reply.text !== "" || reply.toolCalls.length > 0 || reply.thoughts !== null;
  const noInput = (usage?.inputTokens ?? 0) <= 0;
  const noOutput = (usage?.outputTokens ?? 0) <= 0 && said;
  return {
    inputTokens: noInput ? requestTokens(request, count) : (usage?.inputTokens ?? 0),
    cachedInputTokens: usage?.cachedInputTokens ?? 0,
    cacheWriteTokens: usage?.cacheWriteTokens ?? 0,
    outputTokens: noOutput ? replyTokens(reply, count) : (usage?.outputTokens ?? 0),
    reasoningTokens: usage?.reasoningTokens ?? 0,
    estimated: noInput || noOutput,
  };
}

/** Whether a reply's usage can be taken as the provider gave it. */
export function hasWholeUsage({ usage, text, toolCalls }: ModelReply): boolean {
  return (
    usage !== null &&
    usage.inputTokens > 0 &&
    (usage.outputTokens > 0 || (text === "" && toolCalls.length === 0))
  );
}

function callTokens(calls: ModelReply["toolCalls"], count: TokenCounter): number {
  return calls.reduce((sum, call) => sum + tokensPerMessage + count(call.name) + count(call.args), 0);
}

function* piecesOf(text: string): Generator<string> {
  let from = 0;
  for (const { 0: run, index } of text.matchAll(/\S{129,}|\s{129,}/g)) {
    yield text.slice(from, index);
    for (let at = 0; at < run.length; at += longestRun) yield run.slice(at, at + longestRun);
    from = index + run.length;
  }
  yield text.slice(from);
}
