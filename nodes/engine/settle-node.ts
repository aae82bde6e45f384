import { interrupted, notStarted, type Outcome, skipped } from "../../src/records/outcome.js";
import { nodeWork, type WorkKey } from "../../src/records/work-id.js";
import { nodeOf } from "../../src/spec/order.js";
import { kindOf } from "../../src/spec/shape.js";
import { cancelledOutcome, cancelOf } from "./cancel.js";
import { whyNot } from "./condition.js";
import type { Decided } from "./frontier.js";
import { mapItems } from "./map.js";
import type { Scope, Work } from "./scope.js";
import { brokeOffBefore, settleWork } from "./settle-work.js";
import { ctxOf, needsOf } from "./work.js";

/**
 * Brings one node to its outcome, in the order join, `when`, `forEach`, work. Never rejects: whatever goes wrong is the
 * outcome. A node that has settled is not run again; one that waits for an answer is `interrupted`, which is not settled.
 */
export async function settleNode(scope: Scope, name: string): Promise<Outcome> {
  const { run, frontier } = scope;
  const known = frontier.outcomes[name] ?? frontier.waiting(name);
  if (known !== undefined) return known;
  const key = nodeWork(scope.prefix + name);
  const decision = frontier.decision(name) ?? (await frontier.decided(name));
  // One that waited for an answer may have become needless, and settled, since it was decided.
  const meanwhile = frontier.outcomes[name];
  if (meanwhile !== undefined) return meanwhile;
  if (decision.go === "suspend") return suspended(scope, name, key);
  const canceller = scope.cancellerFor(name);
  const unneeded = frontier.unneeded(name);
  if (unneeded !== undefined) canceller.cancel(unneeded);
  try {
    const node = nodeOf(scope.spec, name);
    const needs = needsOf(scope, name);
    const work: Work = { scope, name, node, key, item: undefined, needs, attempt: 1, canceller };
    const reached =
      reusedOrUnpaid(work, decision) ??
      withoutWork(work, decision) ??
      (node.forEach === undefined ? settleWork : mapItems)(work, decision.atMs);
    const outcome = reached instanceof Promise ? await reached : reached;
    const written = run.journal.settled(key, outcome, scope.inputPrint);
    if (written !== undefined) await written;
    run.settled(key, outcome);
    if (outcome.state === "interrupted") frontier.suspend(name, outcome);
    else frontier.settle(name, outcome);
    failFast(scope, name, outcome);
    return outcome;
  } finally {
    scope.releaseCanceller(name, canceller);
  }
}

/** A node that cannot be decided before an answer comes. */
function suspended(scope: Scope, name: string, key: WorkKey): Outcome {
  const outcome = interrupted(notStarted(null), "waiting", "It waits for a node that waits for an answer.");
  scope.run.settled(key, outcome);
  scope.frontier.suspend(name, outcome);
  return outcome;
}

/**
 * The outcome of a node that need not, or must not, be started: an earlier record's, or `skipped` when the budget is spent
 * and the node is an agent or lacks a need for that reason. Functions that have what they need still run: they put together
 * what was paid for.
 */
function reusedOrUnpaid(work: Work, decision: Decided): Outcome | undefined {
  const { scope, name, node, needs, canceller } = work;
  if (canceller.reason !== undefined) return undefined;
  const earlier = decision.go === "run" ? scope.run.reuse.node(scope, name, decision.atMs) : undefined;
  if (earlier !== undefined) return earlier;
  const { budgetSpent } = scope.run;
  if (budgetSpent === undefined) return undefined;
  const lacks = Object.values(needs).some(
    (need) => need !== undefined && "reason" in need && need.reason.code === "budget",
  );
  if (decision.go === "skip" ? !lacks : kindOf(node) !== "agent") return undefined;
  const readyAtMs = decision.go === "run" ? decision.atMs : null;
  return cancelledOutcome(budgetSpent, false, notStarted(scope.run.events.nowMs(), readyAtMs));
}

/** The outcome of a node that its join, a cancellation or its `when` keeps from being begun; `undefined` where nothing does. */
export function withoutWork(work: Work, decision: Decided): Outcome | undefined {
  const { node, canceller } = work;
  const { events } = work.scope.run;
  if (canceller.reason !== undefined) {
    return cancelledOutcome(cancelOf(canceller.reason), false, notStarted(events.nowMs()));
  }
  if (decision.go === "cancel") return cancelledOutcome(decision.cancel, false, notStarted(events.nowMs()));
  if (decision.go === "skip") {
    return skipped(notStarted(events.nowMs()), decision.reason.code, decision.reason.message);
  }
  try {
    const not = node.when === undefined ? undefined : whyNot(node.when, ctxOf(work), work.needs);
    return not === undefined
      ? undefined
      : skipped(notStarted(events.nowMs(), decision.atMs), "condition", not);
  } catch (error) {
    return brokeOffBefore(work, decision.atMs, error);
  }
}

/** Cancels the run when a node failed whose policy is `fail-fast`. */
export function failFast(scope: Scope, name: string, outcome: Outcome): void {
  if (outcome.state !== "failed" && outcome.state !== "timed-out") return;
  if (scope.run.policyFor(nodeOf(scope.spec, name), scope.spec).onError !== "fail-fast") return;
  scope.run.cancel("fail-fast", `"${scope.prefix}${name}" ${outcome.state} and its policy is fail-fast.`);
}
