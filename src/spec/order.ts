import type { DagSpec, Join, Node } from "./shape.js";

/** What the edges of a spec say, worked out once a spec. */
export interface Order {
  /** Every node after all of its needs; ties in the spec's order. */
  readonly topological: readonly string[];
  /** Supersteps: each layer's needs lie in earlier layers. */
  readonly layers: readonly (readonly string[])[];
  readonly needs: ReadonlyMap<string, readonly string[]>;
  /** The nodes that need a node. */
  readonly successors: ReadonlyMap<string, readonly string[]>;
  /** Nodes that nothing needs. */
  readonly sinks: readonly string[];
  /** Nodes whose values are the run's output: the spec's `output`, else the sinks. */
  readonly outputs: readonly string[];
}

const orders = new WeakMap<DagSpec, Order>();

/** The order of a validated spec. */
export function orderOf(spec: DagSpec): Order {
  let order = orders.get(spec);
  if (order === undefined) {
    order = computeOrder(spec);
    orders.set(spec, order);
  }
  return order;
}

/** The node of that name. */
export function nodeOf(spec: DagSpec, name: string): Node {
  const node = Object.hasOwn(spec.nodes, name) ? spec.nodes[name] : undefined;
  if (node === undefined) throw new RangeError(`The spec "${spec.name}" has no node "${name}".`);
  return node;
}

/** A join in one form: at least how many needs have to complete, whether all have to settle, and the deadline. */
export interface JoinRule {
  /** `all`: every need completed. `settled`: every need settled. `count`: `atLeast` needs completed. */
  readonly rule: "all" | "settled" | "count";
  readonly atLeast: number;
  readonly deadlineMs: number | null;
}

/** The one form of a join. */
export function joinRule(join: Join | undefined): JoinRule {
  if (join === undefined || join === "all") return { rule: "all", atLeast: 0, deadlineMs: null };
  if (join === "settled") return { rule: "settled", atLeast: 0, deadlineMs: null };
  if (join === "any") return { rule: "count", atLeast: 1, deadlineMs: null };
  const deadlineMs = join.deadlineMs ?? null;
  if ("atLeast" in join) return { rule: "count", atLeast: join.atLeast, deadlineMs };
  return join.mode === "any"
    ? { rule: "count", atLeast: 1, deadlineMs }
    : { rule: "settled", atLeast: 0, deadlineMs };
}

function computeOrder(spec: DagSpec): Order {
  const names = Object.keys(spec.nodes);
  const needs = new Map(names.map((name) => [name, nodeOf(spec, name).needs ?? []] as const));
  const successors = new Map<string, string[]>(names.map((name) => [name, []]));
  for (const [name, list] of needs) for (const need of list) successors.get(need)?.push(name);

  const place = new Map(names.map((name, index) => [name, index]));
  const open = new Map(names.map((name) => [name, needs.get(name)?.length ?? 0]));
  const layers: string[][] = [];
  let layer = names.filter((name) => open.get(name) === 0);
  while (layer.length > 0) {
    layers.push(layer);
    const reached: string[] = [];
    for (const name of layer) {
      for (const next of successors.get(name) ?? []) {
        const left = (open.get(next) ?? 0) - 1;
        open.set(next, left);
        if (left === 0) reached.push(next);
      }
    }
    layer = reached.sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
  }
  const sinks = names.filter((name) => successors.get(name)?.length === 0);
  return {
    topological: layers.flat(),
    layers,
    needs,
    successors,
    sinks,
    outputs: spec.output === undefined ? sinks : [spec.output],
  };
}
