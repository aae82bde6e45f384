import { errorCode, errorMessage } from "../errors.js";
import type { CallRecord, DagProjection, RunEvent, RunInterrupt } from "../records/events.js";
import { isTopLevel } from "../records/work-id.js";
import { assertArgument, assertOptions, isList, isObject } from "../spec/issue.js";
import { OutputText } from "./output-text.js";

/** An event of AG-UI 1.0, as far as runs have them. */
export type AgUiEvent =
  | { type: "RUN_STARTED"; threadId: string; runId: string; protocolVersion: "1.0" }
  | {
      type: "RUN_FINISHED";
      threadId: string;
      runId: string;
      result?: unknown;
      outcome:
        | { type: "success" }
        | { type: "cancelled" }
        | { type: "interrupt"; interrupts: AgUiInterrupt[] };
      usage: AgUiUsage[];
    }
  | { type: "RUN_ERROR"; message: string; code: string; usage: AgUiUsage[] }
  | { type: "STEP_STARTED" | "STEP_FINISHED"; stepName: string }
  | { type: "TEXT_MESSAGE_START"; messageId: string; role: "assistant" }
  | { type: "TEXT_MESSAGE_CONTENT"; messageId: string; delta: string }
  | { type: "TEXT_MESSAGE_END"; messageId: string }
  | { type: "STATE_SNAPSHOT"; snapshot: unknown }
  | { type: "STATE_DELTA"; delta: { op: "add"; path: string; value: unknown }[] }
  | { type: "CUSTOM"; name: string; value: unknown };

/** What a run waits for. */
export interface AgUiInterrupt {
  /** Path of the node that asks. */
  readonly id: string;
  /** What kind of question it is. */
  readonly reason: string;
  /** What is asked, for a person. */
  readonly message: string;
  /** JSON Schema of the answer. */
  readonly responseSchema: Record<string, unknown>;
  /** What is to be looked at before answering. */
  readonly metadata: Record<string, unknown>;
}

/** Tokens by provider and model. */
export interface AgUiUsage {
  /** The model's provider. */
  readonly provider: string;
  /** The model's name, without its provider. */
  readonly model: string;
  /** All input tokens, those from and into the cache included. */
  readonly inputTokens: number;
  /** All output tokens, those of thoughts included. */
  readonly outputTokens: number;
  /** Input and output tokens together. */
  readonly totalTokens: number;
  /** The part of the output that the model thought. */
  readonly reasoningTokens: number;
  /** The part of the input that came from the provider's cache. */
  readonly cachedInputTokens: number;
  /** The part of the input that went into the provider's cache. */
  readonly cacheWriteInputTokens: number;
}

/** How a run is called in the conversation that it belongs to. */
export interface AgUiOptions {
  /** @default the run's thread, or its id */
  readonly threadId?: string;
  /** @default the run's id */
  readonly runId?: string;
}

/**
 * A run's events as those of AG-UI 1.0: nodes as steps and in the state (`/nodes/NAME`), the output's text as an assistant's
 * message, the output as the run's result, what functions report and notices as `CUSTOM`. A run that waits finishes with the
 * outcome `interrupt`; the client's `resume` entries are read with {@link answersFromResume}.
 */
export async function* toAgUi(
  stream: AsyncIterable<RunEvent>,
  options: AgUiOptions = {},
): AsyncGenerator<AgUiEvent, undefined> {
  assertOptions("toAgUi", options);
  const text = new OutputText();
  const steps = new Set<string>();
  const calls: CallRecord[] = [];
  let run = { threadId: options.threadId ?? "", runId: options.runId ?? "" };
  try {
    for await (const event of stream) {
      if (event.type === "run-started") {
        run = { threadId: options.threadId ?? event.thread ?? event.id, runId: options.runId ?? event.id };
        yield { type: "RUN_STARTED", ...run, protocolVersion: "1.0" };
        yield { type: "STATE_SNAPSHOT", snapshot: { dag: event.dag.name, nodes: nodesOf(event.dag) } };
      }
      for (const said of text.of(event)) yield messageEvent(said, run.runId);
      if (event.type === "call-ended" && event.replayed !== true) calls.push(event.call);
      yield* stepEvents(event, steps);
      yield* otherEvents(event);
      if (event.type !== "run-ended") continue;
      for (const stepName of steps) yield { type: "STEP_FINISHED", stepName };
      const usage = usagesOf(calls);
      const { state, output, error, interrupts } = event;
      if (state === "failed") {
        const { code, message } = error ?? { code: "ERROR", message: "The run failed." };
        yield { type: "RUN_ERROR", code, message, usage };
      } else if (interrupts.length > 0) {
        const outcome = { type: "interrupt" as const, interrupts: interrupts.map(interruptOf) };
        yield { type: "RUN_FINISHED", ...run, outcome, usage };
      } else {
        const outcome = { type: state === "cancelled" ? ("cancelled" as const) : ("success" as const) };
        const result = output === null ? {} : { result: output };
        yield { type: "RUN_FINISHED", ...run, ...result, outcome, usage };
      }
    }
  } catch (error) {
    yield { type: "RUN_ERROR", code: errorCode(error), message: errorMessage(error), usage: usagesOf(calls) };
  }
  return undefined;
}

