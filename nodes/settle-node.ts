import { isGraphBubbleUp } from "@langchain/langgraph";
import type { WorkKey } from "../src/records/events.js";
import type { Outcome } from "../src/records/outcome.js";
import { nodeOf } from "../src/spec/order.js";
import { conditionHolds } from "./condition.js";
import type { Decision } from "./ledger.js";
import { mapItems } from "./map.js";
import type { Scope } from "./scope.js";
import { outcomeError, settleWork } from "./settle-work.js";
import { sparedOutcome } from "./spared.js";
import { stopOf, stoppedOutcome } from "./stop.js";
import { ctxOf, needsOf, type Work } from "./work.js";

/**
 * Brings one node to its outcome, in the order join, `when`, `forEach`, work. Never rejects, but for LangGraph's own
 * bubble-ups (interrupts): whatever goes wrong is the outcome. A node that has settled is not run again.
 */
export async function settleNode(scope: Scope, name: string): Promise<Outcome> {
  const known = scope.ledger.outcomes[name];
  if (known !== undefined) return known;
  const decision = scope.ledger.decision(name) ?? (await scope.ledger.decided(name));
  const { execution } = scope;
  const key: WorkKey = { node: scope.prefix + name, item: null, invocation: null };
  const enter = (outcome: Outcome) => {
    const reused = execution.reuse.usageOf(key, outcome);
    execution.emit({
      type: "node-settled",
      ...key,
      outcome,
      atMs: outcome.endedAtMs ?? execution.nowMs(),
      ...(reused !== null && { reused }),
    });
    return outcome;
  };
  try {
    const outcome = enter(await settleDecided(scope, name, key, decision));
    scope.ledger.settle(name, outcome);
    failFast(scope, name, outcome);
    return outcome;
  } catch (error) {
    if (isGraphBubbleUp(error)) enter(interrupted(decision));
    throw error;
  }
}

async function settleDecided(scope: Scope, name: string, key: WorkKey, decision: Decision): Promise<Outcome> {
  const controller = scope.controllerFor(name);
  const unneeded = scope.ledger.unneeded(name);
  if (unneeded !== undefined) controller.abort(unneeded);
  const node = nodeOf(scope.spec, name);
  const needs = needsOf(scope, name);
  try {
    return await reachOutcome(
      { scope, name, node, key, item: undefined, needs, signal: controller.signal },
      decision,
    );
  } finally {
    scope.release(name, controller);
  }
}

/** The outcome of a piece of work whose join is decided: `when`, then `forEach`, then the work itself. */
export async function reachOutcome(work: Work, decision: Decision): Promise<Outcome> {
  const { node, signal } = work;
  const { execution } = work.scope;
  const notStarted = { readyAtMs: null, startedAtMs: null, endedAtMs: execution.nowMs(), attempts: 0 };
  if (signal.aborted) return { ...notStarted, ...stoppedOutcome(stopOf(signal.reason), false) };
  if (decision.go === "stop") return { ...notStarted, ...stoppedOutcome(decision.stop, false) };
  const spared = sparedOutcome(scope, name, decision);
  if (spared !== undefined) return spared;
  if (decision.go === "skip") return { ...notStarted, state: "skipped", reason: decision.reason };

  const ready = { ...notStarted, readyAtMs: decision.atMs };
  try {
    if (node.when !== undefined && !conditionHolds(node.when, ctxOf(work))) {
      return { ...ready, state: "skipped", reason: { code: "condition", message: "Its `when` is false." } };
    }
    return node.forEach === undefined
      ? await settleWork(work, decision.atMs)
      : await mapItems(work, node.forEach, decision.atMs);
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    return { ...ready, state: "failed", endedAtMs: execution.nowMs(), error: outcomeError(error) };
  }
}

/** The outcome of work that waits for an answer. */
export function interrupted(decision: Decision): Outcome {
  return {
    state: "interrupted",
    reason: { code: "approval", message: "The run waits for an answer." },
    readyAtMs: decision.atMs,
    startedAtMs: decision.atMs,
    endedAtMs: null,
    attempts: 1,
  };
}

/** Stops the run when a node failed whose policy is `fail-fast`. */
export function failFast(scope: Scope, name: string, outcome: Outcome): void {
  if (outcome.state !== "failed" && outcome.state !== "timed-out") return;
  if (scope.execution.policyFor(nodeOf(scope.spec, name), scope.spec).onError !== "fail-fast") return;
  scope.execution.stop("fail-fast", `"${scope.prefix}${name}" ${outcome.state} and its policy is fail-fast.`);
}
