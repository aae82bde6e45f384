import type { BudgetUsed } from "../../src/limits/budget.js";
import type { ModelReply } from "../../src/models/port.js";
import type {
  CallRecord,
  DagProjection,
  RunAnswer,
  RunEventOf,
  RunInterrupt,
} from "../../src/records/events.js";
import { type Outcome, type Outcomes, partsOf } from "../../src/records/outcome.js";
import { addUsages, usageOf } from "../../src/records/record.js";
import type { PlannerAnswer } from "../../src/records/run-state.js";
import { isTopLevel, nodeWork, parseWork, type WorkKey, workPath } from "../../src/records/work-id.js";
import { hashOf } from "../../src/spec/canonical.js";
import type { LogEntry } from "../../src/stores/thread-log.js";

/** What a run leaves at its checkpointer about itself, so that a resumed one can tell whether it is the same. */
export interface RunStamp {
  readonly id: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly topology: string;
  /** Hash of the spec. */
  readonly dag: string;
  readonly declared: DagProjection;
  /** The input as it was given; absent where it was `undefined`. */
  readonly input?: unknown;
  /** LangGraph's checkpoint that the run was forked from, where it was. */
  readonly fork?: string;
}

/** Takes entries, one after another; resolves once an entry is safe, or dropped because the store has failed. */
export interface EntrySink {
  append(entry: LogEntry): Promise<void>;
  flushed(): Promise<void>;
}

/**
 * What one run has done, as it is persisted: settled work with what it was made from, the steps within unfinished work, every
 * model request from its start on, questions and answers. Without a sink it knows nothing and persists nothing.
 */
export class Journal {
  readonly #sink: EntrySink | undefined;
  readonly #settled = new Map<string, { outcome: Outcome; madeFrom: string }>();
  readonly #claimed = new Set<string>();
  readonly #steps = new Map<string, { madeFrom: string; value: unknown }>();
  readonly #replies = new Map<string, { madeFrom: string; reply: ModelReply }>();
  /** The questions to a model that are under way, by work and turn. */
  readonly #asking = new Map<string, { key: WorkKey; step: string; madeFrom: string }>();

  constructor(sink: EntrySink | undefined, earlier: EarlierRun | null = null) {
    this.#sink = sink;
    for (const { key, outcome, madeFrom } of earlier?.settled ?? []) {
      this.#settled.set(workPath(key), { outcome, madeFrom });
    }
    for (const { key, step, madeFrom, value } of earlier?.steps ?? []) {
      this.#steps.set(stepId(key, step), { madeFrom, value });
    }
    for (const { key, step, madeFrom, reply } of earlier?.replies ?? []) {
      this.#replies.set(stepId(key, step), { madeFrom, reply });
    }
  }

  /** Whether work is persisted. */
  get active(): boolean {
    return this.#sink !== undefined;
  }

