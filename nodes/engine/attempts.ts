import { isGraphBubbleUp } from "@langchain/langgraph";
import { DagError } from "../../src/errors.js";
import { retryDefaults, retryWaitMs } from "../../src/limits/retry-schedule.js";
import { retriesOn, retryAfterMsOf } from "../../src/limits/retryable.js";
import { waitMs } from "../../src/limits/wait.js";
import type { Policy } from "../../src/spec/policy.js";
import { kindOf } from "../../src/spec/shape.js";
import { runKind } from "../kinds/kinds.js";
import { StopError, untilStopped } from "./stop.js";
import { Stopper } from "./stopper.js";
import type { Perform, Work, WorkResult } from "./work.js";

/**
 * Does a piece of work under its policy. Functions and tools are timed and tried again whole. Agents are not: their
 * policy is around each model request, so that what they have already paid for is kept. A graph's nodes have policies
 * themselves; as a whole it has only a time limit of its own.
 *
 * An error that says nothing about itself is worth another attempt only where a policy states `retry`: a function may
 * have done half of what it does.
 */
export function attemptWork(work: Work): WorkResult | Promise<WorkResult> {
  const { execution, spec } = work.scope;
  const kind = kindOf(work.node);
  const perform = runKind[kind];
  if (kind === "graph") return withinTime(work, work.node.policy?.timeoutMs, perform);
  if (kind !== "function" && kind !== "tool") return perform(work);
  const policy = execution.policyFor(work.node, spec);
  const attempt = () => withinTime(work, policy.timeoutMs, perform);
  try {
    const first = attempt();
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
  attempt: () => WorkResult | Promise<WorkResult>,
): Promise<WorkResult> {
  for (let number = 1; ; number++) {
    try {
      return await (number === 1 ? first : attempt());
    } catch (error) {
      const wait = waitBefore(work, policy, error, number);
      if (wait === null) throw error;
      await waitMs(wait, work.stopper.signal);
      work.scope.execution.noteRetry(work.key);
    }
  }
}

/** Milliseconds until the attempt after that one, `null` when there is none. */
function waitBefore(work: Work, { retry = {} }: Policy, error: unknown, attempt: number): number | null {
  if (isGraphBubbleUp(error) || work.stopper.reason !== undefined) return null;
  if (attempt >= (retry.maxAttempts ?? retryDefaults.maxAttempts)) return null;
  if (!retriesOn(retry, error, { whenSilent: Object.keys(retry).length > 0 })) return null;
  const wait = retryWaitMs(retry, attempt, { retryAfterMs: retryAfterMsOf(error) });
  return wait < work.scope.execution.remainingMs() ? wait : null;
}

/** Ends the work after `timeoutMs`, whether or not it heeds its signal. */
function withinTime(
  work: Work,
  timeoutMs: number | undefined,
  perform: Perform,
): WorkResult | Promise<WorkResult> {
  if (timeoutMs === undefined) return perform(work);
  const stopper = new Stopper();
  const running = perform({ ...work, stopper });
  if (!(running instanceof Promise)) return running;
  const detach = work.stopper.onStop((reason) => stopper.stop(reason));
  const timer = setTimeout(() => stopper.stop(tookTooLong(work.key.node, timeoutMs)), timeoutMs);
  const stop = () => {
    clearTimeout(timer);
    detach();
  };
  return (
    kindOf(work.node) === "graph" ? graphEnded(running, stopper) : untilStopped(running, stopper)
  ).finally(stop);
}

/** A graph that took too long ends by itself, and tells what its nodes came to. */
async function graphEnded(running: Promise<WorkResult>, stopper: Stopper): Promise<WorkResult> {
  try {
    return await running;
  } catch (error) {
    const { reason } = stopper;
    if (reason === undefined || reason instanceof StopError || !(error instanceof DagError)) throw error;
    const { outcomes } = error.facts;
    throw new DagError(reason.code, reason.message, {
      facts: { ...reason.facts, outcomes },
      retryable: true,
    });
  }
}

function tookTooLong(node: string, timeoutMs: number): DagError {
  return new DagError("NODE_TIMEOUT", `"${node}" did not finish within ${timeoutMs} ms (\`timeoutMs\`).`, {
    retryable: true,
    facts: { node, timeoutMs },
    timedOut: true,
  });
}
