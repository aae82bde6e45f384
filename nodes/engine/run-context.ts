import { randomUUID } from "node:crypto";
import { heardByMany } from "../../src/models/abortable.js";
import type { RunEvent, Simulated } from "../../src/records/events.js";
import type { Outcome, OutcomeError } from "../../src/records/outcome.js";
import { projectDag } from "../../src/records/projection.js";
import type { RunRecord } from "../../src/records/record.js";
import { judgeRun, type PlannerAnswer } from "../../src/records/run-state.js";
import { type WorkKey, workPath } from "../../src/records/work-id.js";
import { isMessagesSchema, messageFields, withoutBytes } from "../../src/spec/messages.js";
import { mergePolicies, type Policy } from "../../src/spec/policy.js";
import { asJsonSchema } from "../../src/spec/schema-rules.js";
import type { DagSpec, Node } from "../../src/spec/shape.js";
import { type CancelCode, CancelError, Canceller, cancelOf, RunCancelled } from "./cancel.js";
import type { Contexts } from "./context.js";
import { EventLog } from "./event-log.js";
import { splitInstruments } from "./instrument.js";
import { type EarlierRun, type Journal, lastCallNumber, usedBefore } from "./journal.js";
import { createModelSource, type ModelSource } from "./model-source.js";
import type { NestedCalls } from "./nested-calls.js";
import { Questions } from "./questions.js";
import { createReuse, type Reuse } from "./reuse.js";
import type { RunOptions } from "./run-options.js";

/**
 * When the nodes of a DAG start: one after another, layer by layer as in LangGraph's supersteps, or each as soon as its
 * own join is decided.
 */
export type Pace = "one-by-one" | "supersteps" | "dataflow";

/** What a run has to know of its topology. */
export interface TopologyTraits {
  readonly name: string;
  /** The pace of the DAGs inside the run. */
  readonly pace: Pace;
  /** Whether a planner decides what runs. */
  readonly planned: boolean;
}

/** Runs user code so that LangGraph's own `interrupt(payload)` in it asks a question of this run. */
export interface UserCodeHost {
  /** Runs the code; the answers are for its calls of `interrupt`, in their order. */
  <T>(answers: readonly unknown[], code: () => T): T;
  /** What LangGraph's `interrupt` was asked by a call that threw this; `undefined` for any other error. */
  payloadOf(error: unknown): AskedPayload | undefined;
  /** Runs code as if no LangGraph were around it. */
  outside<T>(code: () => T): T;
  /** A config under which a compiled LangGraph persists a piece of work's own state at the run's checkpointer. */
  threadFor(options: RunOptions, key: WorkKey): object;
}

/** What `interrupt` was asked, or why that cannot even be read. */
export type AskedPayload = { readonly value: unknown } | { readonly unreadable: string };

/** What a run is made of. */
export interface RunFacts {
  readonly spec: DagSpec;
  readonly topology: TopologyTraits;
  readonly options: RunOptions;
  readonly journal: Journal;
  /** What an earlier part of the run did. */
  readonly earlier: EarlierRun | null;
  /** An earlier record that spares this run work. */
  readonly reuse: RunRecord | undefined;
  readonly host: UserCodeHost;
  readonly contexts: Contexts;
  /** The run that this one was started in, as far as its calls go. */
  readonly around: NestedCalls | undefined;
}

/**
 * One run in progress. Everything nested in it (subgraphs, maps, planner) shares it; nothing outside does. It holds the run's
 * parts: events and clock, models, questions, what is persisted, what can be reused, and the canceller of the whole.
 */
export class RunContext {
  readonly id: string;
  readonly spec: DagSpec;
  readonly topology: TopologyTraits;
  readonly options: RunOptions;
  readonly events: EventLog;
  readonly models: ModelSource;
  readonly questions: Questions;
  readonly journal: Journal;
  readonly host: UserCodeHost;
  /** What nodes see as `context`. */
  readonly contexts: Contexts;
  /** Where a run was started in another one: what becomes of its calls there. */
  readonly around: NestedCalls | undefined;
  /** Cancelled by the user's signal, the deadline, a fail-fast failure. Its reason is a `CancelError`. */
  readonly canceller = new Canceller();
  /** Set once the budget had no room for a request: what would ask a model is not started any more. */
  budgetSpent: CancelError | undefined;
  /** Errors of requests that were sent again as often as their policy says: no reason to do a whole function again. */
  readonly retriedErrors = new WeakSet<object>();
  /** Whether LangGraph stopped before or after a node because it was told to. */
  atBreakpoint = false;
  readonly #earlier: EarlierRun | null;
  readonly #reusable: RunRecord | undefined;
  readonly #deadlineMs: number;
  readonly #retries = new Map<string, number>();
  readonly #replayed = new Set<string>();
  readonly #detach: (() => void)[] = [];
  #reuse: Reuse = createReuse(undefined, undefined);
  #deadline: NodeJS.Timeout | undefined;
  #answer: PlannerAnswer | undefined;
  #ended: RunRecord | undefined;

  /** Nothing is sent and nothing is emitted before `begin`. */
  constructor({ spec, topology, options: given, journal, earlier, reuse, host, contexts, around }: RunFacts) {
    this.id = earlier?.stamp.id ?? given.id ?? randomUUID();
    this.spec = spec;
    this.topology = topology;
    const { options, instruments } = splitInstruments(given);
    this.options = options;
    this.journal = journal;
    this.host = host;
    this.contexts = contexts;
    this.around = around;
    const clock = { nowMs: () => this.events.nowMs(), elapsedMs: earlier?.elapsedMs ?? 0 };
    this.events = new EventLog(
      options.onEvent,
      instruments.map((one) => one.observeRun(clock)),
    );
    this.questions = new Questions(this.id, journal, earlier);
    this.#earlier = earlier;
    this.#reusable = reuse;
    this.#deadlineMs = mergePolicies(options.policy, spec.policy).deadlineMs ?? Infinity;
    this.models = createModelSource(this, {
      callsBefore: earlier === null ? 0 : lastCallNumber(earlier),
      ...(earlier !== null && { usedBefore: usedBefore(earlier) }),
    });
    if (earlier?.plannerAnswer) this.#answer = earlier.plannerAnswer;
  }

