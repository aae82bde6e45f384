import { caught, DagError, errorCode, errorMessage } from "../../src/errors.js";
import { retryDefaults, retryWaitMs } from "../../src/limits/retry-schedule.js";
import { retriesOn, retryAfterMsOf } from "../../src/limits/retryable.js";
import { waitMs } from "../../src/limits/wait.js";
import { textField } from "../../src/models/error-chain.js";
import { redactKeys } from "../../src/models/redact.js";
import {
  completed,
  failed,
  notStarted,
  type Outcome,
  type OutcomeError,
  type OutcomeTimes,
  partsOf,
  spanning,
} from "../../src/records/outcome.js";
import { nodeValue } from "../../src/spec/json-value.js";
import type { Policy } from "../../src/spec/policy.js";
import { kindOf, type NodeKind } from "../../src/spec/shape.js";
import { CancelError, Canceller, cancelLate, cancelledOutcome, untilCancelled } from "./cancel.js";
import type { Perform, Work, WorkResult } from "./scope.js";
import { Suspension, suspendedOutcome } from "./suspension.js";

/** Runs one piece of work to its outcome, at once where it needs no waiting. Never rejects. */
export function settleWork(work: Work, readyAtMs: number): Outcome | Promise<Outcome> {
  const { run } = work.scope;
  const startedAtMs = run.events.nowMs();
  run.events.emit({ type: "node-started", ...work.key, atMs: startedAtMs });
  const times = (endedAtMs: number | null = run.events.nowMs()): OutcomeTimes => ({
    readyAtMs,
    startedAtMs,
    endedAtMs,
    attempts: 1 + run.retriesOf(work.key),
  });
  const done = (result: WorkResult): Outcome => {
    if ("error" in result) return spanned({ ...wentWrong(result.error), ...result.parts });
    return spanned({ ...completed(times(), nodeValue(result.value)), ...result.parts });
  };
  const wentWrong = (thrown: unknown): Outcome => {
    const error = caught(thrown);
    if (error instanceof Suspension) return suspendedOutcome(error, times(null));
    if (error instanceof CancelError) return cancelledOutcome(error, true, times());
    return failed(times(), workError(work, error), timedOut(error) ? "timed-out" : "failed");
  };
  const kind = kindOf(work.node);
  try {
    const running =
      kind === "agent" || kind === "approval" ? work.scope.performers[kind](work) : attemptWork(work, kind);
    return running instanceof Promise
      ? ended(work, running, work.canceller).then(done).catch(wentWrong)
      : done(running);
  } catch (error) {
    return wentWrong(error);
  }
}

/** The outcome of work that something went wrong with before it was begun. */
export function brokeOffBefore(work: Work, readyAtMs: number, thrown: unknown): Outcome {
  const error = caught(thrown);
  return error instanceof Suspension
    ? suspendedOutcome(error, { ...notStarted(null, readyAtMs), attempts: 1 })
    : failed(notStarted(work.scope.run.events.nowMs(), readyAtMs), workError(work, error));
}

/** In a resumed run, parts may have been done before. */
function spanned(outcome: Outcome): Outcome {
  return outcome.outcomes === undefined && outcome.rounds === undefined
    ? outcome
    : spanning(outcome, partsOf(outcome));
}

/**
 * Does a piece of work under its policy. Functions and tools are timed and tried again whole, but only where a policy states
 * `retry`: they may have done half of what they do. Agents are not: their policy is around each model request, so that what
 * they have already paid for is kept. A graph's nodes have policies themselves; as a whole it has only a time limit of its own.
 */
function attemptWork(work: Work, kind: NodeKind): WorkResult | Promise<WorkResult> {
  const { run, spec, performers } = work.scope;
  const perform = performers[kind];
  if (kind === "graph") return withinTime(work, work.node.policy?.timeoutMs, perform);
  const policy = run.policyFor(work.node, spec);
  const attempt = (number: number) => attemptOnce({ ...work, attempt: number }, policy.timeoutMs, perform);
  try {
    const first = attempt(1);
    return first instanceof Promise ? attemptAgain(work, policy, first, attempt) : first;
  } catch (error) {
    if (waitBefore(work, policy, error, 1) === null) throw error;
    return attemptAgain(work, policy, Promise.reject(error), attempt);
  }
}

async function attemptAgain(
  work: Work,
  policy: Policy,
  first: Promise<WorkResult>,
  attempt: (number: number) => WorkResult | Promise<WorkResult>,
): Promise<WorkResult> {
  for (let number = 1; ; number++) {
    try {
      return await (number === 1 ? first : attempt(number));
    } catch (error) {
      const wait = waitBefore(work, policy, error, number);
      if (wait === null) throw error;
      await waitMs(wait, work.canceller.signal);
      work.scope.run.noteRetry(work.key);
    }
  }
}

