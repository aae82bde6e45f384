import { GraphInterrupt } from "@langchain/langgraph";
import type { Outcome } from "../../src/records/outcome.js";
import { joinRule } from "../../src/spec/order.js";
import type { DagSpec, Node } from "../../src/spec/shape.js";
import { createLedger, type Decided } from "../engine/ledger.js";
import { stopOf } from "../engine/stop.js";
import type { Stopper } from "../engine/stopper.js";

/** A run that a call waits for. */
interface Awaited {
  readonly outcome: Outcome | undefined;
  readonly done: Promise<Outcome>;
}

type Labelled = readonly (readonly [string, Awaited])[];

/**
 * Decides a planner's call as the node's `join` says of the runs that stand for its declared needs. What the planner
 * hands it besides has to complete too, but for a node that runs once all have settled. Rejects only when a run that
 * it waits for does: with LangGraph's bubble-ups.
 */
export async function decideCall(
  node: Node,
  declared: Labelled,
  others: Labelled,
  nowMs: () => number,
  stopper: Stopper,
): Promise<Decided> {
  if (declared.length === 0 && others.length === 0) return { go: "run", atMs: nowMs() };
  const decision = await orStopped(joinOf(node, declared, nowMs), stopper, nowMs);
  if (decision.go !== "run" || others.length === 0) return decision;
  const settled = Promise.all(others.map(([, run]) => run.outcome ?? run.done)).then((): Decided => {
    const missing = others.filter(([, run]) => run.outcome?.state !== "completed");
    const tolerant = joinRule(node.join).rule === "settled" && node.tool === undefined;
    if (missing.length === 0 || tolerant) return { go: "run", atMs: nowMs() };
    const names = missing.map(([label, run]) => `${label} ${run.outcome?.state ?? "not settled"}`).join(", ");
    return {
      go: "skip",
      atMs: nowMs(),
      reason: { code: "join", message: `The call wants the results it refers to; ${names}.` },
    };
  });
  return orStopped(settled, stopper, nowMs);
}

const self = "call";

/** The join alone: a ledger over the call and its needs. */
async function joinOf(node: Node, declared: Labelled, nowMs: () => number): Promise<Decided> {
  if (declared.length === 0) return { go: "run", atMs: nowMs() };
  const names = declared.map((_, index) => `need${index}`);
  const leaf: Node = { run: () => null };
  const spec: DagSpec = {
    name: "call",
    nodes: {
      ...Object.fromEntries(names.map((name) => [name, leaf])),
      [self]: { ...leaf, needs: names, ...(node.join !== undefined && { join: node.join }) },
    },
  };
  const ledger = createLedger(spec, { nowMs, onReady() {}, onUnneeded() {} });
  const interrupted = new Promise<never>((_, reject) => {
    declared.forEach(([, run], index) => {
      const name = names[index] ?? "";
      if (run.outcome !== undefined) ledger.settle(name, run.outcome);
      else run.done.then((outcome) => ledger.settle(name, outcome), reject);
    });
  });
  try {
    const decision = await Promise.race([ledger.decided(self), interrupted]);
    if (decision.go === "hold") throw new GraphInterrupt([]);
    return labelled(decision, declared);
  } finally {
    ledger.close();
  }
}

/** A decision that speaks of the needs by their own names. */
function labelled(decision: Decided, declared: Labelled): Decided {
  if (decision.go !== "skip") return decision;
  const message = decision.reason.message.replace(/\bneed(\d+)\b/g, (_, i) => declared[Number(i)]?.[0] ?? "");
  return { ...decision, reason: { ...decision.reason, message } };
}

function orStopped(deciding: Promise<Decided>, stopper: Stopper, nowMs: () => number): Promise<Decided> {
  return new Promise((resolve, reject) => {
    const detach = stopper.onStop((reason) => resolve({ go: "stop", stop: stopOf(reason), atMs: nowMs() }));
    deciding.then(resolve, reject).finally(detach);
  });
}
