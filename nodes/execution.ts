import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
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
  /** The model of an agent, with the run's middleware; `path` names the node in requests and records. */
  modelFor(node: Pick<Node, "model" | "policy">, path: string): Promise<Model>;
  /** Resolves every agent's model, so that a missing key or package is told before anything is run. */
  resolveModels(): Promise<void>;
  policyFor(node: Node): Policy;
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
  let ended: RunRecord | undefined;
  let answered: PlannerAnswer | undefined;

  const nowMs = () => Math.round((performance.now() - origin) * 1000) / 1000;
  const emit = (event: RunEvent) => {
    if (event.type === "call-started" && event.attempt > 1) noteRetry(event);
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

  const { deadlineMs } = { ...spec.policy, ...options.policy };
  let deadline: NodeJS.Timeout | undefined;
  const models = createModelSource(spec, options, { emit, nowMs });

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
    policyFor: (node) => ({ ...spec.policy, ...options.policy, ...node.policy }),
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
      if (deadlineMs !== undefined) {
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
