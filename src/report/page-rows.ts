import { criticalPath } from "../records/critical-path.js";
import { nodesAlong } from "../records/declared-nodes.js";
import type { CallRecord, DagProjection, RunEvent } from "../records/events.js";
import type { Outcome, OutcomeError } from "../records/outcome.js";
import { spansOf } from "../records/record.js";
import { declaredPath, nodeWork, roundPath, type WorkKey, workPath } from "../records/work-id.js";
import type { PageCall, PageCounts, PageProblem, PageRow, PageTry } from "./page-model.js";

/** Whether prompts, answers and values are left out. */
export interface TextChoice {
  readonly noTexts: boolean;
}

/** A text of a record that may hold anything. */
export function str(value: unknown, fallback = ""): string {
  if (typeof value === "string") return value;
  if (typeof value === "object") return value === null ? fallback : JSON.stringify(value);
  return value === undefined ? fallback : String(value);
}

/** A number of a record that may hold anything. */
export function num(value: unknown, fallback = 0): number {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

export function numOrNull(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A list of a record that may hold anything. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** An error or a reason; `null` where there is none. */
export function problemOf(value: unknown, { noTexts }: TextChoice): PageProblem | null {
  if (typeof value !== "object" || value === null) return null;
  const { code, message, text } = value as Partial<OutcomeError>;
  return {
    code: str(code, "ERROR"),
    message: str(message),
    ...(text !== undefined && !noTexts && { text: str(text) }),
  };
}

/** The kind of a declared node by its path without items, calls and rounds. */
export function kindAt(dag: DagProjection, path: string): string {
  const node = nodesAlong(dag, path).at(-1);
  if (node !== undefined) return str(node.kind, "node");
  return path.startsWith("$") ? "planner" : "node";
}

/** The row of a piece of work that has only begun. */
export function openRow(dag: DagProjection, key: WorkKey, state: string): PageRow {
  const id = workPath(key);
  return {
    ...placeOf(key),
    id,
    declared: declaredPath(id),
    kind: kindAt(dag, declaredPath(id)),
    state,
    readyAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    attempts: 0,
    critical: false,
    reused: false,
    exhausted: false,
    problem: null,
    counts: null,
    tries: [],
  };
}

/** Where a work stands: its name among its siblings, and the row it belongs to. */
function placeOf(key: WorkKey): { name: string; parent: string | null } {
  if (key.invocation !== null)
    return { name: `call ${key.invocation + 1}`, parent: workPath({ ...key, invocation: null }) };
  if (key.item !== null) return { name: `[${key.item}]`, parent: key.node };
  const at = key.node.lastIndexOf("/");
  return { name: key.node.slice(at + 1), parent: at < 0 ? null : key.node.slice(0, at) };
}

/** The rows of an outcome and of all that it is made of, the outcome's own first. */
export function* rowsOf(
  dag: DagProjection,
  key: WorkKey,
  outcome: Outcome,
  texts: TextChoice,
): Generator<PageRow> {
  const state = str(outcome.state, "not-settled");
  yield {
    ...openRow(dag, key, state),
    readyAtMs: numOrNull(outcome.readyAtMs),
    startedAtMs: numOrNull(outcome.startedAtMs),
    endedAtMs: numOrNull(outcome.endedAtMs),
    attempts: num(outcome.attempts),
    reused: outcome.reused === true,
    exhausted: outcome.exhausted === true,
    problem: problemOf(
      "error" in outcome ? outcome.error : "reason" in outcome ? outcome.reason : null,
      texts,
    ),
    ...("value" in outcome && !texts.noTexts && { value: outcome.value }),
    counts: countsOf(outcome),
  };
  for (const [index, item] of list(outcome.items).entries()) {
    if (isOutcome(item)) yield* rowsOf(dag, { ...key, item: index }, item, texts);
  }
  for (const [index, call] of list(outcome.invocations).entries()) {
    if (isOutcome(call)) yield* rowsOf(dag, { ...key, invocation: index }, call, texts);
  }
  yield* innerRows(dag, workPath(key), outcome.outcomes, texts);
  for (const [index, round] of list(outcome.rounds).entries()) {
    const path = roundPath(key, index + 1);
    const inner = Object.values(object(round)).filter(isOutcome);
    yield {
      ...openRow(dag, key, "completed"),
      ...roundTimes(inner),
      id: path,
      parent: workPath(key),
      name: `round ${index + 1}`,
      kind: "round",
    };
    yield* innerRows(dag, path, round, texts);
  }
}

function* innerRows(
  dag: DagProjection,
  path: string,
  outcomes: unknown,
  texts: TextChoice,
): Generator<PageRow> {
  for (const [name, inner] of Object.entries(object(outcomes))) {
    if (isOutcome(inner)) yield* rowsOf(dag, nodeWork(`${path}/${name}`), inner, texts);
  }
}

export function isOutcome(value: unknown): value is Outcome {
  return typeof value === "object" && value !== null && typeof (value as Outcome).state === "string";
}

function roundTimes(
  inner: readonly Outcome[],
): Pick<PageRow, "state" | "readyAtMs" | "startedAtMs" | "endedAtMs"> {
  const starts = inner.flatMap(({ startedAtMs }) => numOrNull(startedAtMs) ?? []);
  const ends = inner.flatMap(({ endedAtMs }) => numOrNull(endedAtMs) ?? []);
  const failed = inner.find(({ state }) => state === "failed" || state === "timed-out");
  const first = starts.length === 0 ? null : starts.reduce((a, b) => Math.min(a, b));
  return {
    state: failed?.state ?? "completed",
    readyAtMs: first,
    startedAtMs: first,
    endedAtMs: ends.length === 0 ? null : ends.reduce((a, b) => Math.max(a, b)),
  };
}

function countsOf(outcome: Outcome): PageCounts | null {
  if (Array.isArray(outcome.items)) return tally("item", outcome.items);
  if (Array.isArray(outcome.rounds)) return { noun: "round", total: outcome.rounds.length, states: {} };
  return Array.isArray(outcome.invocations) ? tally("call", outcome.invocations) : null;
}

function tally(noun: PageCounts["noun"], parts: readonly unknown[]): PageCounts {
  const states = new Map<string, number>();
  for (const part of parts.filter(isOutcome)) states.set(part.state, (states.get(part.state) ?? 0) + 1);
  return { noun, total: parts.length, states: Object.fromEntries(states) };
}

/** A model request as the page shows it. */
export function callOf(call: CallRecord, texts: TextChoice): PageCall {
  const tokens = call as CallRecord & Readonly<Record<string, unknown>>;
  return {
    id: str(call.id),
    row: workPath({
      node: str(call.node),
      item: numOrNull(call.item),
      invocation: numOrNull(call.invocation),
    }),
    attempt: num(call.attempt, 1),
    model: str(call.model),
    startedAtMs: num(call.startedAtMs),
    firstTokenMs: numOrNull(call.firstTokenMs),
    durationMs: num(call.durationMs),
    inputTokens: num(call.inputTokens),
    outputTokens: num(call.outputTokens),
    cachedInputTokens: numOrNull(tokens.cachedInputTokens),
    cacheWriteTokens: numOrNull(tokens.cacheWriteTokens),
    reasoningTokens: numOrNull(tokens.reasoningTokens),
    estimated: call.estimated === true,
    costUsd: numOrNull(call.costUsd),
    toolCalls: list(call.toolCalls)
      .map(object)
      .map(({ name, args }) => ({ name: str(name), args: texts.noTexts ? null : args })),
    finishReason: call.finishReason === null ? null : str(call.finishReason),
    hedged: call.hedged === true,
    ...waitedOf(call.waited),
    ...(typeof call.prefix?.key === "string" && { prefix: shortPrefix(call.prefix) }),
    error: problemOf(call.error, texts),
    messages: null,
    reply: texts.noTexts || !Array.isArray(call.reply) ? null : call.reply,
  };
}

function waitedOf(value: unknown): Pick<PageCall, "waited"> {
  const { limitMs, warmMs } = object(value);
  const waited = {
    ...(num(limitMs) > 0 && { limitMs: num(limitMs) }),
    ...(num(warmMs) > 0 && { warmMs: num(warmMs) }),
  };
  return Object.keys(waited).length === 0 ? {} : { waited };
}

/** A request's shared beginning under a name that is long enough to tell it from others of a run. */
export function shortPrefix({
  key,
  tokens,
}: NonNullable<PageCall["prefix"]>): NonNullable<PageCall["prefix"]> {
  return { key: key.slice(0, 12), tokens: num(tokens) };
}

/** The ids of the rows on the critical path. */
export function criticalRows(
  dag: DagProjection,
  outcomes: Readonly<Record<string, Outcome>>,
  calls: readonly CallRecord[],
): Set<string> {
  const { names } = criticalPath(spansOf(dag, outcomes, calls));
  const ids = names.flatMap((name) => {
    if (Object.hasOwn(outcomes, name)) return [name];
    const at = name.lastIndexOf(" ");
    const node = name.slice(0, at);
    return node.startsWith("$") ? [node] : [node, `${node}#${Number(name.slice(at + 1)) - 1}`];
  });
  return new Set(ids);
}

/** An attempt that an event tells of. */
export function tryOf(event: Extract<RunEvent, { type: "node-attempt" }>, texts: TextChoice): PageTry {
  return {
    attempt: num(event.attempt, 1),
    startedAtMs: num(event.startedAtMs),
    endedAtMs: num(event.atMs),
    error: problemOf(event.error, texts),
  };
}
