import type { WorkKey } from "../../src/records/events.js";
import type { Outcome, Outcomes } from "../../src/records/outcome.js";
import { completedValue } from "../../src/records/outcome.js";
import { nodeOf } from "../../src/spec/order.js";
import type { ReferenceScope } from "../../src/spec/reference.js";
import type { Ctx, Node } from "../../src/spec/shape.js";
import type { Scope } from "./scope.js";
import type { Stopper } from "./stopper.js";

/** One piece of work: a node, or one item of it, or one call of it by a planner. */
export interface Work {
  readonly scope: Scope;
  readonly name: string;
  readonly node: Node;
  /** Names the work in events, requests and records. */
  readonly key: WorkKey;
  /** The item, under `forEach`; else `undefined`. */
  readonly item: unknown;
  /** What a planner asked to look at in particular. */
  readonly focus?: string;
  /** The text that a planner passed on, in place of the run's input. */
  readonly text?: string;
  /** A planner's own arguments for a tool node. */
  readonly args?: unknown;
  /** Outcomes by need, in the order of `needs`; `undefined` where a need has not settled. */
  readonly needs: Readonly<Record<string, Outcome | undefined>>;
  readonly stopper: Stopper;
}

/** What a kind of node gives back when it completes. */
export interface WorkResult {
  readonly value: unknown;
  /** Of a graph node: the inner outcomes. */
  readonly outcomes?: Outcomes;
}

/** How a kind of node does its work; what needs no waiting is given at once. */
export type Perform = (work: Work) => WorkResult | Promise<WorkResult>;

/** The outcomes of a node's needs. */
export function needsOf(scope: Scope, name: string): Work["needs"] {
  const { outcomes } = scope.ledger;
  const needs: Record<string, Outcome | undefined> = {};
  for (const need of nodeOf(scope.spec, name).needs ?? []) needs[need] = outcomes[need];
  return needs;
}

/** What references and function forms see of a piece of work. */
export function ctxOf(work: Work): Ctx & ReferenceScope {
  return new WorkContext(work);
}

class WorkContext implements Ctx, ReferenceScope {
  readonly input: unknown;
  readonly needs: Readonly<Record<string, unknown>>;
  readonly item: unknown;
  declare readonly signal: AbortSignal;
  readonly #stopper: Stopper;

  constructor({ scope, needs, item, stopper }: Work) {
    const values: Record<string, unknown> = {};
    for (const name in needs) values[name] = completedValue(needs[name]);
    this.input = scope.input;
    this.needs = values;
    this.item = item;
    this.#stopper = stopper;
    Object.defineProperty(this, "signal", WorkContext.#signal);
  }

  /** The context's own, so that a copy of it has the signal too; made on demand, because most functions never look. */
  static readonly #signal: PropertyDescriptor & ThisType<WorkContext> = {
    enumerable: true,
    get() {
      return this.#stopper.signal;
    },
  };
}
