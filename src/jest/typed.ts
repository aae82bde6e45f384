import type { OutcomeState } from "../records/outcome.js";
import type { CallFilter, ToolCallFilter } from "./matchers.js";
import type { ToolExpectation } from "./tool-expectation.js";

/** Nodes of the record that is expected something of, completed by editors; a misspelt one is a type error. */
export type NodePath<Received> = Received extends { readonly outcomes: infer Outcomes }
  ?
      | (keyof Outcomes & string)
      | `${keyof Outcomes & string}[${number}]`
      | `${keyof Outcomes & string}${"/" | "[" | "@"}${string}`
  : string;

/** The matchers as tests see them; `Received` is what `expect` was given. */
export interface DagMatchers<R, Received = unknown> {
  /** Every named node completed; without names, the whole run did, with no loss. */
  toHaveCompleted(...nodes: NodePath<Received>[]): R;
  /** The node settled in this state and, where `code` is given, with this code of its error or reason. */
  toHaveOutcome(node: NodePath<Received>, state: OutcomeState, detail?: { readonly code?: string }): R;
  /** The node was skipped and, where `reason` is given, for this reason: `condition`, `join`, `not-called`, `budget` … */
  toHaveSkipped(node: NodePath<Received>, detail?: { readonly reason?: string }): R;
  /** The first node had ended when the second started; both ran. */
  toHaveRunBefore(first: NodePath<Received>, second: NodePath<Received>): R;
  /** There was a moment at which all of the nodes ran. */
  toHaveRunInParallel(...nodes: [NodePath<Received>, NodePath<Received>, ...NodePath<Received>[]]): R;
  /** The loop ran so many rounds; `exhausted` says whether its `maxRounds` ended it. */
  toHaveRunRounds(node: NodePath<Received>, rounds: number, detail?: { readonly exhausted?: boolean }): R;
  /** So many model requests were made, retries included. */
  toHaveCalledModelTimes(times: number, filter?: CallFilter): R;
  /** The models asked for these tools and no others; `order: "exact"` also in this order. */
  toHaveCalledTools(tools: readonly (string | ToolExpectation)[], filter?: ToolCallFilter): R;
  /** The run cost less than so many US dollars. A cost that is unknown fails, under `.not` too. */
  toCostLessThan(usd: number): R;
  /** The run used fewer tokens than this, input and output together. */
  toUseFewerTokensThan(tokens: number): R;
  /** The run took at most so many times its critical path. */
  toBeWithinCriticalPath(ratio: number): R;
}

// Vitest and `@types/jest` read this global interface.
declare global {
  namespace jest {
    interface Matchers<R, T> extends DagMatchers<R, T> {}
  }
}

// `@jest/globals` reads this one.
declare module "@jest/expect" {
  interface Matchers<R extends void | Promise<void>, T> extends DagMatchers<R, T> {}
}