  /** The outcome of a piece of work, where it is persisted and was made from the same. */
  outcome(key: WorkKey, madeFrom: string): Outcome | undefined {
    if (this.#settled.size === 0) return undefined;
    const found = this.#settled.get(workPath(key));
    return found?.madeFrom === madeFrom ? found.outcome : undefined;
  }

  /** The outcome of a planner's call of a node that was made from the same, whichever call it was; each is given once. */
  claim(node: string, madeFrom: string): Outcome | undefined {
    for (const [path, found] of this.#settled) {
      if (found.madeFrom !== madeFrom || this.#claimed.has(path)) continue;
      const key = parseWork(path);
      if (key.node !== node || key.item !== null) continue;
      this.#claimed.add(path);
      return found.outcome;
    }
    return undefined;
  }

  /** Persists how a piece of work settled, unless a resumed run should have another go at it. */
  settled(key: WorkKey, outcome: Outcome, madeFrom: string): Promise<void> | undefined {
    if (this.#sink === undefined || !isFinal(outcome)) return undefined;
    const path = workPath(key);
    this.#settled.set(path, { outcome, madeFrom });
    this.#claimed.add(path);
    return this.#sink.append({ kind: "settled", key, outcome, madeFrom });
  }

  /** The value of a step within a piece of work: the persisted one where it was made from the same, else what the body gives. */
  async step<T>(key: WorkKey, step: string, madeFrom: () => unknown, body: () => Promise<T>): Promise<T> {
    if (this.#sink === undefined) return body();
    const print = hashOf(madeFrom());
    const found = this.#steps.get(stepId(key, step));
    if (found?.madeFrom === print) return found.value as T;
    const value = await body();
    await this.#sink.append({ kind: "step", key, step, madeFrom: print, value });
    return value;
  }

  /**
   * Begins a question to a model. What the model replies until it is closed is persisted the moment it is whole, before it is
   * counted and read: see {@link replied}.
   * @param turn The request's, by which its reply is known.
   */
  question(
    key: WorkKey,
    { step, turn }: { readonly step: string; readonly turn: number },
    madeFrom: () => unknown,
  ): ModelQuestion {
    if (this.#sink === undefined) return unheard;
    const print = hashOf(madeFrom());
    const found = this.#replies.get(stepId(key, step));
    if (found?.madeFrom === print) return { ...unheard, heard: found.reply };
    const id = stepId(key, String(turn));
    this.#asking.set(id, { key, step, madeFrom: print });
    return {
      heard: undefined,
      close: () => {
        this.#asking.delete(id);
      },
    };
  }

  /** A reply has come whole. */
  replied(
    { node, item, invocation, turn }: WorkKey & { readonly turn: number },
    call: string,
    reply: ModelReply,
  ): void {
    const asking = this.#asking.get(stepId({ node, item, invocation }, String(turn)));
    if (asking !== undefined) void this.#sink?.append({ kind: "reply", ...asking, call, reply });
  }

  callStarted(event: RunEventOf<"call-started">): void {
    void this.#sink?.append({ kind: "call-started", event });
  }

  callEnded(call: CallRecord): void {
    void this.#sink?.append({ kind: "call-ended", call });
  }

  asked(id: string, question: RunInterrupt): void {
    void this.#sink?.append({ kind: "asked", id, question });
  }

  withdrawn(id: string): void {
    void this.#sink?.append({ kind: "withdrawn", id });
  }

  answered(id: string, value: unknown, answer: RunAnswer): Promise<void> | undefined {
    return this.#sink?.append({ kind: "answered", id, value: value ?? null, answer });
  }

  /** Begins the log of a run; of a forked one, with what it goes on from. */
  async begun(stamp: RunStamp, fork: EarlierRun | null): Promise<void> {
    if (this.#sink === undefined) return;
    void this.#sink.append({ kind: "run", stamp });
    for (const work of fork?.settled ?? []) void this.#sink.append({ kind: "settled", ...work });
    for (const call of fork?.calls ?? []) void this.#sink.append({ kind: "call-ended", call });
    await this.#sink.flushed();
  }

  /** The run has ended and nothing of it is left to do. */
  async ended(outcomes: Outcomes, answer: PlannerAnswer | null, atMs: number): Promise<void> {
    if (this.#sink === undefined) return;
    for (const [name, outcome] of Object.entries(outcomes)) {
      // What a planner's nodes came to as a whole is known only now.
      if (this.#settled.has(name)) continue;
      void this.#sink.append({ kind: "settled", key: nodeWork(name), outcome, madeFrom: "" });
    }
    await this.#sink.append({ kind: "ended", answer, atMs });
  }

  /** The run is cancelled for good. */
  cancelled(): Promise<void> | undefined {
    return this.#sink?.append({ kind: "cancelled" });
  }

  /** Resolves when everything is written. */
  flushed(): Promise<void> {
    return this.#sink?.flushed() ?? Promise.resolve();
  }
}

/** A question to a model that is under way. */
interface ModelQuestion {
  /** The reply that an earlier process had already: the model is not asked then. */
  readonly heard: ModelReply | undefined;
  close(): void;
}

const unheard: ModelQuestion = { heard: undefined, close() {} };

/** A settled piece of work. */
export interface SettledWork {
  readonly key: WorkKey;
  readonly outcome: Outcome;
  readonly madeFrom: string;
}

/** A whole reply of a model, by the step that asked for it. */
interface HeardReply {
  readonly key: WorkKey;
  readonly step: string;
  readonly madeFrom: string;
  /** Id of the call that brought it. */
  readonly call: string;
  readonly reply: ModelReply;
}

/** What a checkpointer holds of a run that began earlier. */
export interface EarlierRun {
  readonly stamp: RunStamp;
  readonly settled: readonly SettledWork[];
  readonly steps: readonly { key: WorkKey; step: string; madeFrom: string; value: unknown }[];
  /** What models replied within unfinished work. */
  readonly replies: readonly HeardReply[];
  /** Every request that was sent; one whose end was never heard of has the error `CALL_LOST`. */
  readonly calls: readonly CallRecord[];
  /** Questions that wait for an answer, by id. */
  readonly questions: ReadonlyMap<string, RunInterrupt>;
  /** What was answered, by the id of the question. */
  readonly answers: ReadonlyMap<string, unknown>;
  readonly given: readonly RunAnswer[];
  /** Whether the run ended with nothing left to do. */
  readonly ended: boolean;
  /** Whether it was cancelled for good: it does not go on, and waits for no answer. */
  readonly cancelled: boolean;
  readonly plannerAnswer: PlannerAnswer | null;
  /** How long it had run when it last wrote something down, in milliseconds. */
  readonly elapsedMs: number;
}

/** The run that a log's entries tell of; `null` where there is none. */
export function readRun(entries: readonly LogEntry[]): EarlierRun | null {
  let stamp: RunStamp | null = null;
  const settled = new Map<string, SettledWork>();
  const steps = new Map<string, EarlierRun["steps"][number]>();
  const replies = new Map<string, HeardReply>();
  const started = new Map<string, RunEventOf<"call-started">>();
  const calls: CallRecord[] = [];
  const questions = new Map<string, RunInterrupt>();
  const answers = new Map<string, unknown>();
  const given: RunAnswer[] = [];
  let ended = false;
  let cancelled = false;
  let plannerAnswer: PlannerAnswer | null = null;
  let elapsedMs = 0;
  const reached = (atMs: number | null | undefined) => {
    elapsedMs = Math.max(elapsedMs, atMs ?? 0);
  };
  for (const entry of entries as readonly any[]) {
    if (entry.kind === "run") stamp = entry.stamp;
    else if (entry.kind === "settled") {
      settled.set(workPath(entry.key), entry);
      reached(entry.outcome.endedAtMs);
    } else if (entry.kind === "step") steps.set(stepId(entry.key, entry.step), entry);
    else if (entry.kind === "reply") replies.set(stepId(entry.key, entry.step), entry);
    else if (entry.kind === "call-started") {
      started.set(entry.event.call, entry.event);
      reached(entry.event.atMs);
    } else if (entry.kind === "call-ended") {
      started.delete(entry.call.id);
      calls.push(entry.call);
      reached(entry.call.startedAtMs + entry.call.durationMs);
    } else if (entry.kind === "asked") questions.set(entry.id, entry.question);
    else if (entry.kind === "withdrawn") questions.delete(entry.id);
    else if (entry.kind === "answered") {
      questions.delete(entry.id);
      answers.set(entry.id, entry.value);
      given.push(entry.answer);
    } else if (entry.kind === "ended") {
      ended = true;
      plannerAnswer = entry.answer;
      reached(entry.atMs);
    } else if (entry.kind === "reopened") ended = false;
    else if (entry.kind === "cancelled") cancelled = true;
  }
  if (cancelled) questions.clear();
  if (stamp === null) return null;
  const heard = new Map([...replies.values()].map(({ call, reply }) => [call, reply]));
  for (const event of started.values()) calls.push(unendedCall(event, heard.get(event.call)));
  return {
    stamp,
    settled: [...settled.values()],
    steps: [...steps.values()],
    replies: [...replies.values()],
    calls,
    questions,
    answers,
    given,
    ended,
    cancelled,
    plannerAnswer,
    elapsedMs,
  };
}

/**
 * A request whose process ended before its end was written down: it was sent, and may have been paid for. Its reply may have
 * come, and is made use of then.
 */
function unendedCall(event: RunEventOf<"call-started">, heard: ModelReply | undefined): CallRecord {
  const { call, attempt, model, node, item, invocation, atMs, inputTokens = 0 } = event;
  const lost = { code: "CALL_LOST", message: "The process ended before the reply came." };
  return {
    id: call,
    node,
    item,
    invocation,
    attempt,
    model,
    startedAtMs: atMs,
    firstTokenMs: null,
    durationMs: 0,
    inputTokens,
    outputTokens: 0,
    ...heard?.usage,
    estimated: true,
    costUsd: null,
    toolCalls: (heard?.toolCalls ?? []).map(({ id, name, args }) => ({ id, name, args })),
    finishReason: heard?.finishReason ?? null,
    ...(heard?.model !== undefined && { responseModel: heard.model }),
    hedged: false,
    error: heard === undefined ? lost : null,
  };
}

/** What an earlier part of a run had used of its budget. */
export function usedBefore(earlier: EarlierRun): BudgetUsed {
  return addUsages([usageOf(earlier.calls)]);
}

/** The highest number in the ids of a run's calls (`call-12`). */
export function lastCallNumber({ calls }: EarlierRun): number {
  return calls.reduce((last, { id }) => Math.max(last, Number(/\d+$/.exec(id)?.[0] ?? 0)), 0);
}

/** Outcomes of the run's own nodes. */
export function ownOutcomes({ settled }: EarlierRun): Record<string, Outcome> {
  const own = settled.filter(({ key }) => isTopLevel(key));
  return Object.fromEntries(own.map(({ key, outcome }) => [key.node, outcome]));
}

const cancels = new Set(["aborted", "deadline", "budget", "fail-fast"]);

/** Whether an outcome would be the same in a resumed run: what was cancelled from outside, wholly or in part, would not. */
export function isFinal(outcome: Outcome): boolean {
  if (outcome.state === "interrupted") return false;
  if ("reason" in outcome && cancels.has(outcome.reason.code)) return false;
  if ("error" in outcome && outcome.error.code === "DEADLINE") return false;
  for (const part of partsOf(outcome)) if (!isFinal(part)) return false;
  return true;
}

function stepId(key: WorkKey, step: string): string {
  return `${workPath(key)} ${step}`;
}
