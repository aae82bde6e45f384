import type { DagProjection, RunEvent, UsageSums } from "../../src/records/events.js";
import { completedValue, type Outcome, type Outcomes, reused } from "../../src/records/outcome.js";
import { projectDag } from "../../src/records/projection.js";
import { addUsages, type RunRecord, usageOf } from "../../src/records/record.js";
import { indexByWork, nodeWork, type WorkKey } from "../../src/records/work-id.js";
import { canonicalJson } from "../../src/spec/canonical.js";
import { copyOf } from "../../src/spec/json-value.js";
import { joinRule, nodeOf } from "../../src/spec/order.js";
import { readReference } from "../../src/spec/reference.js";
import { type DagSpec, kindOf, type Node } from "../../src/spec/shape.js";

/** What a reuse looks at of a node that is about to be run. */
export interface ReusePlace {
  readonly spec: DagSpec;
  readonly prefix: string;
  readonly frontier: { readonly outcomes: Outcomes };
}

/**
 * What an earlier record spares a run: outcomes that would be the same. A node's is when everything that can change its value
 * is: what it is (kind, instructions, schema, tools, source), its declared model, what it reads of the input, the values of its needs.
 * An item's is when it is the same item besides.
 */
export interface Reuse {
  /** The node's earlier outcome. Asked once its join is decided. */
  node(place: ReusePlace, name: string, readyAtMs: number): Outcome | undefined;
  /** The earlier outcome of an equal item; known once its node was asked for. Each is given once. */
  item(key: WorkKey, item: unknown, readyAtMs: number): Outcome | undefined;
  /** What a reused outcome had cost; `null` for any other. */
  usageOf(key: WorkKey, outcome: Outcome): UsageSums | null;
}

interface EarlierDag {
  readonly dag: DagProjection;
  readonly input: unknown;
  readonly sameInput: boolean;
  readonly outcomes: Outcomes;
}

/**
 * The completed items of an earlier map that were not taken over yet, by the item's canonical JSON, which a key is a part of, then by
 * the place where it stood.
 */
type EarlierItems = Map<string, Map<number, Outcome>>;

const nothing: Reuse = { node: () => undefined, item: () => undefined, usageOf: () => null };

/** Reuse of `record` for a run on `input`. */
export function createReuse(record: RunRecord | undefined, input: unknown): Reuse {
  if (record === undefined) return nothing;
  const dags = new Map<string, EarlierDag>();
  const maps = new Map<string, EarlierItems>();
  /** Where a reused item stood in the earlier record. */
  const origins = new WeakMap<Outcome, WorkKey>();
  const callsOf = indexByWork(record.calls);
  const takenOverIn = indexByWork(record.events.filter(isTakenOver));
  dags.set("", { ...record, sameInput: sameJson(record.input, input ?? null) });

  return {
    node(place, name, readyAtMs) {
      const earlier = dags.get(place.prefix);
      const outcome = earlier?.outcomes[name];
      if (earlier === undefined || outcome === undefined || outcome.directed === true) return undefined;
      const node = nodeOf(place.spec, name);
      const path = place.prefix + name;
      if (!sameDeclaration(earlier, place.spec, name, callsOf(nodeWork(path)).length > 0)) return undefined;
      if (!earlier.sameInput && readsInput(node) && !sameBesideItems(node, earlier.input, input))
        return undefined;
      const changed = changedNeeds(earlier, place, name);
      if (changed.length === 0 && isWhole(outcome) && (earlier.sameInput || !mapsInput(node))) {
        return reused(copyOf(outcome), readyAtMs);
      }
      const over = mappedNeed(node);
      if (outcome.items !== undefined && changed.every((need) => need === over)) {
        maps.set(path, itemsOf(earlier, node, outcome.items));
      }
      const inner = earlier.dag.nodes[name]?.dag;
      if (outcome.outcomes !== undefined && inner !== undefined && changed.length === 0) {
        const { outcomes } = outcome;
        dags.set(`${path}/`, { dag: inner, input: null, sameInput: true, outcomes });
      }
      return undefined;
    },
    item(key, item, readyAtMs) {
      const equal = maps.get(key.node)?.get(canonicalJson(item)) ?? new Map<number, Outcome>();
      const [first] = equal.keys();
      const index = key.item !== null && equal.has(key.item) ? key.item : first;
      const outcome = index === undefined ? undefined : equal.get(index);
      if (index === undefined || outcome === undefined) return undefined;
      equal.delete(index);
      const taken = reused(copyOf(outcome), readyAtMs);
      origins.set(taken, { ...key, item: index });
      return taken;
    },
    usageOf(key, outcome) {
      // Of a call under a planner it is told with the node as a whole.
      if (outcome.reused !== true || (key.invocation !== null && key.item === null)) return null;
      const origin = origins.get(outcome) ?? key;
      return addUsages([usageOf(callsOf(origin)), ...takenOverIn(origin).map((event) => event.reused)]);
    },
  };
}

