import { Annotation, DeltaChannel, type LangGraphRunnableConfig, StateGraph } from "@langchain/langgraph";
import type { RunStamp } from "../nodes/engine/journal.js";
import { isFinal } from "../nodes/engine/journal.js";
import { settleNode } from "../nodes/engine/settle-node.js";
import type { Outcome, Outcomes } from "../src/records/outcome.js";
import { orderOf } from "../src/spec/order.js";
import type { DagSpec } from "../src/spec/shape.js";
import { invocationIn } from "./invocation.js";
import { stopLangGraph } from "./langgraph/stop.js";

/** The state's values; names with a `$` cannot be those of nodes. */
export interface DagState {
  readonly input: unknown;
  readonly outcomes: Outcomes;
  readonly output: unknown;
  /** Where there is a checkpointer: the run that the state belongs to. */
  readonly $run?: Pick<RunStamp, "id"> | null;
}

/**
 * The state that every topology shares: the input, the outcomes keyed by node, and the output. Parallel writers of
 * `outcomes` never conflict, because each writes its own key. Where the state is persisted, what is written at each step is
 * that step's outcomes, not all so far.
 */
export function stateOf(spec: DagSpec, persisted: boolean) {
  const { outputs } = orderOf(spec);
  const several = outputs.length > 1;
  return Annotation.Root({
    input: Annotation<unknown>(),
    output: Annotation<unknown>({
      reducer: (before, after) =>
        several && isObject(before) && isObject(after) ? inOrder(outputs, { ...before, ...after }) : after,
      default: () => null,
    }),
    outcomes: persisted
      ? () => new DeltaChannel<Record<string, Outcome>, Record<string, Outcome>>(mergeAll, deltaOptions)
      : Annotation<Record<string, Outcome>>({
          reducer: (before, after) => ({ ...before, ...after }),
          default: () => ({}),
        }),
    // With a default, because LangGraph makes an error, stack and all, of each look at an empty channel.
    $run: Annotation<Pick<RunStamp, "id"> | null>({ reducer: (_, after) => after, default: () => null }),
  });
}

/** A `StateGraph` over the shared state; `invoke` gives `{ input, outcomes, output }`. */
export function stateGraph(spec: DagSpec, persisted: boolean): StateGraph<any, any, any, string> {
  const state = stateOf(spec, persisted);
  const { input, output, outcomes } = state.spec;
  const schemas = { stateSchema: state, output: Annotation.Root({ input, outcomes, output }) };
  return new StateGraph(schemas as never) as unknown as StateGraph<any, any, any, string>;
}

/** One spec node as a LangGraph node of a `StateGraph`. */
export function specNode(spec: DagSpec, name: string) {
  return async (state: DagState, config: LangGraphRunnableConfig): Promise<Partial<DagState>> => {
    const { scope } = await invocationIn(config, spec, state.input);
    const outcome = await settleNode(scope, name);
    // Not stored, so that a resumed run has another go at it; the rest of this run is settled without LangGraph.
    if (scope.run.journal.active && !isFinal(outcome)) throw stopLangGraph(scope, name);
    return updateOf(spec, name, outcome);
  };
}

/** What a settled node writes: its outcome and, where it is an output node that completed, the output. */
function updateOf(spec: DagSpec, name: string, outcome: Outcome): Partial<DagState> {
  const { outputs } = orderOf(spec);
  if (outcome.state !== "completed" || !outputs.includes(name)) return { outcomes: { [name]: outcome } };
  return {
    outcomes: { [name]: outcome },
    output: outputs.length > 1 ? { [name]: outcome.value } : outcome.value,
  };
}

/** No snapshots in between: a run's steps are read back once, when it is resumed. */
const deltaOptions = { snapshotFrequency: Number.MAX_SAFE_INTEGER, initialValueFactory: () => ({}) };

function mergeAll<V>(before: Record<string, V>, after: readonly Record<string, V>[]): Record<string, V> {
  return Object.assign({}, before, ...after);
}

/** The members of a value in the order of `names`, whatever came first. */
function inOrder(names: readonly string[], value: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(names.filter((name) => name in value).map((name) => [name, value[name]]));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