/** Milliseconds until the attempt after that one, `null` when there is none. */
function waitBefore(work: Work, { retry }: Policy, error: unknown, attempt: number): number | null {
  const { run } = work.scope;
  if (retry === undefined || error instanceof Suspension || work.canceller.reason !== undefined) return null;
  if (run.retriedErrors.has(error as object)) return null;
  if (attempt >= (retry.maxAttempts ?? retryDefaults.maxAttempts)) return null;
  if (!retriesOn(retry, error, { whenSilent: true })) return null;
  const wait = retryWaitMs(retry, attempt, { retryAfterMs: retryAfterMsOf(error) });
  return wait < run.remainingMs() ? wait : null;
}

/** One attempt of a function or a tool, told as an event. */
function attemptOnce(
  work: Work,
  timeoutMs: number | undefined,
  perform: Perform,
): WorkResult | Promise<WorkResult> {
  const { events } = work.scope.run;
  const startedAtMs = events.nowMs();
  const told = (error: OutcomeError | null) => {
    const { key, attempt } = work;
    events.emit({ type: "node-attempt", ...key, attempt, startedAtMs, error, atMs: events.nowMs() });
  };
  const wentWrong = (thrown: unknown): never => {
    // Whatever user code throws can be looked at from here on.
    const error = caught(thrown);
    if (!(error instanceof Suspension)) told(workError(work, error));
    throw error;
  };
  try {
    const { key, attempt } = work;
    const running = events.isInstrumented
      ? events.within({ kind: "attempt", key, attempt, atMs: startedAtMs }, () =>
          withinTime(work, timeoutMs, perform),
        )
      : withinTime(work, timeoutMs, perform);
    if (running instanceof Promise) {
      return running.then((result) => {
        told(null);
        return result;
      }, wentWrong);
    }
    told(null);
    return running;
  } catch (error) {
    return wentWrong(error);
  }
}

/** Ends the work after `timeoutMs`, whether or not it heeds its signal. */
function withinTime(
  work: Work,
  timeoutMs: number | undefined,
  perform: Perform,
): WorkResult | Promise<WorkResult> {
  if (timeoutMs === undefined) return perform(work);
  const canceller = new Canceller();
  const running = perform({ ...work, canceller });
  if (!(running instanceof Promise)) return running;
  const late = () => tookTooLong(`"${work.key.node}"`, timeoutMs, { node: work.key.node });
  return ended(work, running, canceller).finally(cancelLate(canceller, work.canceller, timeoutMs, late));
}

/** A graph ends by itself when it is cancelled, and its inner nodes have to settle first; any other work is left behind. */
function ended(work: Work, running: Promise<WorkResult>, canceller: Canceller): Promise<WorkResult> {
  return kindOf(work.node) === "graph" ? running : untilCancelled(running, canceller);
}

/** The error of what took longer than its policy allows one attempt. */
export function tookTooLong(
  what: string,
  timeoutMs: number,
  facts: Readonly<Record<string, string>>,
): DagError {
  return new DagError("NODE_TIMEOUT", `${what} did not finish within ${timeoutMs} ms (\`timeoutMs\`).`, {
    retryable: true,
    facts: { ...facts, timeoutMs },
    timedOut: true,
  });
}

/** What was thrown, as data: code, message, and the offending text where there is one. */
export function outcomeError(error: unknown): OutcomeError {
  const text = error instanceof DagError ? error.text : undefined;
  const message = redactKeys(errorMessage(error));
  return { code: redactKeys(errorCode(error)), message, ...(text !== undefined && { text }) };
}

/** {@link outcomeError} of a piece of work: a question that LangGraph's `interrupt` could not ask there is told in words. */
export function workError({ scope, key }: Work, error: unknown): OutcomeError {
  if (scope.run.host.payloadOf(error) !== undefined) {
    const message = `"${key.node}" called \`interrupt\` where no question can be asked: ask in a function, a tool or a runnable.`;
    return { code: "INTERRUPT_MISPLACED", message };
  }
  if (textField(error, "lc_error_code") !== "MISSING_CHECKPOINTER") return outcomeError(error);
  const message = `"${key.node}" asked a question with \`interrupt\`, and the run has no checkpointer to wait at.`;
  return { code: "CHECKPOINTER_MISSING", message };
}

/** Whether an error says that time ran out. */
export function timedOut(error: unknown): boolean {
  return error instanceof DagError && error.timedOut;
}
