import { DagError } from "../../src/errors.js";
import type { Outcome } from "../../src/records/outcome.js";
import { checkAgainstAsync } from "../../src/spec/schema.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { isPlanned } from "../planner/planner-options.js";
import type { Execution } from "./execution.js";
import { fingerprint } from "./kept.js";
import { createLedger, type Ledger } from "./ledger.js";
import { type StopError, stopOf, stoppedOutcome } from "./stop.js";
import { Stopper } from "./stopper.js";

/** One DAG being run: the run's own, or a graph node's inner one. */
export interface Scope {
  readonly spec: DagSpec;
  readonly execution: Execution;
  /** Prefix of node names in events: empty for the run's own DAG, `outer/` inside a graph node. */
  readonly prefix: string;
  /** The input, parsed. */
  readonly input: unknown;
  readonly ledger: Ledger;
  /** Whether each node is kept as a task of its own (a `StateGraph` keeps its nodes itself). */
  readonly keeps: boolean;
  /** Fingerprint of the input. */
  readonly inputPrint: string;
  /** Stopped when the run or the surrounding node is. */
  readonly stopper: Stopper;
  /** A stopper for one node's work, stopped with the scope or when the node is no longer needed. */
  stopperFor(name: string): Stopper;
  /** Forgets a node's stopper once it has settled. */
  release(name: string, stopper: Stopper): void;
  /** Makes the first nodes ready. Later calls do nothing, so that every node may call it. */
  open(input: unknown): void;
  /**
   * Enters outcomes that were computed before: a checkpoint's. Later calls do nothing, and say so: what follows is this
   * run's own.
   */
  adopt(outcomes: Readonly<Record<string, Outcome>>): boolean;
  close(): void;
}

/** A scope for `spec`; `stopper` is the execution's or the surrounding node's. */
export function createScope(
  spec: DagSpec,
  execution: Execution,
  {
    prefix = "",
    stopper = execution.stopper,
    keeps = false,
  }: { prefix?: string; stopper?: Stopper; keeps?: boolean } = {},
): Scope {
  const stoppers = new Map<string, Stopper[]>();
  let input: unknown;
  let inputPrint: string | undefined;
  let opened = false;
  let adopted = false;

  const ledger = createLedger(spec, {
    nowMs: execution.nowMs,
    onReady(name) {
      const key = { node: prefix + name, item: null, invocation: null };
      if (!execution.isReplayed(key)) execution.emit({ type: "node-ready", ...key, atMs: execution.nowMs() });
    },
    onUnneeded(name, stop) {
      stopAll(stoppers.get(name), stop);
      if (ledger.waits(name)) settleUnasked(name, stop);
    },
  });
  /** A node that waits for an answer that nobody needs any more. */
  const settleUnasked = (name: string, stop: StopError) => {
    const key = { node: prefix + name, item: null, invocation: null };
    const times = { readyAtMs: null, startedAtMs: null, endedAtMs: execution.nowMs(), attempts: 0 };
    const outcome: Outcome = { ...times, ...stoppedOutcome(stop, true) };
    execution.withdraw(key.node);
    execution.settled(key, outcome);
    ledger.settle(name, outcome);
  };

  const detach = stopper.onStop((reason) => {
    const stop = stopOf(reason);
    for (const some of stoppers.values()) stopAll(some, stop);
  });

  return {
    spec,
    execution,
    prefix,
    get input() {
      return input;
    },
    get keeps() {
      return keeps && execution.keeps;
    },
    get inputPrint() {
      inputPrint ??= fingerprint(input);
      return inputPrint;
    },
    ledger,
    stopper,
    stopperFor(name) {
      const own = new Stopper();
      if (stopper.reason !== undefined) own.stop(stopOf(stopper.reason));
      const others = stoppers.get(name);
      if (others === undefined) stoppers.set(name, [own]);
      else others.push(own);
      return own;
    },
    release(name, own) {
      const some = stoppers.get(name);
      if (some?.length === 1 && some[0] === own) stoppers.delete(name);
      else if (some?.includes(own)) some.splice(some.indexOf(own), 1);
    },
    open(given) {
      if (opened) return;
      opened = true;
      input = given;
      // Under a planner nothing is ready before it is called.
      if (prefix !== "" || !isPlanned(execution.topology)) ledger.open();
    },
    adopt(outcomes) {
      if (adopted) return false;
      adopted = true;
      for (const [name, outcome] of Object.entries(outcomes)) ledger.settle(name, outcome);
      return true;
    },
    close() {
      detach();
      ledger.close();
    },
  };
}

/**
 * A DAG's input, parsed by its schema; without a schema the input is a string.
 * @throws DagError `INPUT_INVALID` when it does not fit.
 */
export async function parseInput(spec: DagSpec, input: unknown): Promise<unknown> {
  if (spec.input === undefined) {
    if (typeof input === "string") return input;
    throw inputError(spec, `a string is expected, ${describe(input)} was given`);
  }
  const checked = await checkAgainstAsync(spec.input, input);
  if (checked.ok) return checked.value;
  throw inputError(spec, checked.message);
}

function inputError(spec: DagSpec, problem: string): DagError {
  return new DagError("INPUT_INVALID", `The input does not fit the input of "${spec.name}": ${problem}.`, {
    facts: { dag: spec.name },
    hint: "Give an input that fits the spec's `input`, or change the spec.",
  });
}

function describe(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value)
    ? "an array"
    : typeof value === "object"
      ? "an object"
      : `${typeof value} ${String(value)}`;
}

function stopAll(stoppers: readonly Stopper[] | undefined, stop: StopError): void {
  for (const stopper of stoppers ?? []) stopper.stop(stop);
}
