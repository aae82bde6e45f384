import { Annotation } from "@langchain/langgraph";
import type { Outcome, Outcomes } from "../src/records/outcome.js";
import { orderOf } from "../src/spec/order.js";
import type { DagSpec } from "../src/spec/shape.js";

/**
 * The state that every topology shares: the input, the outcomes keyed by node, and the output. Parallel writers of
 * `outcomes` never conflict, because each writes its own key.
 */
export function stateOf(spec: DagSpec) {
  const several = orderOf(spec).outputs.length > 1;
  return Annotation.Root({
    input: Annotation<unknown>(),
    outcomes: Annotation<Outcomes>({ reducer: mergeOutcomes, default: () => ({}) }),
    output: Annotation<unknown>({
      reducer: (before, after) =>
        several && isObject(before) && isObject(after) ? { ...before, ...after } : after,
      default: () => null,
    }),
  });
}

/** The state's values. */
export interface DagState {
  readonly input: unknown;
  readonly outcomes: Outcomes;
  readonly output: unknown;
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

function mergeOutcomes(before: Outcomes, after: Outcomes): Outcomes {
  return { ...before, ...after };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
