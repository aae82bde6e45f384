import type { Outcome, OutcomeReason } from "../../src/records/outcome.js";
import { joinRule } from "../../src/spec/order.js";
import type { Node } from "../../src/spec/shape.js";
import { type Canceller, cancelOf } from "../engine/cancel.js";
import type { Decided, Decision } from "../engine/frontier.js";
import { judgeJoin, judgeLateJoin, lateReason, unmetReason } from "../engine/join.js";

/** A run that a call waits for. */
interface Awaited {
  readonly outcome: Outcome | undefined;
  readonly done: Promise<Outcome>;
}

type Labelled = readonly (readonly [string, Awaited])[];

/**
 * Decides a planner's call as the node's `join` says of the runs that stand for its declared needs. What the planner
 * hands it besides has to complete too, but for a node that runs once all have settled.
 */
export async function decideCall(
  node: Node,
  declared: Labelled,
  others: Labelled,
  nowMs: () => number,
  canceller: Canceller,
): Promise<Decision> {
  if (declared.length === 0 && others.length === 0) return { go: "run", atMs: nowMs() };
  const decision = await orCancelled(joinOf(node, declared, nowMs), canceller, nowMs);
  if (decision.go !== "run" || others.length === 0) return decision;
  const settled = Promise.all(others.map(([, run]) => run.outcome ?? run.done)).then((): Decision => {
    const missing = others.filter(([, run]) => run.outcome?.state !== "completed");
    if (missing.some(([, run]) => run.outcome?.state === "interrupted"))
      return { go: "suspend", atMs: nowMs() };
    const tolerant = joinRule(node.join).rule === "settled" && node.tool === undefined;
    if (missing.length === 0 || tolerant) return { go: "run", atMs: nowMs() };
    const names = missing.map(([label, run]) => `${label} ${run.outcome?.state ?? "not settled"}`).join(", ");
    return skip({ code: "join", message: `The call wants the results it refers to; ${names}.` }, nowMs);
  });
  return orCancelled(settled, canceller, nowMs);
}

/** The join alone. */
function joinOf(node: Node, declared: Labelled, nowMs: () => number): Promise<Decision> {
  const rule = joinRule(node.join);
  const total = declared.length;
  if (total === 0) return Promise.resolve({ go: "run", atMs: nowMs() });
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let [settled, completed, suspended] = [0, 0, 0];
    const decide = (decision: Decision) => {
      clearTimeout(timer);
      resolve(decision);
    };
    const enter = (outcome: Outcome) => {
      if (outcome.state === "interrupted") suspended++;
      else settled++;
      if (outcome.state === "completed") completed++;
      const verdict = judgeJoin(rule, { total, settled, completed });
      if (verdict === "run") return decide({ go: "run", atMs: nowMs() });
      if (verdict === "skip") {
        const needs = declared.map(([name, run]) => [name, run.outcome] as const);
        return decide(skip(unmetReason(rule, needs), nowMs));
      }
      if (rule.deadlineMs !== null && timer === undefined && settled > 0) {
        timer = setTimeout(() => {
          if (judgeLateJoin(rule) === "run") decide({ go: "run", atMs: nowMs() });
          else decide(skip(lateReason(rule, { total, settled, completed }), nowMs));
        }, rule.deadlineMs);
      }
      if (timer === undefined && settled + suspended === total) decide({ go: "suspend", atMs: nowMs() });
    };
    for (const [, run] of declared) {
      if (run.outcome !== undefined) enter(run.outcome);
      else void run.done.then(enter);
    }
  });
}

function skip(reason: OutcomeReason, nowMs: () => number): Decided {
  return { go: "skip", reason, atMs: nowMs() };
}

function orCancelled(
  deciding: Promise<Decision>,
  canceller: Canceller,
  nowMs: () => number,
): Promise<Decision> {
  return new Promise((resolve, reject) => {
    const detach = canceller.onCancel((reason) =>
      resolve({ go: "cancel", cancel: cancelOf(reason), atMs: nowMs() }),
    );
    deciding.then(resolve, reject).finally(detach);
  });
}
