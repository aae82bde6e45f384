import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import { DagError } from "../../src/errors.js";
import { ownProvider } from "../../src/models/callback-calls.js";
import { chooseModel } from "../../src/models/choose.js";
import { assertWhole } from "../../src/models/finish-reason.js";
import { type ModelReply, replyOf } from "../../src/models/port.js";
import { PortChatModel, type PortQuestion, questionOf, tellToken } from "../../src/models/port-chat-model.js";
import { modelIdOf, resolveModel } from "../../src/models/resolve.js";
import { hashOf } from "../../src/spec/canonical.js";
import type { ModelLike } from "../../src/spec/shape.js";
import type { Work } from "../engine/scope.js";
import { surroundingWork } from "../engine/surrounding.js";
import { askOnce } from "./agent.js";

/**
 * A LangChain chat model for the agents, chains and graphs of `runnable` nodes (and for any other LangChain code in a function
 * or a tool): within a run its requests are the run's own, as an agent's are. They pass `use` (cassettes too), retries, hedging,
 * limits and budgets, stream as events, are recorded with all that the port tells of them, and a resumed run does not send again
 * what was answered. Outside of a run it asks the model itself.
 *
 * Beside messages, tools and a schema nothing of a call is passed on (`stop`, `tool_choice` …), and LangChain is given a reply
 * when it is whole.
 * @param model What a node's `model` can be. @default the run's, as for an agent
 * @example
 * ```ts
 * import { createAgent } from "langchain";
 * const counsel = createAgent({ model: runModel("openai:gpt-4.1-mini"), tools: [] });
 * ```
 */
export function runModel(model?: ModelLike): BaseChatModel {
  return new RunModel(model);
}

class RunModel extends PortChatModel {
  private readonly choice: ModelLike | undefined;

  constructor(choice: ModelLike | undefined) {
    super({});
    this.choice = choice;
  }

  override _llmType(): string {
    return this.choice === undefined ? "run" : modelIdOf(this.choice);
  }

  override getLsParams(options: this["ParsedCallOptions"]) {
    return { ...super.getLsParams(options), ls_provider: ownProvider };
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    manager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    const question = questionOf(messages, options);
    const work = surroundingWork();
    const reply =
      work === undefined
        ? await askAlone(this.choice, question, options.signal)
        : await askWithin(work, this.choice, question);
    await tellToken(manager, reply.text);
    return { generations: [{ text: reply.text, message: messageOf(reply) }] };
  }
}

/** How often each question was asked in a piece of work, and how many there were. */
const askedIn = new WeakMap<Work, { readonly times: Map<string, number>; turns: number }>();

async function askWithin(
  work: Work,
  model: ModelLike | undefined,
  { messages, tools, parallelToolCalls, schema }: PortQuestion,
): Promise<ModelReply> {
  const asked = askedIn.get(work) ?? { times: new Map<string, number>(), turns: 0 };
  askedIn.set(work, asked);
  const about = hashOf([messages, tools, schema]);
  const time = asked.times.get(about) ?? 0;
  asked.times.set(about, time + 1);
  try {
    return await askOnce(
      work,
      {
        model,
        output: undefined,
        modelOptions: {},
        steps: `attempt ${work.attempt} model ${about} ${time} `,
        nextTurn: () => asked.turns++,
      },
      { messages: [...messages] },
      { tools, schema, ...(parallelToolCalls !== undefined && { parallelToolCalls }) },
      messages.filter(({ role }) => role === "assistant").length,
    );
  } catch (error) {
    if (error instanceof DagError && error.retryable) work.scope.run.retriedErrors.add(error);
    throw error;
  }
}

async function askAlone(
  choice: ModelLike | undefined,
  question: PortQuestion,
  signal = new AbortController().signal,
): Promise<ModelReply> {
  const model = await resolveModel(chooseModel({ node: choice }).model);
  const alone = { modelOptions: {}, node: "", item: null, invocation: null, turn: 0, attempt: 1, signal };
  const reply = await replyOf(model, { ...question, ...alone });
  assertWhole(model.id, reply);
  return reply;
}

function messageOf({ text, toolCalls, finishReason, usage }: ModelReply): AIMessage {
  const message = new AIMessage({
    content: text,
    tool_calls: toolCalls.map(({ id, name, args }) => ({
      id,
      name,
      args: argsOf(args),
      type: "tool_call" as const,
    })),
    response_metadata: { finish_reason: finishReason },
  });
  if (usage === null) return message;
  const { inputTokens: input_tokens, outputTokens: output_tokens } = usage;
  const total_tokens = input_tokens + output_tokens;
  return Object.assign(message, { usage_metadata: { input_tokens, output_tokens, total_tokens } });
}

/** LangChain's tools take objects; arguments that are none come as they were written, so that the tool refuses them. */
function argsOf(args: string): Record<string, unknown> {
  try {
    const value: unknown = args.trim() === "" ? {} : JSON.parse(args);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told as it is.
  }
  return { input: args };
}