  /** What an earlier record spares this run. */
  get reuse(): Reuse {
    return this.#reuse;
  }

  /** Milliseconds until the deadline; `Infinity` without one. */
  remainingMs(): number {
    return this.#deadlineMs - this.events.nowMs();
  }

  /** What holds for a node: its own policy, then the run's, then that of the DAG it stands in, then the outermost one's. */
  policyFor(node: Pick<Node, "policy">, within: DagSpec = this.spec): Policy {
    return mergePolicies(node.policy, this.options.policy, within.policy, this.spec.policy);
  }

  cancel(code: CancelCode, message: string): void {
    this.canceller.cancel(new CancelError(code, message));
  }

  /** Notes that a piece of work was tried again. */
  noteRetry(key: WorkKey): void {
    const path = workPath(key);
    this.#retries.set(path, (this.#retries.get(path) ?? 0) + 1);
  }

  retriesOf(key: WorkKey): number {
    return this.#retries.size === 0 ? 0 : (this.#retries.get(workPath(key)) ?? 0);
  }

  /** What a planner says where no output node takes its answer: the run's output, or why there is none. */
  answer(answer: PlannerAnswer): void {
    this.#answer = answer;
  }

  /** Whether the events of a piece of work were replayed from what was persisted. */
  isReplayed(key: WorkKey): boolean {
    return this.#replayed.size > 0 && this.#replayed.has(workPath(key));
  }

  /** Emits that a piece of work has settled, with what it had cost where it was taken over from an earlier record. */
  settled(key: WorkKey, outcome: Outcome): void {
    this.events.settled(key, outcome, this.#reuse.usageOf(key, outcome));
  }

  /** Emits `run-started`, then the events that are replayed. The input is the one that was given. */
  begin(given: unknown, replay: readonly RunEvent[]): { readonly id: string; readonly startedAt: string } {
    const input = this.spec.input === undefined ? given : recordedInput(this.spec.input, given);
    const startedAt = this.#earlier?.stamp.startedAt ?? new Date().toISOString();
    const elapsedMs = this.#earlier?.elapsedMs ?? 0;
    this.events.startAt(elapsedMs);
    this.events.emit({
      type: "run-started",
      atMs: 0,
      id: this.id,
      thread: this.options.thread ?? null,
      dag: projectDag(this.spec),
      topology: this.topology.name,
      input: input ?? null,
      startedAt,
      simulated: simulatedBy(this.options),
    });
    this.#reuse = createReuse(this.#reusable, input);
    for (const event of replay) {
      if (event.type === "node-settled") this.#replayed.add(workPath(event));
      this.events.emit({ ...event, replayed: true });
    }
    if (this.#deadlineMs < Infinity) {
      this.#deadline = setTimeout(
        () => this.cancel("deadline", `The run's deadline of ${this.#deadlineMs} ms passed.`),
        Math.max(0, this.#deadlineMs - elapsedMs),
      );
    }
    return { id: this.id, startedAt };
  }

  /** Ends the run and gives its record; safe to call twice. */
  end(error: OutcomeError | null): RunRecord {
    if (this.#ended !== undefined) return this.#ended;
    this.release();
    const { reason } = this.canceller;
    const cancelled = this.isCancelled;
    const interrupts = cancelled ? [] : this.questions.open.map(({ question }) => question);
    const verdict = judgeRun(projectDag(this.spec), this.events.outcomes(), {
      interrupts,
      suspended: this.atBreakpoint,
      aborted: reason instanceof CancelError && reason.cancel === "aborted",
      cancelled,
      error,
      ...(this.#answer !== undefined && { answer: this.#answer }),
    });
    this.events.emit({ type: "run-ended", atMs: this.events.nowMs(), interrupts, ...verdict });
    this.#ended = this.events.record();
    return this.#ended;
  }

  /** Whether it was cancelled for good, itself and not only what it runs in. */
  get isCancelled(): boolean {
    const { reason } = this.canceller;
    return reason instanceof RunCancelled && reason.thread === this.options.thread;
  }

  /** What the planner answered, to be persisted. */
  get plannerAnswer(): PlannerAnswer | null {
    return this.#answer ?? null;
  }

  /** Gives back what was acquired: the clock of the deadline, the listener on the user's signal. */
  release(): void {
    clearTimeout(this.#deadline);
    for (const detach of this.#detach) detach();
  }

  /** Cancels the run when the signal is aborted, until the run is released. */
  obey(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    // Hundreds of runs may obey one signal, rightly.
    heardByMany(signal);
    const onAbort = () => this.canceller.cancel(cancelOf(signal.reason));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    this.#detach.push(() => signal.removeEventListener("abort", onAbort));
  }
}

/** Middleware that simulates latency says so through a `simulated` property. */
function simulatedBy(options: RunOptions): Simulated | null {
  for (const middleware of options.use ?? []) {
    if ("simulated" in middleware) return middleware.simulated as Simulated;
  }
  return null;
}

/** A run's input as its record keeps it: of a conversation, the bytes of images and files by their digest. */
function recordedInput(schema: NonNullable<DagSpec["input"]>, given: unknown): unknown {
  const json = asJsonSchema(schema);
  return isMessagesSchema(json) || messageFields(json).length > 0 ? withoutBytes(given) : given;
}
