import type { StructuredToolInterface } from "@langchain/core/tools";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { caught, type DagError, errorMessage } from "../../src/errors.js";
import { type Content, contentOf } from "../../src/models/media.js";
import type { Message, ToolCall, ToolSpec } from "../../src/models/port.js";
import { redactKeys } from "../../src/models/redact.js";
import { readArguments } from "../../src/models/tool-arguments.js";
import type { OutcomeError } from "../../src/records/outcome.js";
import { showValue } from "../../src/spec/issue.js";
import { copyOf, jsonCopy } from "../../src/spec/json-value.js";
import { readBlocks } from "../../src/spec/messages.js";
import { isZodSchema, readSchema, toJsonSchema } from "../../src/spec/schema.js";
import type { AgentTool, JsonSchema, Schema, ToolLike } from "../../src/spec/shape.js";
import { CancelError, Canceller, cancelLate, untilCancelled } from "../engine/cancel.js";
import { readApproval } from "../engine/questions.js";
import type { Work } from "../engine/scope.js";
import { outcomeError, tookTooLong } from "../engine/settle-work.js";
import { asPartOf } from "../engine/surrounding.js";
import { LostQuestionError, Suspension } from "../engine/suspension.js";
import { invokeTool } from "./invoke-tool.js";
import { textOf } from "./prompt.js";

/** A tool of an agent, and when it is to be approved before it is called. */
interface OwnTool {
  readonly tool: ToolLike;
  readonly approve: boolean | ((args: any) => boolean);
}

function ownTools(tools: readonly AgentTool[]): readonly OwnTool[] {
  return tools.map((one) =>
    "tool" in one ? { tool: one.tool, approve: one.approve ?? false } : { tool: one, approve: false },
  );
}

/** An agent's LangChain tools as the port describes them. */
export async function toolSpecs(tools: readonly AgentTool[]): Promise<ToolSpec[]> {
  return tools.map((one) => {
    const tool = "tool" in one ? one.tool : one;
    return { name: tool.name, description: tool.description ?? "", parameters: toolParameters(tool) };
  });
}

/** A tool's parameters as JSON Schema; none where it states no schema. */
export function toolParameters(tool: ToolLike): JsonSchema {
  const described: { readonly function?: { readonly parameters?: unknown } } = convertToOpenAITool(
    tool as StructuredToolInterface,
  );
  const parameters = (described.function?.parameters ?? { type: "object", properties: {} }) as JsonSchema;
  return isZodSchema(tool.schema)
    ? (requiredAsIn(parameters, asGiven(tool.schema)) as JsonSchema)
    : parameters;
}

/** What is to be given to a schema. LangChain describes what comes out of it, in which every default is there. */
function asGiven(schema: Schema): unknown {
  return readSchema(schema, () => toJsonSchema(schema), undefined);
}

/** A JSON Schema that requires no more than another one of the same build does, at any depth. */
function requiredAsIn(schema: unknown, other: unknown): unknown {
  if (!isObject(other)) return schema;
  if (Array.isArray(schema)) return schema.map((part, index) => requiredAsIn(part, other[index]));
  if (!isObject(schema)) return schema;
  const all: readonly unknown[] = Array.isArray(other.required) ? other.required : [];
  return Object.fromEntries(
    Object.entries(schema).map(([key, part]) => [
      key,
      key === "required" && Array.isArray(part)
        ? part.filter((name) => all.includes(name))
        : requiredAsIn(part, other[key]),
    ]),
  );
}

type Fields = Readonly<Record<string | number, unknown>>;
const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;

/** What came of a tool call. */
export interface ToolAnswer {
  readonly message: Message;
  /** Why the call could not be made at all, `null` where the tool was called. */
  readonly unusable: string | null;
}

/** What a tool call is answered with, as it is persisted. */
type Answer = Content & { readonly unusable: string | null };

const told = (content: string): Answer => ({ content, unusable: null });

