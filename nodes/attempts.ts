import { isGraphBubbleUp } from "@langchain/langgraph";
import { DagError } from "../src/errors.js";
import { retryDefaults, retryWaitMs } from "../src/limits/retry-schedule.js";
import { retriesOn, retryAfterMsOf } from "../src/limits/retryable.js";
import { waitMs } from "../src/limits/wait.js";
import { followSignal, untilAborted } from "../src/models/abortable.js";
import type { Policy } from "../src/spec/policy.js";
import { kindOf } from "../src/spec/shape.js";
import { runKind } from "./kinds.js";
import type { Work, WorkResult } from "./work.js";

/**
 * Does a piece of work under its policy. Functions and tools are timed and tried again whole. Agents are not: their
 * policy is around each model request, so that what they have already paid for is kept. A graph's nodes have policies
 * themselves; as a whole it has only a time limit of its own.
 *
 * An error that says nothing about itself is worth another attempt only where a policy states `retry`: a function may
 * have done half of what it does.
 */
export async function attemptWork(work: Work): Promise<WorkResult> {
  const { execution, spec } = work.scope;
  const kind = kindOf(work.node);
  const perform = runKind[kind];
  if (kind === "graph") return withinTime(work, work.node.policy?.timeoutMs, perform);
  if (kind !== "function" && kind !== "tool") return perform(work);
  const policy = execution.policyFor(work.node, spec);
  for (let attempt = 1; ; attempt++) {
    try {
      return await withinTime(work, policy.timeoutMs, perform);
    } catch (error) {
      const wait = isGraphBubbleUp(error) || work.signal.aborted ? null : waitBefore(error, attempt, policy);
      if (wait === null || wait >= execution.remainingMs()) throw error;
      await waitMs(wait, work.signal);
      execution.noteRetry(work.key);
    }
  }
}

function waitBefore(error: unknown, attempt: number, { retry = {} }: Policy): number | null {
  if (attempt >= (retry.maxAttempts ?? retryDefaults.maxAttempts)) return null;
  if (!retriesOn(retry, error, { whenSilent: Object.keys(retry).length > 0 })) return null;
  return retryWaitMs(retry, attempt, { retryAfterMs: retryAfterMsOf(error) });
}

/** Ends the work after `timeoutMs`, whether or not it heeds its signal. */
async function withinTime<T>(
  work: Work,
  timeoutMs: number | undefined,
  perform: (work: Work) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined) return perform(work);
  const following = followSignal(work.signal);
  const timer = setTimeout(() => following.abort(tookTooLong(work.key.node, timeoutMs)), timeoutMs);
  try {
    return await untilAborted(perform({ ...work, signal: following.signal }), following.signal);
  } finally {
    clearTimeout(timer);
    following.close();
  }
}

function tookTooLong(node: string, timeoutMs: number): DagError {
  return new DagError("NODE_TIMEOUT", `"${node}" did not finish within ${timeoutMs} ms (\`timeoutMs\`).`, {
    retryable: true,
    facts: { node, timeoutMs, timedOut: true },
  });
}
