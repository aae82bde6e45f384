import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { mergePolicies } from "../src/limits/policy-merge.js";
import type { Model } from "../src/models/port.js";
import type { RunEvent, Simulated, WorkKey } from "../src/records/events.js";
import type { OutcomeError } from "../src/records/outcome.js";
import { projectDag } from "../src/records/projection.js";
import { type RecordFold, type RunRecord, recordFold } from "../src/records/record.js";
import { judgeRun, type PlannerAnswer } from "../src/records/run-state.js";
import type { Policy } from "../src/spec/policy.js";
import type { DagSpec, Node } from "../src/spec/shape.js";
import { createModelSource } from "./model-source.js";
import { isPlanned } from "./planner-options.js";
import { createOpenCalls } from "./open-calls.js";
import { createReuse, type Reuse } from "./reuse.js";
import type { RunOptions } from "./run-options.js";
import { type StopCode, StopError, stopOf } from "./stop.js";

/**
 * One run in progress: its clock, its events, its signal and its models. Everything nested in the run (subgraphs, maps,
 * planner) shares it; nothing outside does.
 */
export interface Execution {
  readonly spec: DagSpec;
  readonly topology: string;
  readonly options: RunOptions;
  /** Aborted by the user's signal, the deadline, a fail-fast failure. Its reason is a `StopError`. */
  readonly signal: AbortSignal;
  /** Milliseconds since the run's start. */
  nowMs(): number;
  emit(event: RunEvent): void;
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
  begin(input: unknown): void;
  /** Ends the run and folds its record; safe to call twice. */
  end(facts: { readonly error?: OutcomeError; readonly interrupts?: RunRecord["interrupts"] }): RunRecord;
}

/** Starts the clock of one run. Nothing is sent and nothing is emitted before `begin`. */
export function createExecution(spec: DagSpec, topology: string, options: RunOptions): Execution {
  let startedAt = new Date();
  let origin = performance.now();
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const fold: RecordFold = recordFold();
  const retries = new Map<string, number>();
  const openCalls = createOpenCalls();
  let budgetStop: StopError | undefined;
  let reuse = createReuse(undefined, undefined);
  let ended: RunRecord | undefined;
  let answered: PlannerAnswer | undefined;

  const nowMs = () => Math.round((performance.now() - origin) * 1000) / 1000;
  const emit = (event: RunEvent) => {
    openCalls.see(event);
    fold.add(event);
    options.onEvent?.(event);
  };
  const noteRetry = (key: WorkKey) => {
    const id = workId(key);
    retries.set(id, (retries.get(id) ?? 0) + 1);
  };
  const stop = (code: StopCode, message: string) => controller.abort(new StopError(code, message));

  const onUserAbort = () => controller.abort(stopOf(options.signal?.reason));
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
  });

  return {
    spec,
    topology,
    options,
    signal: controller.signal,
    nowMs,
    emit,
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
    retriesOf: (key) => retries.get(workId(key)) ?? 0,
    answer(answer) {
      answered = answer;
    },
    begin(input) {
      startedAt = new Date();
      origin = performance.now();
      emit({
        type: "run-started",
        atMs: 0,
        id: randomUUID(),
        thread: options.thread ?? null,
        dag: projectDag(spec),
        topology,
        input,
        startedAt: startedAt.toISOString(),
        simulated: simulatedBy(options),
      });
      reuse = createReuse(options.reuse, input);
      if (deadlineMs < Infinity) {
        deadline = setTimeout(
          () => stop("deadline", `The run's deadline of ${deadlineMs} ms passed.`),
          deadlineMs,
        );
      }
    },
    end({ error, interrupts = [] }) {
      if (ended !== undefined) return ended;
      clearTimeout(deadline);
      userSignal?.removeEventListener("abort", onUserAbort);
      const { reason } = controller.signal;
      const aborted = reason instanceof StopError && reason.stop === "aborted";
      const facts = {
        interrupts,
        aborted,
        error: error ?? null,
        ...(answered !== undefined && { answer: answered }),
      };
      const verdict = judgeRun(projectDag(spec), fold.record().outcomes, facts);
      emit({ type: "run-ended", atMs: nowMs(), interrupts, ...verdict });
      ended = fold.record();
      return ended;
    },
  };
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
