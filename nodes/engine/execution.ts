import { randomUUID } from "node:crypto";
import type { BudgetUsed } from "../../src/limits/budget.js";
import { mergePolicies } from "../../src/limits/policy-merge.js";
import type { Model } from "../../src/models/port.js";
import type { CallRecord, RunEvent, RunInterrupt, Simulated, WorkKey } from "../../src/records/events.js";
import type { Outcome, OutcomeError, Outcomes } from "../../src/records/outcome.js";
import { projectDag } from "../../src/records/projection.js";
import { type RecordFold, type RunRecord, recordFold } from "../../src/records/record.js";
import { judgeRun, type PlannerAnswer } from "../../src/records/run-state.js";
import type { Policy } from "../../src/spec/policy.js";
import type { DagSpec, Node } from "../../src/spec/shape.js";
import { isPlanned } from "../planner/planner-options.js";
import { madeBy } from "./kept.js";
import { createModelSource } from "./model-source.js";
import { createOpenCalls } from "./open-calls.js";
import { createReuse, type Reuse } from "./reuse.js";
import type { RunOptions } from "./run-options.js";
import type { Scope } from "./scope.js";
import { paceOf, settleDag } from "./settle-dag.js";
import { type StopCode, StopError, stopOf } from "./stop.js";
import { Stopper } from "./stopper.js";

/**
 * One run in progress: its clock, its events, its stopper and its models. Everything nested in the run (subgraphs, maps,
 * planner) shares it; nothing outside does.
 */
export interface Execution {
  readonly spec: DagSpec;
  readonly topology: string;
  readonly options: RunOptions;
  /** Stopped by the user's signal, the deadline, a fail-fast failure. Its reason is a `StopError`. */
  readonly stopper: Stopper;
  /** Milliseconds since the run's start. */
  nowMs(): number;
  emit(event: RunEvent): void;
  /** Emits that a piece of work has settled, with what it had cost where it was taken over from an earlier record. */
  settled(key: WorkKey, outcome: Outcome): void;
  stop(code: StopCode, message: string): void;
  /**
   * The model of an agent, with the run's middleware and the node's policy around it; `path` names the node in requests
   * and records, `spec` is the DAG that the node stands in.
   * @param spec @default the run's own
   */
  modelFor(node: Pick<Node, "model" | "policy">, path: string, spec?: DagSpec): Promise<Model>;
  /** Resolves every agent's model, so that a missing key or package is told before anything is run. */
  resolveModels(): Promise<void>;
  /** What holds for a node: its own policy, then the run's, then that of the DAG it stands in, then the outermost one's. */
  policyFor(node: Pick<Node, "policy">, spec?: DagSpec): Policy;
  /** Milliseconds until the deadline; `Infinity` without one. */
  remainingMs(): number;
  /** Set once the budget had no room for a request: what would ask a model is not started any more. */
  readonly budgetStop: StopError | undefined;
  /** What an earlier record spares this run. */
  readonly reuse: Reuse;
  /** Resolves when every call has ended, so that the record holds them all; waits a tenth of a second at most. */
  callsEnded(): Promise<void>;
  /** Notes that a piece of work was tried again. */
  noteRetry(key: WorkKey): void;
  retriesOf(key: WorkKey): number;
  /** What a planner says where no output node takes its answer: the run's output, or why there is none. */
  answer(answer: PlannerAnswer): void;
  /** Whether work is kept at a checkpointer; see `keep`. */
  readonly keeps: boolean;
  /** From now on nothing is kept: LangGraph has ended and the rest is settled without it. */
  stopKeeping(): void;
  /** The calls that were made by a piece of work. Only while work is kept. */
  callsOf(key: WorkKey): readonly CallRecord[];
  /** Whether the events of a piece of work were replayed from a checkpoint. */
  isReplayed(key: WorkKey): boolean;
  /** Notes a question that the run stops at. */
  ask(question: RunInterrupt): void;
  /** Takes back what a node, or a node inside it, has asked: its answer is no longer needed. */
  withdraw(node: string): void;
  /** Whether a question was taken back since this was last asked: what LangGraph stopped for it can go on. */
  takeWithdrawn(): boolean;
  readonly questions: readonly RunInterrupt[];
  /** The outcomes of the run's own nodes that were emitted so far. */
  outcomes(): Outcomes;
  /** Settles every node of an inner DAG, at the pace of the run's topology. */
  settleDag(scope: Scope): Promise<void>;
  /** Emits `run-started`, then the events that are replayed from a checkpoint. */
  begin(input: unknown, replay?: readonly RunEvent[]): { readonly id: string; readonly startedAt: string };
  /** Ends the run and folds its record; safe to call twice. */
  end(facts: { readonly error?: OutcomeError; readonly interrupts?: RunRecord["interrupts"] }): RunRecord;
}

/** What a resumed run goes on from. */
export interface Earlier {
  readonly id: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** How long it had run when it was last kept, in milliseconds: the clock goes on from there. */
  readonly elapsedMs: number;
  /** The highest number in the ids of its calls. */
  readonly lastCall: number;
  /** What its calls had used: budgets go on from there. */
  readonly used: BudgetUsed;
}

/** What a run is made of beside its spec and options. */
export interface ExecutionFacts {
  readonly keeps?: boolean;
  readonly earlier?: Earlier | undefined;
}

