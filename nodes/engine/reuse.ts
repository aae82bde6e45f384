import type { DagProjection, UsageSums, WorkKey } from "../../src/records/events.js";
import { completedValue, type Outcome, type Outcomes } from "../../src/records/outcome.js";
import { projectDag } from "../../src/records/projection.js";
import { addUsages, type RunRecord, usageOf } from "../../src/records/record.js";
import { canonicalJson } from "../../src/spec/canonical.js";
import { joinRule, nodeOf } from "../../src/spec/order.js";
import type { Scope } from "./scope.js";
import { needsOf } from "./work.js";

/** What an earlier record spares a run: outcomes that would be the same, told by declaration, input and needs. */
export interface Reuse {
  /** The node's earlier outcome, when it completed and nothing about it has changed. Asked once its join is decided. */
  node(scope: Scope, name: string, readyAtMs: number): Outcome | undefined;
  /** An item's earlier outcome; known once its node was asked for. */
  item(key: WorkKey, readyAtMs: number): Outcome | undefined;
  /** What a reused outcome had cost; `null` for any other. */
  usageOf(key: WorkKey, outcome: Outcome): UsageSums | null;
}

interface EarlierDag {
  readonly dag: DagProjection;
  readonly outcomes: Outcomes;
}

/** Reuse of `record` for a run on `input`; without a record, or on another input, nothing is reused. */
export function createReuse(record: RunRecord | undefined, input: unknown): Reuse {
  const dags = new Map<string, EarlierDag>();
  const items = new Map<string, readonly Outcome[]>();
  if (record !== undefined && sameJson(record.input, input)) dags.set("", record);

  return {
    node(scope, name, readyAtMs) {
      const earlier = dags.get(scope.prefix);
      const outcome = earlier?.outcomes[name];
      if (earlier === undefined || outcome === undefined || !isSame(earlier, scope, name)) return undefined;
      const path = scope.prefix + name;
      const inner = earlier.dag.nodes[name]?.dag;
      if (isWhole(outcome)) return reused(outcome, readyAtMs);
      if (outcome.items !== undefined) items.set(path, outcome.items);
      if (outcome.outcomes !== undefined && inner !== undefined) {
        dags.set(`${path}/`, { dag: inner, outcomes: outcome.outcomes });
      }
      return undefined;
    },
    item({ node, item }, readyAtMs) {
      const outcome = item === null ? undefined : items.get(node)?.[item];
      return outcome !== undefined && isWhole(outcome) ? reused(outcome, readyAtMs) : undefined;
    },
    usageOf(key, outcome) {
      if (record === undefined || outcome.reused !== true) return null;
      const before = record.events.flatMap((event) =>
        event.type === "node-settled" && event.reused !== undefined && isPartOf(event, key)
          ? [event.reused]
          : [],
      );
      return addUsages([usageOf(record.calls.filter((call) => isPartOf(call, key))), ...before]);
    },
  };
}

function reused(outcome: Outcome, readyAtMs: number): Outcome {
  return { ...outcome, readyAtMs, startedAtMs: null, endedAtMs: readyAtMs, attempts: 0, reused: true };
}

/** Whether an outcome completed in all its parts: a map whose items did not all complete is run for those again. */
function isWhole(outcome: Outcome): boolean {
  return outcome.state === "completed" && (outcome.items ?? []).every(isWhole);
}

/** Whether the node is declared as it was, and every need has the value that it had. */
function isSame({ dag, outcomes }: EarlierDag, scope: Scope, name: string): boolean {
  if (dag.nodes[name]?.hash !== projectDag(scope.spec).nodes[name]?.hash) return false;
  const counts = joinRule(nodeOf(scope.spec, name).join).rule === "count";
  return Object.entries(needsOf(scope, name)).every(([need, outcome]) => {
    if (counts && outcome?.state !== "completed") return true; // It may have settled in another order.
    const before = outcomes[need];
    return (
      (outcome?.state === "completed") === (before?.state === "completed") &&
      sameJson(completedValue(outcome), completedValue(before))
    );
  });
}

/** Whether something was made by a node (or by one item of it), or by nodes within it. */
function isPartOf(part: WorkKey, { node, item }: WorkKey): boolean {
  if (part.node === node) return item === null || part.item === item;
  const within = item === null ? node : `${node}[${item}]`;
  return part.node.startsWith(`${within}/`) || (item === null && part.node.startsWith(`${node}[`));
}

function sameJson(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
