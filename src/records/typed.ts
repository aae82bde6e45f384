import type { DagSpec } from "../spec/shape.js";
import type { NodesOf, OutputOf, ValueIn } from "../spec/values.js";
import type { Outcome } from "./outcome.js";

/** Outcomes by name, each with the type of its node's value. */
export type OutcomesOf<D> = { readonly [K in keyof NodesOf<D>]: Outcome<ValueIn<NodesOf<D>[K]>> };

/** A record with the types of one DAG's outcomes and output. */
export type TypedRecord<Record, D extends DagSpec> = Omit<Record, "outcomes" | "output"> & {
  readonly outcomes: OutcomesOf<D>;
  /** `undefined` or `null` where the run gave none. */
  readonly output: OutputOf<D>;
};