/** What a tool gave: content blocks as the text and media that they hold, anything else as text. */
function given(value: unknown): Answer {
  const blocks = readBlocks(value);
  return blocks === null ? told(textOf(value)) : { ...contentOf(blocks), unusable: null };
}

/** Most characters of a tool's error that its model is told: it is paid for in every further request. */
const longestTold = 2_000;

/** An error's beginning, where it is long. */
function excerpt(message: string): string {
  if (message.length <= longestTold) return message;
  return `${message.slice(0, longestTold)}… (${message.length - longestTold} more characters)`;
}

const cannot = (problem: string): Answer => ({ content: problem, unusable: problem });

/**
 * The answers to the tool calls of one reply, in its order. Each is persisted by itself, as a step whose name begins with
 * `step`: a resumed run calls no tool again that has answered.
 * @throws Suspension once all other calls have been answered, where one waits for a person.
 */
export async function answerToolCalls(
  work: Work,
  given: readonly AgentTool[],
  calls: readonly ToolCall[],
  step: string,
): Promise<ToolAnswer[]> {
  const { journal } = work.scope.run;
  const tools = ownTools(given);
  const settled = await Promise.allSettled(
    calls.map(async (call, index): Promise<ToolAnswer> => {
      const place = `${step}.${index}`;
      const { unusable, ...content } = await journal.step(
        work.key,
        place,
        () => [call.name, call.args],
        () => answerOf(work, tools, call, place),
      );
      return { message: { role: "tool", toolCallId: call.id, name: call.name, ...content }, unusable };
    }),
  );
  const wrong = settled.filter((one) => one.status === "rejected").map(({ reason }) => reason);
  if (wrong.length > 0) throw wrong.find((error) => !(error instanceof Suspension)) ?? wrong[0];
  return settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}

/**
 * What a tool says. What goes wrong (unknown tool, arguments that are not JSON, an error in the tool, a person's no) is told
 * to the model, so that it can do better; only a cancellation ends the agent.
 */
async function answerOf(
  work: Work,
  tools: readonly OwnTool[],
  call: ToolCall,
  place: string,
): Promise<Answer> {
  const own = tools.find(({ tool }) => tool.name === call.name);
  if (own === undefined) {
    const names = tools.map(({ tool }) => tool.name).join(", ") || "none";
    return cannot(`There is no tool ${showValue(call.name)}. The tools are: ${names}.`);
  }
  let args: unknown;
  try {
    args = readArguments(call);
  } catch (error) {
    return cannot(
      `The arguments are not valid JSON: ${errorMessage(error)}. Call the tool again with valid JSON.`,
    );
  }
  try {
    const allowed = await allow(work, own, args, place);
    if ("refusal" in allowed) return told(allowed.refusal);
    return given(await invoked(work, own.tool, call.id, allowed.args, place));
  } catch (thrown) {
    const error = caught(thrown);
    if (error instanceof CancelError || error instanceof Suspension || error instanceof LostQuestionError)
      throw error;
    return told(redactKeys(`The tool failed: ${excerpt(errorMessage(error))}`));
  }
}

/**
 * What a tool gives, told as an event; a call that waits for an answer has not ended. One that takes longer than the agent's
 * policy allows an attempt is left behind, and its signal aborted.
 */
