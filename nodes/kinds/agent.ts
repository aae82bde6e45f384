import { DagError } from "../../src/errors.js";
import { collectReply, type Message, type ModelReply, type ToolSpec } from "../../src/models/port.js";
import { toJsonSchema } from "../../src/spec/schema.js";
import type { Work, WorkResult } from "../engine/scope.js";
import { promptOf } from "./prompt.js";
import { readStructured, repairRequest } from "./structured-output.js";
import { answerToolCalls, toolSpecs } from "./tool-calls.js";

const defaultRepairAttempts = 1;
const defaultToolRounds = 8;

/**
 * Runs an agent: asks its model, answers its tool calls, and tells it once what is wrong with an output that does not
 * fit its schema.
 * @throws DagError `OUTPUT_INVALID` when the output still does not fit, `TOOL_ROUNDS_EXCEEDED` when the model does not
 * stop calling tools, `EMPTY_REPLY` when it says nothing, and what the model port throws.
 */
export async function runAgent(work: Work): Promise<WorkResult> {
  const { node } = work;
  const { maxToolRounds = defaultToolRounds, repairAttempts = defaultRepairAttempts } =
    work.scope.run.policyFor(node, work.scope.spec);
  const tools = await toolSpecs(node.tools ?? []);
  const conversation: Message[] = promptOf(work);
  let rounds = 0;
  let repairs = 0;

  for (let turn = 0; ; turn++) {
    const reply = await ask(work, conversation, tools, turn);
    if (reply.toolCalls.length > 0) {
      if (rounds++ >= maxToolRounds) throw toolRoundsExceeded(maxToolRounds, reply);
      conversation.push({ role: "assistant", content: reply.text, toolCalls: reply.toolCalls });
      conversation.push(...(await answerToolCalls(work, reply.toolCalls, turn)));
      continue;
    }
    if (reply.text.trim() === "") throw emptyReply(reply);
    if (node.output === undefined) return { value: reply.text };

    const checked = await readStructured(reply.text, node.output);
    if (checked.ok) return { value: checked.value };
    if (repairs++ >= repairAttempts) throw outputInvalid(checked.message, reply);
    conversation.push({ role: "assistant", content: reply.text }, repairRequest(checked.message));
  }
}

/** One request; what a resumed run had been answered before is not asked again. */
async function ask(
  work: Work,
  messages: readonly Message[],
  tools: readonly ToolSpec[],
  turn: number,
): Promise<ModelReply> {
  const { node, key, scope } = work;
  const { run } = scope;
  const schema = node.output === undefined ? null : toJsonSchema(node.output);
  const modelOptions = node.modelOptions ?? {};
  return run.journal.step(
    key,
    `turn ${turn}`,
    () => ({ messages, tools, schema, modelOptions }),
    async () => {
      const model = await run.models.modelFor(node, key.node, scope.spec);
      return collectReply(
        model.call({
          messages: [...messages],
          tools,
          schema,
          modelOptions,
          ...key,
          turn,
          attempt: 1,
          signal: work.canceller.signal,
        }),
      );
    },
  );
}

function toolRoundsExceeded(rounds: number, reply: ModelReply): DagError {
  const names = reply.toolCalls.map((call) => call.name).join(", ");
  return new DagError(
    "TOOL_ROUNDS_EXCEEDED",
    `The model asked for tools again (${names}) after ${rounds} rounds.`,
    {
      facts: { rounds, text: reply.text },
      hint: "Raise `policy.maxToolRounds`, or make the instructions say when to stop.",
    },
  );
}

function emptyReply(reply: ModelReply): DagError {
  return new DagError(
    "EMPTY_REPLY",
    `The model's reply is empty (finish reason: ${reply.finishReason ?? "none"}).`,
    {
      hint: "Ask again, or raise `modelOptions.maxTokens` when the finish reason is `length`.",
    },
  );
}

function outputInvalid(problem: string, reply: ModelReply): DagError {
  return new DagError(
    "OUTPUT_INVALID",
    `The output does not fit the schema: ${problem.replaceAll("\n", "; ")}.`,
    {
      facts: { text: reply.text },
      hint:
        reply.finishReason === "length"
          ? "It was cut off: raise `modelOptions.maxTokens`."
          : "The offending text is kept in `error.text`.",
    },
  );
}
