import { DagError } from "../../src/errors.js";
import { assertWhole } from "../../src/models/finish-reason.js";
import {
  collectReply,
  type Message,
  type ModelReply,
  saidBy,
  type ToolSpec,
  withOwnIds,
} from "../../src/models/port.js";
import { toJsonSchema } from "../../src/spec/schema.js";
import type { Work, WorkResult } from "../engine/scope.js";
import { withCallsInText } from "./calls-in-text.js";
import { promptOf } from "./prompt.js";
import { defaultRepairAttempts, outputInvalid, readStructured, repairRequest } from "./structured-output.js";
import { answerToolCalls, type ToolAnswer, toolSpecs } from "./tool-calls.js";

const defaultToolRounds = 8;

/** How many messages in a row may hold no call that can be made; half as many where they say the same. */
const unusableRounds = 4;

/**
 * Runs an agent: asks its model, answers its tool calls, and tells it once what is wrong with an output that does not
 * fit its schema. Only a whole reply counts: see `assertWhole`.
 * @throws DagError `OUTPUT_INVALID` when the output still does not fit, `TOOL_ROUNDS_EXCEEDED` when the model does not
 * stop calling tools, `TOOL_CALLS_UNUSABLE` when it keeps calling what cannot be called, `EMPTY_REPLY` when it says
 * nothing, what `assertWhole` throws and what the model port throws.
 */
export async function runAgent(work: Work): Promise<WorkResult> {
  const { node } = work;
  const { maxToolRounds = defaultToolRounds, repairAttempts = defaultRepairAttempts } =
    work.scope.run.policyFor(node, work.scope.spec);
  const tools = await toolSpecs(node.tools ?? []);
  const conversation: Message[] = promptOf(work);
  const usable = usableRounds();
  let rounds = 0;
  let repairs = 0;

  for (let turn = 0; ; turn++) {
    const reply = await ask(work, conversation, tools, turn);
    if (reply.toolCalls.length > 0) {
      if (rounds++ >= maxToolRounds) throw toolRoundsExceeded(maxToolRounds, reply);
      const answers = await answerToolCalls(work, reply.toolCalls, turn);
      usable.assert(reply, answers);
      conversation.push(saidBy(reply), ...answers.map(({ message }) => message));
      continue;
    }
    if (reply.text.trim() === "") throw emptyReply(reply);
    if (node.output === undefined) return { value: reply.text };

    const checked = await readStructured(reply.text, node.output);
    if (checked.ok) return { value: checked.value };
    if (repairs++ >= repairAttempts) throw outputInvalid("output", checked.message, reply);
    conversation.push(saidBy(reply), repairRequest(checked.message, node.output));
  }
}

/**
 * Asks the model once: a whole reply, its calls with ids of their own. What a resumed run had been answered before is not
 * asked again.
 */
async function ask(
  work: Work,
  messages: readonly Message[],
  tools: readonly ToolSpec[],
  turn: number,
): Promise<ModelReply> {
  const { node, key, scope } = work;
  const { run } = scope;
  const { modelOptions = {} } = node;
  const schema = node.output === undefined ? null : toJsonSchema(node.output);
  return run.journal.step(
    key,
    `turn ${turn}`,
    () => ({ messages, tools, schema, modelOptions }),
    async () => {
      const model = await run.models.modelFor(node, key.node, scope.spec);
      const reply = await collectReply(
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
      assertWhole(model.id, reply, modelOptions.acceptTruncated === true && node.output === undefined);
      const read = withCallsInText(reply, tools, model.id, modelOptions.toolCallsInText);
      return { ...read, toolCalls: withOwnIds(read.toolCalls, turn) };
    },
  );
}

/** Ends an agent early whose model keeps calling what cannot be called: every further request would be paid for nothing. */
function usableRounds() {
  let before: readonly string[] = [];
  return {
    assert(reply: ModelReply, answers: readonly ToolAnswer[]) {
      const problems = answers.map(({ unusable }) => unusable);
      if (problems.some((problem) => problem === null)) {
        before = [];
        return;
      }
      const said = JSON.stringify(reply.toolCalls.map(({ name, args }) => [name, args]));
      const repeated = before.filter((one) => one === said).length + 1;
      before = [...before, said];
      if (repeated < unusableRounds / 2 && before.length < unusableRounds) return;
      throw new DagError(
        "TOOL_CALLS_UNUSABLE",
        `The model called what cannot be called in ${before.length} messages in a row: ${problems.join(" ")}`,
        {
          facts: { rounds: before.length, tools: reply.toolCalls.map((call) => call.name) },
          hint: "Name the tools in the instructions, or use a model that calls tools well.",
        },
      );
    },
  };
}

function toolRoundsExceeded(rounds: number, reply: ModelReply): DagError {
  const names = reply.toolCalls.map((call) => call.name).join(", ");
  return new DagError(
    "TOOL_ROUNDS_EXCEEDED",
    `The model asked for tools again (${names}) after ${rounds} rounds.`,
    {
      facts: { rounds },
      text: reply.text,
      hint: "Raise `policy.maxToolRounds`, or make the instructions say when to stop.",
    },
  );
}

function emptyReply(reply: ModelReply): DagError {
  const thought = reply.thoughts === null ? "" : " It only thought.";
  return new DagError(
    "EMPTY_REPLY",
    `The model's reply is empty (finish reason: ${reply.finishReason ?? "none"}).${thought}`,
    { hint: "Ask again, or say in the instructions that an answer is wanted." },
  );
}