async function invoked(
  work: Work,
  tool: ToolLike,
  call: string,
  args: unknown,
  place: string,
): Promise<unknown> {
  const { key, node, scope } = work;
  const { run, spec } = scope;
  const { events } = run;
  const startedAtMs = events.nowMs();
  const { timeoutMs } = run.policyFor(node, spec);
  const canceller = timeoutMs === undefined ? work.canceller : new Canceller();
  const endLimit =
    timeoutMs === undefined
      ? () => {}
      : cancelLate(canceller, work.canceller, timeoutMs, () =>
          tookTooLong(`"${tool.name}"`, timeoutMs, { node: key.node, tool: tool.name }),
        );
  const ended = (error: OutcomeError | null) =>
    events.emit({
      type: "tool-ended",
      ...key,
      tool: tool.name,
      call,
      startedAtMs,
      error,
      atMs: events.nowMs(),
    });
  const answers = run.questions.answersTo(key, `${place} `);
  const config = { signal: canceller.signal, context: run.contexts(spec) };
  const invoke = () =>
    asPartOf(work, () => run.host(answers, () => invokeTool(tool, copyOf(args), call, config)));
  try {
    const running = events.isInstrumented
      ? events.within({ kind: "tool", key, tool: tool.name, call, atMs: startedAtMs }, invoke)
      : invoke();
    const given = await untilCancelled(asked(work, `${place} `, answers.length, running), canceller);
    ended(null);
    return given;
  } catch (thrown) {
    const error = caught(thrown);
    if (!(error instanceof Suspension)) ended(outcomeError(error));
    throw error;
  } finally {
    endLimit();
  }
}

/** Asks a person first where the tool says so; a promise of its word counts as that word does. */
async function allow(
  work: Work,
  { tool, approve }: OwnTool,
  args: unknown,
  place: string,
): Promise<{ readonly args: unknown } | { readonly refusal: string }> {
  const asks: unknown = typeof approve === "function" ? await approve(copyOf(args)) : approve;
  if (!asks) return { args };
  const answer = work.scope.run.questions.ask(work.key, `approve ${place}`, {
    kind: "tool",
    message: `May the tool "${tool.name}" be called?`,
    value: { tool: tool.name, args },
  });
  const { decision, value, comment } = readApproval(answer);
  if (decision === "approved") return { args };
  if (decision === "edited") return { args: jsonCopy(value, "VALUE_NOT_JSON", "The edited arguments") };
  return {
    refusal: `A person did not allow this call${comment === null ? "" : `: ${comment}`}. Do not call it again like this.`,
  };
}

/** What user code gives; a question that it asked through LangGraph's `interrupt` becomes one of the run's. */
export async function asked<T>(
  work: Work,
  which: string,
  answered: number,
  running: Promise<T> | T,
): Promise<T> {
  try {
    return await running;
  } catch (error) {
    throw questionOf(work, which, answered, error);
  }
}

/** A {@link Suspension} for LangGraph's own interrupt, anything else as it is. */
export function questionOf(work: Work, which: string, answered: number, error: unknown): unknown {
  const payload = work.scope.run.host.payloadOf(error);
  if (payload === undefined) return error;
  if ("unreadable" in payload) return unreadablePayload(payload.unreadable);
  try {
    askedBy(work, `${which}${answered}`, payload.value);
    return error;
  } catch (suspension) {
    return suspension;
  }
}

/**
 * The answer to a question that user code asked through `interrupt(payload)`.
 * @throws Suspension while there is none, LostQuestionError when the payload is not JSON.
 */
export function askedBy(work: Work, which: string, payload: unknown): unknown {
  const value = keptPayload(payload);
  return work.scope.run.questions.ask(work.key, which, {
    kind: "interrupt",
    message: messageIn(value),
    value,
  });
}

const thePayload = "The payload of `interrupt`";

function keptPayload(payload: unknown): unknown {
  try {
    return jsonCopy(payload, "VALUE_NOT_JSON", thePayload);
  } catch (error) {
    const { code, message, facts } = error as DagError;
    throw new LostQuestionError(code, message, { facts });
  }
}

/** What `interrupt` could not read far enough to throw it (a bigint, a reference back), only LangGraph's reason is known of. */
function unreadablePayload(reason: string): LostQuestionError {
  return new LostQuestionError("VALUE_NOT_JSON", `${thePayload} is not JSON: ${reason}.`, {
    hint: "Give strings, numbers, booleans, null, arrays and plain objects of them.",
  });
}

function messageIn(payload: unknown): string {
  if (typeof payload === "string") return payload;
  const told =
    typeof payload === "object" && payload !== null && "message" in payload ? payload.message : null;
  return typeof told === "string" ? told : "The run waits for an answer.";
}