/** Starts the clock of one run. Nothing is sent and nothing is emitted before `begin`. */
export function createExecution(
  spec: DagSpec,
  topology: string,
  options: RunOptions,
  { keeps = false, earlier }: ExecutionFacts = {},
): Execution {
  let startedAt = new Date();
  let origin = performance.now();
  const stopper = new Stopper();
  const fold: RecordFold = recordFold();
  const retries = new Map<string, number>();
  const openCalls = createOpenCalls();
  let budgetStop: StopError | undefined;
  let reuse = createReuse(undefined, undefined);
  const calls: CallRecord[] = [];
  let questions: readonly RunInterrupt[] = [];
  let withdrawn = false;
  const replayed = new Set<string>();
  const pace = paceOf(topology);
  const id = earlier?.id ?? randomUUID();
  let keeping = keeps;
  let ended: RunRecord | undefined;
  let answered: PlannerAnswer | undefined;

  const nowMs = () => Math.round((performance.now() - origin) * 1000) / 1000;
  const emit = (event: RunEvent) => {
    openCalls.see(event);
    if (keeps && event.type === "call-ended") calls.push(event.call);
    fold.add(event);
    options.onEvent?.(event);
  };
  const noteRetry = (key: WorkKey) => {
    const id = workId(key);
    retries.set(id, (retries.get(id) ?? 0) + 1);
  };
  const stop = (code: StopCode, message: string) => stopper.stop(new StopError(code, message));

  const onUserAbort = () => stopper.stop(stopOf(options.signal?.reason));
  const userSignal = options.signal;
  if (userSignal?.aborted) onUserAbort();
  else userSignal?.addEventListener("abort", onUserAbort, { once: true });

  const { deadlineMs = Infinity } = mergePolicies(options.policy, spec.policy);
  let deadline: NodeJS.Timeout | undefined;
  const remainingMs = () => deadlineMs - nowMs();
  const policyFor: Execution["policyFor"] = (node, within = spec) =>
    mergePolicies(node.policy, options.policy, within.policy, spec.policy);
  const onBudgetSpent = (stop: StopError) => {
    budgetStop ??= stop;
  };
  const models = createModelSource(spec, options, {
    emit,
    nowMs,
    policyFor,
    remainingMs,
    onRetry: noteRetry,
    onBudgetSpent,
    callsBefore: earlier?.lastCall ?? 0,
    ...(earlier !== undefined && { usedBefore: earlier.used }),
  });

  return {
    spec,
    topology,
    options,
    stopper,
    nowMs,
    emit,
    settled(key, outcome) {
      const reused = reuse.usageOf(key, outcome);
      const event = { type: "node-settled" as const, ...key, outcome, atMs: nowMs() };
      emit(reused === null ? event : { ...event, reused });
    },
    stop,
    modelFor: models.modelFor,
    async resolveModels() {
      await models.resolveAll();
      if (isPlanned(topology)) await models.modelFor({}, "$planner");
    },
    policyFor,
    remainingMs,
    get budgetStop() {
      return budgetStop;
    },
    get reuse() {
      return reuse;
    },
    callsEnded: () => openCalls.ended(),
    noteRetry,
    retriesOf: (key) => (retries.size === 0 ? 0 : (retries.get(workId(key)) ?? 0)),
    answer(answer) {
      answered = answer;
    },
    get keeps() {
      return keeping;
    },
    stopKeeping() {
      keeping = false;
    },
    callsOf: (key) => calls.filter((call) => madeBy(call, key)),
    isReplayed: (key) => replayed.size > 0 && replayed.has(workId(key)),
    get questions() {
      return questions;
    },
    ask(question) {
      questions = [...questions, question];
    },
    withdraw(node) {
      const left = questions.filter((question) => !isWithin(question.node, node));
      withdrawn ||= left.length < questions.length;
      questions = left;
    },
    takeWithdrawn() {
      const was = withdrawn;
      withdrawn = false;
      return was;
    },
    outcomes: fold.outcomes,
    settleDag: (scope) => settleDag(scope, pace),
    begin(input, replay = []) {
      startedAt = earlier === undefined ? new Date() : new Date(earlier.startedAt);
      origin = performance.now() - (earlier?.elapsedMs ?? 0);
      emit({
        type: "run-started",
        atMs: 0,
        id,
        thread: options.thread ?? null,
        dag: projectDag(spec),
        topology,
        input,
        startedAt: startedAt.toISOString(),
        simulated: simulatedBy(options),
      });
      reuse = createReuse(options.reuse, input);
      for (const event of replay) {
        if (event.type === "node-settled") replayed.add(workId(event));
        emit(event);
      }
      if (deadlineMs < Infinity) {
        deadline = setTimeout(
          () => stop("deadline", `The run's deadline of ${deadlineMs} ms passed.`),
          Math.max(0, deadlineMs - (earlier?.elapsedMs ?? 0)),
        );
      }
      return { id, startedAt: startedAt.toISOString() };
    },
    end({ error, interrupts = questions }) {
      if (ended !== undefined) return ended;
      clearTimeout(deadline);
      userSignal?.removeEventListener("abort", onUserAbort);
      const { reason } = stopper;
      const aborted = reason instanceof StopError && reason.stop === "aborted";
      const facts = {
        interrupts,
        aborted,
        error: error ?? null,
        ...(answered !== undefined && { answer: answered }),
      };
      const verdict = judgeRun(projectDag(spec), fold.outcomes(), facts);
      emit({ type: "run-ended", atMs: nowMs(), interrupts, ...verdict });
      ended = fold.record();
      return ended;
    },
  };
}

/** Whether a path is that of a node, of an item of it or of a node inside it. */
function isWithin(path: string, node: string): boolean {
  return path.startsWith(node) && ["", "/", "[", "#"].includes(path.charAt(node.length));
}

function workId({ node, item, invocation }: WorkKey): string {
  return `${node} ${item ?? ""} ${invocation ?? ""}`;
}

/** Middleware that simulates latency says so through a `simulated` property. */
function simulatedBy(options: RunOptions): Simulated | null {
  for (const middleware of options.use ?? []) {
    if ("simulated" in middleware) return middleware.simulated as Simulated;
  }
  return null;
}
