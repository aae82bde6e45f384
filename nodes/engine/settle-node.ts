import { GraphInterrupt, isGraphBubbleUp } from "@langchain/langgraph";
import type { WorkKey } from "../../src/records/events.js";
import { completedValue, type Outcome, type Outcomes } from "../../src/records/outcome.js";
import { projectDag } from "../../src/records/projection.js";
import { joinRule, nodeOf } from "../../src/spec/order.js";
import { conditionHolds } from "./condition.js";
import { assertMadeFrom, fingerprint, keep } from "./kept.js";
import type { Decided } from "./ledger.js";
import { mapItems } from "./map.js";
import type { Scope } from "./scope.js";
import { outcomeError, settleWork } from "./settle-work.js";
import { sparedOutcome } from "./spared.js";
import { stopOf, stoppedOutcome } from "./stop.js";
import type { Stopper } from "./stopper.js";
import { ctxOf, needsOf, type Work } from "./work.js";

/**
 * Brings one node to its outcome, in the order join, `when`, `forEach`, work. Never rejects, but for LangGraph's own
 * bubble-ups (interrupts) and a checkpoint that does not fit: whatever else goes wrong is the outcome. A node that has
 * settled is not run again.
 */
export async function settleNode(scope: Scope, name: string): Promise<Outcome> {
  const key: WorkKey = { node: scope.prefix + name, item: null, invocation: null };
  try {
    const outcome = scope.keeps ? await keptOutcome(scope, name, key) : await settleNow(scope, name, key);
    scope.ledger.settle(name, outcome);
    failFast(scope, name, outcome);
    return outcome;
  } catch (error) {
    scope.ledger.hold(name);
    throw error;
  }
}

/** The outcome that a checkpoint holds, else the one that comes of settling the node now. */
async function keptOutcome(scope: Scope, name: string, key: WorkKey): Promise<Outcome> {
  let settledNow = false;
  const { callsOf } = scope.execution;
  const madeFrom = (outcome: Outcome) => sourceOf(scope, name, outcome);
  const kept = await keep({ key, name, callsOf, madeFrom }, () => {
    settledNow = true;
    return settleNow(scope, name, key);
  });
  if (settledNow) return kept.outcome;
  if (usesNeeds(scope, name, kept.outcome)) {
    const { go } = await scope.ledger.decided(name);
    if (go === "hold") throw new GraphInterrupt([]);
  }
  assertMadeFrom(key, kept.madeFrom, madeFrom(kept.outcome));
  return kept.outcome;
}

/** Fingerprint of what an outcome was made from: the node, the DAG's input and, where the join waits for all, the needs. */
function sourceOf(scope: Scope, name: string, outcome: Outcome): string {
  const needs = usesNeeds(scope, name, outcome)
    ? Object.values(needsOf(scope, name)).map((need) => completedValue(need) ?? null)
    : [];
  return fingerprint(projectDag(scope.spec).nodes[name]?.hash, scope.inputPrint, needs);
}

function usesNeeds(scope: Scope, name: string, outcome: Outcome): boolean {
  const { rule, deadlineMs } = joinRule(nodeOf(scope.spec, name).join);
  return (outcome.state === "completed" || "error" in outcome) && rule !== "count" && deadlineMs === null;
}

async function settleNow(scope: Scope, name: string, key: WorkKey): Promise<Outcome> {
  const known = scope.ledger.outcomes[name];
  if (known !== undefined) return known;
  const decision = scope.ledger.decision(name) ?? (await scope.ledger.decided(name));
  const { execution, ledger } = scope;
  if (decision.go === "hold") {
    execution.settled(key, waitingOutcome);
    throw new GraphInterrupt([]);
  }
  const stopper = scope.stopperFor(name);
  const unneeded = ledger.unneeded(name);
  if (unneeded !== undefined) stopper.stop(unneeded);
  try {
    const spared =
      stopper.reason !== undefined || decision.go === "stop"
        ? undefined
        : sparedOutcome(scope, name, decision);
    const reached = spared ?? reachOutcome(workOf(scope, name, key, stopper), decision);
    const outcome = reached instanceof Promise ? await reached : reached;
    execution.settled(key, outcome);
    return outcome;
  } catch (error) {
    if (isGraphBubbleUp(error)) execution.settled(key, interrupted(decision));
    throw error;
  } finally {
    scope.release(name, stopper);
  }
}

function workOf(scope: Scope, name: string, key: WorkKey, stopper: Stopper): Work {
  const node = nodeOf(scope.spec, name);
  return { scope, name, node, key, item: undefined, needs: needsOf(scope, name), stopper };
}

/** The outcome of a piece of work whose join is decided: `when`, then `forEach`, then the work itself. */
export function reachOutcome(work: Work, decision: Decided): Outcome | Promise<Outcome> {
  const { node, stopper } = work;
  const { execution } = work.scope;
  const notStarted = { readyAtMs: null, startedAtMs: null, endedAtMs: execution.nowMs(), attempts: 0 };
  if (stopper.reason !== undefined) {
    return { ...notStarted, ...stoppedOutcome(stopOf(stopper.reason), false) };
  }
  if (decision.go === "stop") return { ...notStarted, ...stoppedOutcome(decision.stop, false) };
  if (decision.go === "skip") return { ...notStarted, state: "skipped", reason: decision.reason };

  const ready = { ...notStarted, readyAtMs: decision.atMs };
  const failed = (error: unknown): Outcome => {
    if (isGraphBubbleUp(error)) throw error;
    return { ...ready, state: "failed", endedAtMs: execution.nowMs(), error: outcomeError(error) };
  };
  try {
    if (node.when !== undefined && !conditionHolds(node.when, ctxOf(work))) {
      return { ...ready, state: "skipped", reason: { code: "condition", message: "Its `when` is false." } };
    }
  } catch (error) {
    return failed(error);
  }
  return node.forEach === undefined
    ? settleWork(work, decision.atMs)
    : mapItems(work, node.forEach, decision.atMs).catch(failed);
}

/** Of a node that cannot be reached before an answer comes. */
export const waitingOutcome: Outcome = {
  state: "interrupted",
  reason: { code: "waiting", message: "It waits for a node that waits for an answer." },
  readyAtMs: null,
  startedAtMs: null,
  endedAtMs: null,
  attempts: 0,
};

/** The outcome of work that waits for an answer. */
export function interrupted(decision: Decided): Outcome {
  return {
    state: "interrupted",
    reason: { code: "approval", message: "The run waits for an answer." },
    readyAtMs: decision.atMs,
    startedAtMs: decision.atMs,
    endedAtMs: null,
    attempts: 1,
  };
}

/** Enters the outcomes that a checkpoint holds, once for each scope. */
export function adoptOutcomes(scope: Scope, outcomes: Outcomes): void {
  if (!scope.adopt(outcomes)) return;
  for (const [name, outcome] of Object.entries(outcomes)) failFast(scope, name, outcome);
}

/** Stops the run when a node failed whose policy is `fail-fast`. */
export function failFast(scope: Scope, name: string, outcome: Outcome): void {
  if (outcome.state !== "failed" && outcome.state !== "timed-out") return;
  if (scope.execution.policyFor(nodeOf(scope.spec, name), scope.spec).onError !== "fail-fast") return;
  scope.execution.stop("fail-fast", `"${scope.prefix}${name}" ${outcome.state} and its policy is fail-fast.`);
}