function messageEvent(
  said: ReturnType<OutputText["of"]> extends Generator<infer Step> ? Step : never,
  runId: string,
): AgUiEvent {
  const messageId = `${runId}/${said.id}`;
  if (said.step === "start") return { type: "TEXT_MESSAGE_START", messageId, role: "assistant" };
  if (said.step === "end") return { type: "TEXT_MESSAGE_END", messageId };
  return { type: "TEXT_MESSAGE_CONTENT", messageId, delta: said.text };
}

/** The run's own nodes are steps; a step has its name once while it is open. */
function* stepEvents(event: RunEvent, steps: Set<string>): Generator<AgUiEvent> {
  if (event.type !== "node-started" && event.type !== "node-settled") return;
  const { node } = event;
  if (!isTopLevel(event)) return;
  if (event.type === "node-started") {
    if (steps.has(node)) return;
    steps.add(node);
    yield { type: "STEP_STARTED", stepName: node };
    yield stateOf(node, { state: "running" });
  } else {
    const { outcome } = event;
    const why = "error" in outcome ? outcome.error : "reason" in outcome ? outcome.reason : null;
    yield stateOf(node, { state: outcome.state, ...(why !== null && { message: why.message }) });
    if (steps.delete(node)) yield { type: "STEP_FINISHED", stepName: node };
  }
}

function* otherEvents(event: RunEvent): Generator<AgUiEvent> {
  if (event.type === "node-progress") {
    const { node, item, value } = event;
    yield { type: "CUSTOM", name: "agent-dag.progress", value: { node, item, value } };
  } else if (event.type === "notice") {
    const { code, message } = event;
    yield { type: "CUSTOM", name: "agent-dag.notice", value: { code, message } };
  } else if (event.type === "question-answered") {
    yield { type: "CUSTOM", name: "agent-dag.answer", value: event.answer };
  }
}

function nodesOf({ nodes }: DagProjection): Record<string, unknown> {
  return Object.fromEntries(Object.keys(nodes).map((name) => [name, { state: "waiting" }]));
}

/** `add` replaces what is there (RFC 6902). Names of nodes need no escape. */
function stateOf(node: string, value: object): AgUiEvent {
  return { type: "STATE_DELTA", delta: [{ op: "add", path: `/nodes/${node}`, value }] };
}

function interruptOf({ node, kind = "approval", message, show, value }: RunInterrupt): AgUiInterrupt {
  const approval = {
    type: "object",
    properties: { approve: { type: "boolean" }, comment: { type: "string" }, edit: {} },
  };
  return {
    id: node,
    reason: kind,
    message,
    responseSchema: kind === "interrupt" ? {} : approval,
    metadata: { value, ...(show !== undefined && { show }) },
  };
}

function usagesOf(calls: readonly CallRecord[]): AgUiUsage[] {
  const byModel = new Map<string, AgUiUsage>();
  for (const call of calls) {
    const at = call.model.indexOf(":");
    const [provider, model] =
      at < 0 ? [call.model, call.model] : [call.model.slice(0, at), call.model.slice(at + 1)];
    const before = byModel.get(call.model);
    const inputTokens = (before?.inputTokens ?? 0) + call.inputTokens;
    const outputTokens = (before?.outputTokens ?? 0) + call.outputTokens;
    byModel.set(call.model, {
      provider,
      model,
      inputTokens,
      outputTokens,
      totalTokens: inputTokens + outputTokens,
      reasoningTokens: (before?.reasoningTokens ?? 0) + (call.reasoningTokens ?? 0),
      cachedInputTokens: (before?.cachedInputTokens ?? 0) + (call.cachedInputTokens ?? 0),
      cacheWriteInputTokens: (before?.cacheWriteInputTokens ?? 0) + (call.cacheWriteTokens ?? 0),
    });
  }
  return [...byModel.values()];
}

/** An answer of an AG-UI client to one interrupt. */
export interface AgUiResume {
  /** The interrupt that it answers. */
  readonly interruptId: string;
  /** `cancelled` leaves the question open. */
  readonly status: "resolved" | "cancelled";
  /** The answer. */
  readonly payload?: unknown;
}

/** The answers by node that a client's `resume` entries hold; those that it gave up stay open. `null` where there is none. */
export function answersFromResume(
  resume: readonly AgUiResume[] | undefined,
): Readonly<Record<string, unknown>> | null {
  const fits = resume === undefined || (isList(resume) && resume.every(isObject));
  assertArgument("answersFromResume", fits, ["resume", resume, "a list of objects"]);
  const resolved = (resume ?? []).filter(({ status }) => status === "resolved");
  if (resolved.length === 0) return null;
  return Object.fromEntries(resolved.map(({ interruptId, payload }) => [interruptId, payload ?? null]));
}
