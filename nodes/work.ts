import type { WorkKey } from "../src/records/events.js";
import type { Outcome, Outcomes } from "../src/records/outcome.js";
import { completedValue } from "../src/records/outcome.js";
import { nodeOf } from "../src/spec/order.js";
import type { ReferenceScope } from "../src/spec/reference.js";
import type { Ctx, Node } from "../src/spec/shape.js";
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
  const needs: Record<string, unknown> = {};
  for (const name in work.needs) needs[name] = completedValue(work.needs[name]);
  return {
    input: work.scope.input,
    needs,
    item: work.item,
    get signal() {
      return work.stopper.signal;
    },
  };
}
