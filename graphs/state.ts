import { Annotation, DeltaChannel, StateGraph } from "@langchain/langgraph";
import type { CallRecord } from "../src/records/events.js";
import type { Outcome, Outcomes } from "../src/records/outcome.js";
import type { PlannerAnswer } from "../src/records/run-state.js";
import { orderOf } from "../src/spec/order.js";
import type { DagSpec } from "../src/spec/shape.js";

/** What a run leaves at its checkpointer, so that a resumed one can tell whether it is the same. */
export interface RunStamp {
  readonly id: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly topology: string;
  /** Hash of the spec. */
  readonly dag: string;
  /** Fingerprint of the input. */
  readonly input: string;
}

/** The state's values; names with a `$` cannot be those of nodes. */
export interface DagState {
  readonly input: unknown;
  readonly outcomes: Outcomes;
  readonly output: unknown;
  /** Model calls by node, where there is a checkpointer. */
  readonly $calls?: Readonly<Record<string, readonly CallRecord[]>>;
  readonly $run?: RunStamp | null;
  /** What a planner that has finished said where no output node takes its answer. */
  readonly answer?: PlannerAnswer | null;
}

/** How a graph of this package is built. */
export interface GraphOptions {
  /** Whether the graph gets a checkpointer: what is written at each step is then the step's outcomes, not all so far. */
  readonly kept?: boolean;
}

/**
 * The state that every topology shares: the input, the outcomes keyed by node, and the output. Parallel writers of
 * `outcomes` never conflict, because each writes its own key.
 */
export function stateOf(spec: DagSpec, { kept = false }: GraphOptions = {}) {
  const byNode = <V>() =>
    kept
      ? () => new DeltaChannel<Record<string, V>, Record<string, V>>(mergeAll, deltaOptions)
      : Annotation<Record<string, V>>({ reducer: merge, default: () => ({}) });
  return Annotation.Root({
    ...publicChannels(spec),
    outcomes: byNode<Outcome>(),
    $calls: byNode<readonly CallRecord[]>(),
    // With a default, because LangGraph makes an error, stack and all, of each look at an empty channel.
    $run: Annotation<RunStamp | null>({ reducer: (_, after) => after, default: () => null }),
  });
}

/** A `StateGraph` over the shared state; `invoke` gives `{ input, outcomes, output }`. */
export function stateGraph(spec: DagSpec, options: GraphOptions = {}) {
  const state = stateOf(spec, options);
  const { input, output, outcomes } = state.spec;
  return new StateGraph({
    stateSchema: state,
    output: Annotation.Root({ input, outcomes, output }),
  } as never) as unknown as StateGraph<any, any, any, string>;
}

/** What a settled node writes: its outcome and, where it is an output node that completed, the output. */
export function updateOf(spec: DagSpec, name: string, outcome: Outcome): Partial<DagState> {
  const { outputs } = orderOf(spec);
  if (outcome.state !== "completed" || !outputs.includes(name)) return { outcomes: { [name]: outcome } };
  return {
    outcomes: { [name]: outcome },
    output: outputs.length > 1 ? { [name]: outcome.value } : outcome.value,
  };
}

function publicChannels(spec: DagSpec) {
  const several = orderOf(spec).outputs.length > 1;
  return {
    input: Annotation<unknown>(),
    output: Annotation<unknown>({
      reducer: (before, after) =>
        several && isObject(before) && isObject(after) ? { ...before, ...after } : after,
      default: () => null,
    }),
  };
}

/** No snapshots in between: a run's steps are read back once, when it is resumed. */
const deltaOptions = { snapshotFrequency: Number.MAX_SAFE_INTEGER, initialValueFactory: () => ({}) };

function merge<V>(before: Record<string, V>, after: Record<string, V>): Record<string, V> {
  return { ...before, ...after };
}

function mergeAll<V>(before: Record<string, V>, after: readonly Record<string, V>[]): Record<string, V> {
  return Object.assign({}, before, ...after);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
