import type { DagSpec } from "../spec/shape.js";
import type { NodesOf, OutputOf, ValueIn } from "../spec/values.js";
import type { Outcome } from "./outcome.js";

/** Outcomes by name, each with the type of its node's value. */
export type OutcomesOf<D> = { readonly [K in keyof NodesOf<D>]: Outcome<ValueIn<NodesOf<D>[K]>> };

/** `Base`, a run's record, with the types of one DAG's outcomes and output. */
export type TypedRecord<Base, D extends DagSpec> = Omit<Base, "state" | "outcomes" | "output"> & {
  readonly outcomes: OutcomesOf<D>;
} & (
    | { readonly state: "completed" | "partial"; readonly output: OutputOf<D> }
    | {
        readonly state: "rejected" | "failed" | "cancelled" | "interrupted";
        readonly output: OutputOf<D> | null;
      }
  );
