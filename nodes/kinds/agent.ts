import { DagError } from "../../src/errors.js";
import { assertWhole } from "../../src/models/finish-reason.js";
import { mediaIn } from "../../src/models/media.js";
import {
  type Message,
  type ModelReply,
  type ModelRequest,
  replyOf,
  saidBy,
  withOwnIds,
} from "../../src/models/port.js";
import { comparablePrompt } from "../../src/models/prompt-layout.js";
import { withKnownNames } from "../../src/models/tool-names.js";
import { describePart } from "../../src/spec/messages.js";
import { toJsonSchema } from "../../src/spec/schema.js";
import type { AgentTool, ModelLike, ModelOptions, Node } from "../../src/spec/shape.js";
import type { Work } from "../engine/scope.js";
import { withCallsInText } from "./calls-in-text.js";
import { type FirstMessages, promptOf } from "./prompt.js";
import type { Front } from "./shared-prefix.js";
import { defaultRepairAttempts, outputInvalid, readStructured, repairRequest } from "./structured-output.js";
import { answerToolCalls, type ToolAnswer, toolSpecs } from "./tool-calls.js";

const defaultToolRounds = 8;

/** How many messages in a row may hold no call that can be made; half as many where they say the same. */
const unusableRounds = 4;

/** What is said to a model within a piece of work, until its answer is there: an agent's work, or one `ask` of a function. */
export interface Talk {
  /** What it begins with, in front of which tools and schema stand. */
  readonly begin: (front: Front) => FirstMessages | Promise<FirstMessages>;
  readonly tools: readonly AgentTool[];
  /** What the answer has to fit; `undefined` for a text. */
  readonly output: Node["output"];
  readonly model: ModelLike | undefined;
  readonly modelOptions: ModelOptions;
  /** Begins the names of its persisted steps, so that several talks of one piece of work are told apart. */
  readonly steps: string;
  /** The number of the next request of the piece of work. */
  readonly nextTurn: () => number;
}

/** What an agent is asked, and with what. */
function talkOf(work: Work): Talk {
  const { tools = [], output, model, modelOptions = {} } = work.node;
  let turns = 0;
  const begin = (front: Front) => promptOf(work, front);
  return { begin, tools, output, model, modelOptions, steps: "", nextTurn: () => turns++ };
}

/**
 * Runs an agent, or what a function asks: asks the model, answers its tool calls, and tells it once what is wrong with an
 * output that does not fit its schema. Only a whole reply counts: see `assertWhole`. The value is the answer's text, or what
 * fits the schema.
 * @throws DagError `OUTPUT_INVALID` when the output still does not fit, `TOOL_ROUNDS_EXCEEDED` when the model does not
 * stop calling tools, `TOOL_CALLS_UNUSABLE` when it keeps calling what cannot be called, `EMPTY_REPLY` when it says
 * nothing, what `assertWhole` throws and what the model port throws.
 */
export async function runAgent(work: Work, about: Talk = talkOf(work)): Promise<{ value: unknown }> {
  const { output } = about;
  const { maxToolRounds = defaultToolRounds, repairAttempts = defaultRepairAttempts } =
    work.scope.run.policyFor(work.node, work.scope.spec);
  const tools = await toolSpecs(about.tools);
  const front = { tools, schema: output === undefined ? null : toJsonSchema(output) };
  const { messages: conversation, ...first } = await about.begin(front);
  const usable = usableRounds();
  let rounds = 0;
  let repairs = 0;

  for (let turn = 0; ; turn++) {
    const reply = await askOnce(work, about, { ...first, messages: conversation }, front, turn);
    if (reply.toolCalls.length > 0) {
      if (rounds++ >= maxToolRounds) throw toolRoundsExceeded(maxToolRounds, reply);
      const answers = await answerToolCalls(work, about.tools, reply.toolCalls, `${about.steps}tool ${turn}`);
      usable.assert(reply, answers);
      conversation.push(saidBy(reply), ...answers.map(({ message }) => message));
      continue;
    }
    if (reply.text.trim() === "") throw emptyReply(reply);
    if (output === undefined) return { value: reply.text };

    const checked = await readStructured(reply.text, output);
    if (checked.ok) return { value: checked.value };
    if (repairs++ >= repairAttempts) throw outputInvalid("output", checked.message, reply);
    conversation.push(saidBy(reply), repairRequest(checked.message, output));
  }
}

/**
 * Asks the model once: a whole reply, its calls with ids of their own. What a resumed run had been answered before is not
 * asked again.
 */
export async function askOnce(
  work: Work,
  { output, model: own, modelOptions, steps, nextTurn }: Omit<Talk, "begin" | "tools">,
  { messages, ...first }: FirstMessages,
  { tools, schema, ...more }: Front & Pick<ModelRequest, "parallelToolCalls">,
  turn: number,
): Promise<ModelReply> {
  const { node, key, scope } = work;
  const { run } = scope;
  const number = nextTurn();
  const step = { step: `${steps}turn ${turn}`, turn: number };
  const madeFrom = () => ({ messages: comparablePrompt(messages), tools, schema, modelOptions });
  const question = run.journal.question(key, step, madeFrom);
  try {
    const { policy } = node;
    const asker = { ...(own !== undefined && { model: own }), ...(policy !== undefined && { policy }) };
    const model = await run.models.modelFor(asker, key.node, scope.spec);
    if (number === 0) noteUnread(work, model.id, messages);
    const request = {
      ...first,
      messages: [...messages],
      tools,
      schema,
      ...more,
      modelOptions,
      ...key,
      turn: number,
      attempt: 1,
      signal: work.canceller.signal,
      context: run.contexts(scope.spec),
    };
    const reply = question.heard ?? (await replyOf(model, request));
    assertWhole(model.id, reply, modelOptions.acceptTruncated === true && output === undefined);
    const read = withCallsInText(reply, {
      tools,
      schema: schema !== null,
      model: model.id,
      read: modelOptions.toolCallsInText,
    });
    // A cut text may pass, but no calls that stand in it.
    if (read.toolCalls !== reply.toolCalls) assertWhole(model.id, read);
    if (run.journal.active) await run.journal.flushed();
    return { ...read, toolCalls: withOwnIds(withKnownNames(read.toolCalls, tools), turn) };
  } finally {
    question.close();
  }
}

/** Tells what the offline model leaves aside: it answers on the text. Other models refuse what they cannot read. */
function noteUnread({ scope, key }: Work, model: string, messages: readonly Message[]): void {
  const media = model === "offline" ? messages.flatMap(mediaIn) : [];
  if (media.length === 0) return;
  const text = `The offline model reads text only: "${key.node}" is answered without ${media.map(describePart).join(", ")}.`;
  scope.run.events.notice("MODEL_CANNOT_READ", text);
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