type Settled = Extract<RunEvent, { readonly type: "node-settled" }>;

/** Whether an event tells of what the earlier run had itself taken over. */
const isTakenOver = (event: RunEvent): event is Settled & { readonly reused: UsageSums } =>
  event.type === "node-settled" && event.reused !== undefined;

/** Whether an outcome completed in all its parts: a map whose items did not all complete is run for those again. */
function isWhole(outcome: Outcome): boolean {
  return outcome.state === "completed" && (outcome.items ?? []).every(isWhole);
}

/**
 * Whether nothing of the declaration has changed that can change the node's value; a function that asked a model has the
 * spec's. Older records know the whole hash only.
 */
function sameDeclaration({ dag }: EarlierDag, spec: DagSpec, name: string, asked: boolean): boolean {
  const before = dag.nodes[name];
  const projected = projectDag(spec);
  const now = projected.nodes[name];
  const asks = now?.kind === "agent" || (now?.kind === "function" && asked);
  const inherits = asks && nodeOf(spec, name).model === undefined;
  if (inherits && dag.declared?.model !== projected.declared?.model) return false;
  return before?.valueHash === undefined ? before?.hash === now?.hash : before.valueHash === now?.valueHash;
}

/** The needs that have another value now. */
function changedNeeds({ outcomes }: EarlierDag, { spec, frontier }: ReusePlace, name: string): string[] {
  const node = nodeOf(spec, name);
  const counts = joinRule(node.join).rule === "count";
  return (node.needs ?? []).filter((need) => {
    const now = frontier.outcomes[need];
    if (counts && now?.state !== "completed") return false; // It may have settled in another order.
    // What completed has a value, `null` at least.
    return !sameJson(completedValue(now), completedValue(outcomes[need]));
  });
}

/** Whether a node, or each item of it, can see the run's input other than through what it maps over. */
function readsInput(node: Node): boolean {
  const { instructions, when, args, input, include, forEach } = node;
  const isCode = [instructions, when, args, input, node.run].some((part) => typeof part === "function");
  if (isCode || (when !== undefined && referencesInput(when))) return true;
  switch (kindOf(node)) {
    case "agent":
      return include !== "needs" && forEach === undefined;
    case "tool":
      return referencesInput(args);
    case "graph":
      return input === undefined ? forEach === undefined : referencesInput(input);
    case "approval":
      return forEach === undefined && (node.needs ?? []).length === 0;
    default:
      return true;
  }
}

/** Whether a template or a condition reads the input: conditions hold references without `$ref`, combined ones in lists. */
function referencesInput(part: unknown): boolean {
  if (typeof part !== "object" || part === null) return false;
  return "input" in part || Object.values(part).some(referencesInput);
}

function mapReference({ forEach }: Node) {
  const items = typeof forEach === "object" && "items" in forEach ? forEach.items : forEach;
  return typeof items === "string" ? { input: true as const, path: items } : items;
}

function mapsInput(node: Node): boolean {
  return mapReference(node)?.input === true;
}

/** Whether two inputs of a run differ in nothing but the list of a map that tells its items apart by key. */
function sameBesideItems(node: Node, before: unknown, now: unknown): boolean {
  const reference = mapReference(node);
  if (reference?.input !== true || keyPathOf(node) === undefined) return false;
  const path = reference.path?.split(".") ?? [];
  return sameJson(without(before, path), without(now, path));
}

/** A value without what stands at a path. */
function without(value: unknown, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined) return null;
  if (typeof value !== "object" || value === null) return value;
  const inner = (value as Record<string, unknown>)[step];
  return { ...value, [step]: without(inner, rest) };
}

function keyPathOf({ forEach }: Node): string | undefined {
  return typeof forEach === "object" && "items" in forEach ? forEach.key : undefined;
}

function mappedNeed(node: Node): string | undefined {
  return mapReference(node)?.node;
}

function itemsOf(earlier: EarlierDag, node: Node, outcomes: readonly Outcome[]): EarlierItems {
  const needs = Object.fromEntries(
    Object.entries(earlier.outcomes).map(([name, outcome]) => [name, completedValue(outcome)]),
  );
  const reference = mapReference(node);
  const items =
    reference === undefined
      ? undefined
      : readReference(reference, { input: earlier.input, needs, item: undefined });
  const found: EarlierItems = new Map();
  for (const [index, item] of (Array.isArray(items) ? items : []).entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined || !isWhole(outcome)) continue;
    const text = canonicalJson(item);
    const equal = found.get(text) ?? new Map<number, Outcome>();
    found.set(text, equal.set(index, outcome));
  }
  return found;
}

function sameJson(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
