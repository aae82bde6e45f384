import { errorCode, errorMessage } from "../errors.js";
import type { RunEvent, RunInterrupt } from "../records/events.js";
import type { Outcome } from "../records/outcome.js";
import { workPath } from "../records/work-id.js";
import { assertArgument, isList } from "../spec/issue.js";
import { OutputText } from "./output-text.js";

/** A part of the stream that the AI SDK's `useChat` reads (`UIMessageChunk` of its versions 6 and 7). */
export type UiChunk =
  | { type: "start"; messageId: string; messageMetadata: unknown }
  | { type: "start-step" }
  | { type: "finish-step" }
  | { type: "finish"; finishReason: "stop" | "error" | "tool-calls" | "other"; messageMetadata: unknown }
  | { type: "text-start"; id: string }
  | { type: "text-delta"; id: string; delta: string }
  | { type: "text-end"; id: string }
  | {
      type: "tool-input-available";
      toolCallId: string;
      toolName: string;
      input: unknown;
      dynamic: true;
      title: string;
    }
  | { type: "tool-approval-request"; approvalId: string; toolCallId: string }
  | { type: "tool-output-available"; toolCallId: string; output: unknown; dynamic: true }
  | { type: "tool-output-denied"; toolCallId: string }
  | { type: "data-node"; id: string; data: NodeData }
  | { type: "data-progress"; id: string; data: { node: string; value: unknown } }
  | { type: "data-output"; data: unknown }
  | { type: "data-notice"; data: { code: string; message: string }; transient: true }
  | { type: "error"; errorText: string }
  | { type: "abort"; reason: string };

/** How a node stands: data of a `data-node` part; a later part of the same id takes its place. */
export interface NodeData {
  /** Path of the work: `outer/inner`, with the item under `forEach` (`each[3]`). */
  readonly node: string;
  /** Its outcome, or how far it has come. */
  readonly state: Outcome["state"] | "ready" | "running";
  /** Milliseconds from its start to its end, once it has settled. */
  readonly durationMs?: number;
  /** Why it has no value. */
  readonly message?: string;
}

/**
 * A run's events as the stream that Vercel's AI SDK reads: the output's text as text, its nodes as `data-node` parts, an
 * output that is no text as a `data-output` part, what functions report as `data-progress`, and what the run waits for as
 * tool calls that ask for approval. Answers are read from the messages with {@link answersFromMessages}. Give it to
 * `createUIMessageStreamResponse({ stream })`.
 */
export function toUIMessageStream(stream: AsyncIterable<RunEvent>): ReadableStream<UiChunk> {
  const chunks = chunksOf(stream);
  return new ReadableStream<UiChunk>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
}

async function* chunksOf(stream: AsyncIterable<RunEvent>): AsyncGenerator<UiChunk, undefined> {
  const text = new OutputText();
  let run = "";
  let inStep = false;
  try {
    for await (const event of stream) {
      if (event.type === "run-started") {
        run = event.id;
        const { id, thread, topology, dag } = event;
        yield { type: "start", messageId: id, messageMetadata: { run: id, thread, dag: dag.name, topology } };
      } else if (event.type === "question-answered") {
        // Before the step: it belongs to the call of the one before.
        yield* answered(run, event);
        continue;
      }
      if (!inStep && event.type !== "run-started" && event.replayed !== true) {
        inStep = true;
        yield { type: "start-step" };
      }
      for (const { step, ...said } of text.of(event)) {
        if (step === "delta")
          yield { type: "text-delta", id: said.id, delta: "text" in said ? said.text : "" };
        else yield { type: `text-${step}`, id: said.id };
      }
      yield* partsOf(event, run);
    }
  } catch (error) {
    yield { type: "error", errorText: `${errorCode(error)}: ${errorMessage(error)}` };
  }
  return undefined;
}

function* partsOf(event: RunEvent, run: string): Generator<UiChunk> {
  if (event.type === "node-ready" || event.type === "node-started") {
    const node = workPath(event);
    const state = event.type === "node-ready" ? "ready" : "running";
    yield { type: "data-node", id: node, data: { node, state } };
  } else if (event.type === "node-settled") {
    const node = workPath(event);
    yield { type: "data-node", id: node, data: { node, ...settledData(event.outcome) } };
  } else if (event.type === "node-progress") {
    const node = workPath(event);
    yield { type: "data-progress", id: node, data: { node, value: event.value } };
  } else if (event.type === "notice") {
    const { code, message } = event;
    yield { type: "data-notice", data: { code, message }, transient: true };
  } else if (event.type === "run-ended") {
    const { state, output, error, interrupts } = event;
    if (output !== null && typeof output !== "string") yield { type: "data-output", data: output };
    for (const question of interrupts) yield* askedBy(run, question);
    if (state === "failed") {
      yield {
        type: "error",
        errorText: error === null ? "The run failed." : `${error.code}: ${error.message}`,
      };
    } else if (state === "cancelled") yield { type: "abort", reason: error?.message ?? "cancelled" };
    yield { type: "finish-step" };
    const finishReason =
      state === "failed"
        ? "error"
        : state === "interrupted"
          ? "tool-calls"
          : state === "cancelled"
            ? "other"
            : "stop";
    yield { type: "finish", finishReason, messageMetadata: { run, state } };
  }
}

