import type { RunRecord } from "../../src/records/record.js";
import { declaredPath, workPath } from "../../src/records/work-id.js";
import { orderOf } from "../../src/spec/order.js";
import { type DagSpec, kindOf, type Node } from "../../src/spec/shape.js";

/** How much a request and what follows it are expected to take, by the path of the node that asks. */
export type RemainingPath = (path: string) => number;

/** Output tokens of an answer whose length nobody states: with all agents alike, the deepest is the longest. */
const guessedTokens = 512;

/**
 * The longest path from each node to the end of its run, that of the graph around it included. Weights: what nodes took in
 * an earlier record, in milliseconds; without one, the tokens that agents may answer with. A planner's own requests come
 * before everything, for everything waits for them.
 */
export function remainingPaths(spec: DagSpec, earlier: RunRecord | undefined): RemainingPath {
  const took = earlier === undefined ? null : timesOf(earlier);
  const known = new Map<string, number>();
  measure(spec, "", 0, known, (path, node) => took?.get(path) ?? (took === null ? guessed(node) : 0));
  return (path) => (path.startsWith("$") ? Number.MAX_SAFE_INTEGER : (known.get(declaredPath(path)) ?? 0));
}

/** {@link remainingPaths} of a DAG of which only the edges are known, by the times of a record. */
export function remainingTimes(edges: DagSpec, record: RunRecord): RemainingPath {
  const took = timesOf(record);
  const known = new Map<string, number>();
  measure(edges, "", 0, known, (path) => took.get(path) ?? 0);
  return (path) => known.get(path) ?? 0;
}

/** Enters the remaining path of every node of a DAG, and gives the longest through it. */
function measure(
  spec: DagSpec,
  prefix: string,
  after: number,
  known: Map<string, number>,
  weightOf: (path: string, node: Node) => number,
): number {
  const { topological, successors } = orderOf(spec);
  let longest = 0;
  for (const name of topological.toReversed()) {
    const node = spec.nodes[name] as Node;
    const path = prefix + name;
    const behind = Math.max(
      after,
      ...(successors.get(name) ?? []).map((next) => known.get(prefix + next) ?? 0),
    );
    const own =
      node.dag === undefined
        ? weightOf(path, node)
        : measure(node.dag, `${path}/`, behind, known, weightOf) - behind;
    known.set(path, own + behind);
    longest = Math.max(longest, own + behind);
  }
  return longest;
}

function guessed(node: Node): number {
  const kind = kindOf(node);
  if (kind !== "agent" && kind !== "runnable") return 0;
  return node.modelOptions?.maxTokens ?? guessedTokens;
}

/** What one work of each declared node took in a record, in milliseconds: its requests, else the time from its start. */
function timesOf({ calls, outcomes }: RunRecord): Map<string, number> {
  const sums = new Map<string, { ms: number; readonly works: Set<string> }>();
  for (const call of calls) {
    if (call.error !== null) continue;
    const path = declaredPath(call.node);
    const sum = sums.get(path) ?? { ms: 0, works: new Set() };
    sums.set(path, sum);
    sum.ms += call.durationMs;
    sum.works.add(workPath(call));
  }
  const took = new Map([...sums].map(([path, { ms, works }]) => [path, ms / works.size]));
  for (const [name, { startedAtMs, endedAtMs, items }] of Object.entries(outcomes)) {
    if (took.has(name) || startedAtMs === null || endedAtMs === null) continue;
    took.set(name, (endedAtMs - startedAtMs) / Math.max(1, items?.length ?? 1));
  }
  return took;
}
