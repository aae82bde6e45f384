import { DagError } from "../errors.js";
import { excerpt } from "../spec/issue.js";
import type { ModelReply } from "./port.js";

/**
 * What a finish reason says of a reply: it is whole, it was cut at a limit, the model refused, a filter withheld it, the
 * provider failed, or the provider wants to be asked to go on.
 */
export type Ending = "whole" | "cut" | "refused" | "filtered" | "failed" | "paused";

/**
 * The providers' words, lower case: OpenAI (stop, length, tool_calls, content_filter), Anthropic (end_turn, max_tokens,
 * tool_use, pause_turn, refusal, model_context_window_exceeded), Google (STOP, MAX_TOKENS, SAFETY …), Mistral
 * (model_length, error), Bedrock (guardrail_intervened, malformed_tool_use …), Ollama (stop, length, load), DeepSeek
 * (insufficient_system_resource), vLLM (repetition), Zhipu (sensitive, network_error), and what gateways make of them.
 */
const families: readonly (readonly [Ending, RegExp])[] = [
  ["paused", /^pause/],
  ["refused", /refus/],
  [
    "filtered",
    /filter|safety|recitation|prohibit|block|spii|sensitive|guardrail|moderat|policy|violation|^language$/,
  ],
  [
    "failed",
    /error|fail|malformed|unexpected|invalid|too_many|missing|abort|cancel|interrupt|insufficient|timeout|unspecified|no_image|overload|preempt|unavail|repetition|^other$|^(un)?load$/,
  ],
  ["cut", /length|token|context|incomplete|truncat|budget|^limit|^max/],
];

/** Whole replies whose reason would look like one of the others. */
const wholeReasons = ["eos_token", "stop_token", "end_token", "stop_sequence"];

/** What a finish reason says; a word that nobody knows says that the reply is whole. */
export function endingOf(reason: string | null): Ending {
  const word = reason?.toLowerCase() ?? "";
  if (word === "" || wholeReasons.includes(word)) return "whole";
  return families.find(([, pattern]) => pattern.test(word))?.[0] ?? "whole";
}

/**
 * Asserts that a provider did not say that its reply failed, was refused or was withheld. One that was cut at a limit or
 * paused passes: what that means is for the reader to say, see {@link assertWhole}.
 * @throws DagError `MODEL_REPLY_FAILED` (retryable), `MODEL_REFUSED`, `MODEL_CONTENT_FILTERED`; what came is kept as `text`.
 */
export function assertNotFailed(
  model: string,
  reply: { readonly finishReason: string | null; readonly text: string },
): void {
  const { finishReason, text } = reply;
  const kept = text === "" ? {} : { text };
  const facts = { model, finishReason };
  const ending = endingOf(finishReason);
  if (ending === "failed") {
    throw new DagError(
      "MODEL_REPLY_FAILED",
      `Model "${model}" broke its reply off: the provider gives the finish reason "${finishReason}".`,
      { facts, retryable: true, ...kept },
    );
  }
  if (ending === "refused") throw refused(model, text, finishReason);
  if (ending === "filtered") {
    throw new DagError("MODEL_CONTENT_FILTERED", `Model "${model}" withheld its reply (${finishReason}).`, {
      facts,
      ...kept,
      hint: "The provider's content filter stopped it: change the prompt or the input.",
    });
  }
}

/** The error of a refusal, with the model's words where it gave any. */
export function refused(model: string, words: string, finishReason: string | null): DagError {
  const said = words.trim();
  const what =
    said === ""
      ? `refused to answer (${finishReason ?? "refusal"}).`
      : `refused to answer: ${oneLine(said)}${/[.!?…]$/.test(said) ? "" : "."}`;
  return new DagError("MODEL_REFUSED", `Model "${model}" ${what}`, {
    facts: { model, finishReason },
    ...(said === "" ? {} : { text: said }),
    hint: "Change the instructions or the input; the same request would be refused again.",
  });
}

/**
 * Asserts that a reply is whole, so that its text may be used and its tool calls may be made.
 * @param acceptTruncated Lets a text that was cut at the token limit pass; tool calls of a cut reply never do.
 * @throws DagError `REPLY_TRUNCATED` for a reply that was cut at a limit, `REPLY_PAUSED` for one that the provider
 *   wants to go on with, and what {@link assertNotFailed} throws; what came is kept as `text`.
 */
export function assertWhole(model: string, reply: ModelReply, acceptTruncated = false): void {
  assertNotFailed(model, reply);
  const ending = endingOf(reply.finishReason);
  if (ending === "whole") return;
  const facts = { model, finishReason: reply.finishReason };
  const kept = reply.text === "" ? {} : { text: reply.text };
  const calls = reply.toolCalls.map((call) => call.name).join(", ");
  if (ending === "paused") {
    throw new DagError(
      "REPLY_PAUSED",
      `Model "${model}" paused in the middle of its reply (${reply.finishReason}) and wants to go on with a tool of its provider.`,
      { facts, ...kept, hint: "Leave out the provider's own tools, or raise their limit." },
    );
  }
  if (acceptTruncated && calls === "" && reply.text.trim() !== "") return;
  throw new DagError(
    "REPLY_TRUNCATED",
    `The reply of model "${model}" was cut off (finish reason: ${reply.finishReason})${calls === "" ? "" : ` in its tool calls (${calls}), which were not made`}.`,
    {
      facts,
      ...kept,
      hint: "Raise `modelOptions.maxTokens` (or the budget, where that had no room for more), ask for less, or allow a cut text with `modelOptions.acceptTruncated`.",
    },
  );
}

function oneLine(text: string): string {
  return excerpt(text.replace(/\s+/g, " "), 500);
}