function settledData(outcome: Outcome): Omit<NodeData, "node"> {
  const { state, startedAtMs, endedAtMs } = outcome;
  const took = startedAtMs === null || endedAtMs === null ? null : endedAtMs - startedAtMs;
  const why = "error" in outcome ? outcome.error : "reason" in outcome ? outcome.reason : null;
  return {
    state,
    ...(took !== null && { durationMs: Math.round(took * 1000) / 1000 }),
    ...(why !== null && { message: why.message }),
  };
}

function* askedBy(run: string, { node, message, kind, show, value }: RunInterrupt): Generator<UiChunk> {
  const toolCallId = questionId(run, node);
  const input = { message, ...(show !== undefined && { show }), value };
  const toolName = toolNameOf(node);
  yield { type: "tool-input-available", toolCallId, toolName, input, dynamic: true, title: message };
  // Of a question that is no yes or no, the answer is the tool's output.
  if (kind !== "interrupt") yield { type: "tool-approval-request", approvalId: toolCallId, toolCallId };
}

function* answered(
  run: string,
  { answer }: Extract<RunEvent, { type: "question-answered" }>,
): Generator<UiChunk> {
  const { node, decision, comment } = answer;
  const toolCallId = questionId(run, node);
  // Told again for whoever has not seen the question; of one who has, it is replaced.
  const input = { message: node };
  yield {
    type: "tool-input-available",
    toolCallId,
    toolName: toolNameOf(node),
    input,
    dynamic: true,
    title: node,
  };
  if (decision === "rejected") yield { type: "tool-output-denied", toolCallId };
  else yield { type: "tool-output-available", toolCallId, output: { decision, comment }, dynamic: true };
}

/** Tools have plain names. */
function toolNameOf(node: string): string {
  return node.replace(/[^\w-]/g, "_");
}

/** A question of a run as one text: a run's id has no slash. */
function questionId(run: string, node: string): string {
  return `${run}/${node}`;
}

/** A run's answers, for `POST /runs/:id/answer` or `stream(spec, { checkpointer, thread, answer })`. */
export interface MessageAnswers {
  /** Id of the run. */
  readonly run: string;
  /** Answers by node. */
  readonly answers: Readonly<Record<string, unknown>>;
}

/** A message of the AI SDK, as far as it is looked at here. */
export interface MessageLike {
  /** Who speaks. */
  readonly role: string;
  /** What it holds. */
  readonly parts: readonly object[];
}

/**
 * The answers that a person gave to what a run waits for (`addToolApprovalResponse`, or `addToolOutput` for a question that
 * is no yes or no), read from the last message; `null` where it holds none.
 */
export function answersFromMessages(messages: readonly MessageLike[]): MessageAnswers | null {
  assertArgument("answersFromMessages", isList(messages), ["messages", messages, "a list of messages"]);
  const last = messages.at(-1);
  if (last?.role !== "assistant") return null;
  let run: string | null = null;
  const answers: Record<string, unknown> = {};
  for (const part of last.parts as readonly Readonly<Record<string, any>>[]) {
    const { type, toolCallId, state, approval, output } = part;
    if (type !== "dynamic-tool" || typeof toolCallId !== "string" || !toolCallId.includes("/")) continue;
    const isAnswered = state === "approval-responded" || (state === "output-available" && !isTold(output));
    if (!isAnswered) continue;
    const at = toolCallId.indexOf("/");
    run = toolCallId.slice(0, at);
    const { approved, reason } = approval ?? {};
    answers[toolCallId.slice(at + 1)] =
      state === "approval-responded"
        ? { approve: approved === true, ...(typeof reason === "string" && { comment: reason }) }
        : output;
  }
  return run === null ? null : { run, answers };
}

/** Whether an output is what this stream itself told of an answer. */
function isTold(output: unknown): boolean {
  return typeof output === "object" && output !== null && "decision" in output && "comment" in output;
}
