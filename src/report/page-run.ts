import type { DagProjection, RunEvent } from "../records/events.js";
import type { Outcome } from "../records/outcome.js";
import type { RunRecord } from "../records/record.js";
import { nodeWork, workPath } from "../records/work-id.js";
import type { PageCall, PageQuestion, PageRow, PageRun, PageUsage } from "./page-model.js";
import {
  callOf,
  criticalRows,
  isOutcome,
  list,
  num,
  numOrNull,
  object,
  openRow,
  problemOf,
  rowsOf,
  str,
  type TextChoice,
  tryOf,
} from "./page-rows.js";

/** What a run is shown with. */
export interface PageRunOptions extends TextChoice {
  readonly label?: string;
  /** Name of its graph in the page's data. */
  readonly graph: string;
  /** The command that reproduces it. */
  readonly command?: string;
}

/** A record that was checked, as the page shows it. */
export function pageRun(record: RunRecord, options: PageRunOptions): PageRun {
  const { dag } = record;
  const calls = list(record.calls).map((call) =>
    callOf(object(call) as unknown as RunRecord["calls"][number], options),
  );
  const outcomes = Object.fromEntries(
    Object.entries(object(record.outcomes)).filter((entry): entry is [string, Outcome] =>
      isOutcome(entry[1]),
    ),
  );
  const critical = criticalRows(dag, outcomes, record.calls);
  const told = toldBy(record.events as readonly RunEvent[], options);
  return {
    label: options.label ?? `${str(dag.name)} · ${str(record.topology)}`,
    id: str(record.id),
    dag: str(dag.name),
    topology: str(record.topology),
    thread: record.thread === null ? null : str(record.thread),
    startedAt: str(record.startedAt),
    durationMs: num(record.durationMs),
    criticalPathMs: num(record.criticalPathMs),
    state: str(record.state),
    error: problemOf(record.error, options),
    ...(!options.noTexts && { input: record.input, output: record.output }),
    usage: usageOf(record.usage),
    simulated: simulatedText(record.simulated),
    command: options.command ?? null,
    questions: list(record.interrupts).map((question) => questionOf(question, options)),
    notices: told.notices,
    rows: [...runRows(dag, outcomes, calls, options)].map((row) => ({
      ...row,
      critical: critical.has(row.id),
      tries: told.tries.get(row.id) ?? [],
      ...(told.progress.has(row.id) && { progress: told.progress.get(row.id) }),
    })),
    calls: calls.map((call) => ({ ...call, messages: told.messages.get(call.id) ?? null })),
    texts: Object.fromEntries(told.texts),
    graph: options.graph,
  };
}

/** Planner rows first, then nodes in the spec's order with what is nested below them, the joiner last. */
function* runRows(
  dag: DagProjection,
  outcomes: Readonly<Record<string, Outcome>>,
  calls: readonly PageCall[],
  options: TextChoice,
): Generator<PageRow> {
  const callers = [...new Set(calls.map((call) => call.row))].filter((row) => row.startsWith("$"));
  for (const name of callers.filter((one) => one !== "$joiner")) yield callerRow(dag, name, calls);
  for (const name of new Set([...Object.keys(dag.nodes), ...Object.keys(outcomes)])) {
    const outcome = outcomes[name];
    if (outcome === undefined) yield openRow(dag, nodeWork(name), "not-settled");
    else yield* rowsOf(dag, nodeWork(name), outcome, options);
  }
  if (callers.includes("$joiner")) yield callerRow(dag, "$joiner", calls);
}

/** The row of a planner or a joiner, which only its calls tell of. */
export function callerRow(dag: DagProjection, name: string, calls: readonly PageCall[]): PageRow {
  const own = calls.filter((call) => call.row === name);
  const last = own.at(-1);
  const from = own.reduce((least, call) => Math.min(least, call.startedAtMs), Number.POSITIVE_INFINITY);
  const to = own.reduce((most, call) => Math.max(most, call.startedAtMs + (call.durationMs ?? 0)), 0);
  const isOpen = own.some((call) => call.durationMs === null);
  return {
    ...openRow(dag, nodeWork(name), isOpen ? "running" : last?.error == null ? "completed" : "failed"),
    kind: "planner",
    readyAtMs: from,
    startedAtMs: from,
    endedAtMs: isOpen ? null : to,
    attempts: own.reduce((most, call) => Math.max(most, call.attempt), 0),
    problem: last?.error ?? null,
  };
}

/** What only events tell: attempts of functions, progress, prompts, notices. */
function toldBy(events: readonly RunEvent[], options: TextChoice) {
  const tries = new Map<string, ReturnType<typeof tryOf>[]>();
  const progress = new Map<string, unknown>();
  const messages = new Map<string, NonNullable<PageCall["messages"]>>();
  const texts = new Map<string, string>();
  const notices: string[] = [];
  for (const event of list(events) as readonly RunEvent[]) {
    if (event?.type === "node-attempt") {
      const id = workPath(event);
      tries.set(id, [...(tries.get(id) ?? []), tryOf(event, options)]);
    } else if (event?.type === "notice") notices.push(str(event.message));
    else if (options.noTexts) continue;
    else if (event?.type === "node-progress") progress.set(workPath(event), event.value);
    else if (event?.type === "text-kept") texts.set(str(event.hash), str(event.text));
    else if (event?.type === "call-started" && Array.isArray(event.messages)) {
      messages.set(str(event.call), event.messages);
    }
  }
  return { tries, progress, messages, texts, notices };
}

export function questionOf(value: unknown, { noTexts }: TextChoice): PageQuestion {
  const question = object(value);
  return {
    node: str(question.node),
    kind: str(question.kind, "approval"),
    message: str(question.message),
    ...(!noTexts && { value: question.value, ...(question.show !== undefined && { show: question.show }) }),
  };
}

export function usageOf(value: unknown): PageUsage {
  const usage = object(value);
  return {
    modelCalls: num(usage.modelCalls),
    inputTokens: num(usage.inputTokens),
    outputTokens: num(usage.outputTokens),
    costUsd: numOrNull(usage.costUsd),
    estimated: usage.estimated === true,
  };
}

export function simulatedText(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const { profile, seed, speed } = object(value);
  return `${str(profile)}, seed ${str(seed)}, speed ${str(speed)}×`;
}
