import type { Outcome, OutcomeReason } from "../../src/records/outcome.js";
import { type JoinRule, joinRule, nodeOf, type Order, orderOf } from "../../src/spec/order.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { CancelError } from "./cancel.js";
import { judgeJoin, judgeLateJoin, lateReason, unmetReason } from "./join.js";

/** What a node's join came to. */
export type Decision =
  | { readonly go: "run"; readonly atMs: number }
  | { readonly go: "skip"; readonly reason: OutcomeReason; readonly atMs: number }
  | { readonly go: "cancel"; readonly cancel: CancelError; readonly atMs: number }
  /** It waits for a node that waits for an answer. */
  | { readonly go: "suspend"; readonly atMs: number };

/** A decision that lets a node be brought to its outcome. */
export type Decided = Exclude<Decision, { go: "suspend" }>;

/** What a frontier asks of its surroundings. */
export interface FrontierHooks {
  nowMs(): number;
  /** A node's join was satisfied. */
  onReady(name: string): void;
  /** A node is no longer needed: cancel it if it runs. */
  onUnneeded(name: string, reason: CancelError): void;
}

/**
 * The scheduler's state of one DAG: the outcomes so far and what they decide: which joins are satisfied, which can no longer be, and which
 * nodes nobody needs any more. Topologies ask it; it starts nothing itself.
 */
export interface Frontier {
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** Makes the nodes without needs ready; called once, when the run has its input. */
  open(): void;
  /** The node's decision once there is one. */
  decided(name: string): Promise<Decision>;
  /** The node's decision if there is one. */
  decision(name: string): Decision | undefined;
  /** Why a node is no longer needed, if it is not: it must not be started. */
  unneeded(name: string): CancelError | undefined;
  /** Enters an outcome; the first one of a node counts. */
  settle(name: string, outcome: Outcome): void;
  /** A node waits for an answer, as the outcome says: what cannot be decided without it waits too. */
  suspend(name: string, outcome: Outcome): void;
  /** The outcome of a node that waits for an answer. */
  waiting(name: string): Outcome | undefined;
  /** Whether a node waits for an answer, itself or behind another one. */
  waits(name: string): boolean;
  /** Stops the clocks of open joins. */
  close(): void;
}

interface Entry {
  readonly name: string;
  readonly rule: JoinRule;
  readonly total: number;
  settled: number;
  completed: number;
  /** Needs that wait for an answer. */
  suspended: number;
  decision: Decision | undefined;
  unneeded: CancelError | undefined;
  thens: ((decision: Decision) => void)[];
  timer: NodeJS.Timeout | undefined;
}

export function createFrontier(spec: DagSpec, hooks: FrontierHooks): Frontier {
  const order = orderOf(spec);
  const outputs = new Set(order.outputs);
  const outcomes: Record<string, Outcome> = {};
  const waiting = new Set<string>();
  const suspendedOutcomes = new Map<string, Outcome>();
  const entries = new Map(order.topological.map((name) => [name, newEntry(spec, name, order)]));

  const entryOf = (name: string): Entry => {
    const entry = entries.get(name);
    if (entry === undefined) throw new RangeError(`The spec "${spec.name}" has no node "${name}".`);
    return entry;
  };

  const decide = (entry: Entry, decision: Decision) => {
    if (entry.decision !== undefined) return;
    entry.decision = decision;
    clearTimeout(entry.timer);
    if (decision.go === "run") hooks.onReady(entry.name);
    const { thens } = entry;
    entry.thens = [];
    for (const then of thens) then(decision);
    if (entry.settled < entry.total && (decision.go === "run" || decision.go === "skip"))
      releaseUnneeded(entry);
  };

  const evaluate = (entry: Entry) => {
    if (entry.decision !== undefined) return;
    const verdict = judgeJoin(entry.rule, entry);
    if (verdict === "wait") waitOn(entry);
    else if (verdict === "run") decide(entry, { go: "run", atMs: hooks.nowMs() });
    else {
      const needs = (order.needs.get(entry.name) ?? []).map((name) => [name, outcomes[name]] as const);
      decide(entry, { go: "skip", reason: unmetReason(entry.rule, needs), atMs: hooks.nowMs() });
    }
  };

  const armDeadline = (entry: Entry) => {
    const { deadlineMs } = entry.rule;
    if (deadlineMs === null || entry.timer !== undefined || entry.settled === 0) return;
    entry.timer = setTimeout(() => {
      const atMs = hooks.nowMs();
      if (judgeLateJoin(entry.rule) === "run") decide(entry, { go: "run", atMs });
      else decide(entry, { go: "skip", reason: lateReason(entry.rule, entry), atMs });
    }, deadlineMs);
  };

  const waitOn = (entry: Entry) => {
    armDeadline(entry);
    if (entry.timer !== undefined || entry.settled + entry.suspended < entry.total) return;
    decide(entry, { go: "suspend", atMs: hooks.nowMs() });
    suspend(entry.name);
  };

  // Lists of work in place of recursion: chains may be longer than calls can nest.
  const toSuspend: string[] = [];
  let suspending = false;
  const suspend = (first: string) => {
    toSuspend.push(first);
    if (suspending) return;
    suspending = true;
    for (let name = toSuspend.pop(); name !== undefined; name = toSuspend.pop()) {
      if (waiting.has(name)) continue;
      waiting.add(name);
      for (const next of order.successors.get(name) ?? []) {
        const entry = entryOf(next);
        entry.suspended++;
        evaluate(entry);
      }
    }
    suspending = false;
  };

  /** An output is always needed; any other need is as long as a join after it is open, or waits. */
  const needed = (name: string): boolean => {
    const after = order.successors.get(name) ?? [];
    const isOpen = ({ decision, unneeded }: Entry) =>
      decision === undefined || (decision.go === "suspend" && unneeded === undefined);
    return outputs.has(name) || after.some((next) => isOpen(entryOf(next)));
  };

  /** Cancels the needs that a decided join did not wait for, and what only they needed. */
  const releaseUnneeded = (decided: Entry) => {
    const cancel = new CancelError(
      "not-needed",
      `No longer needed: the join of "${decided.name}" was decided without it.`,
    );
    const toRelease = [decided];
    for (let entry = toRelease.pop(); entry !== undefined; entry = toRelease.pop()) {
      for (const need of order.needs.get(entry.name) ?? []) {
        const before = entryOf(need);
        if (outcomes[need] !== undefined || before.unneeded !== undefined || needed(need)) continue;
        before.unneeded = cancel;
        const { decision } = before;
        if (decision === undefined) decide(before, { go: "cancel", cancel, atMs: hooks.nowMs() });
        if (decision === undefined || decision.go === "suspend") toRelease.push(before);
        hooks.onUnneeded(need, cancel);
      }
    }
  };

  return {
    outcomes,
    open() {
      for (const entry of entries.values()) {
        if (entry.total === 0) decide(entry, { go: "run", atMs: hooks.nowMs() });
      }
    },
    decision: (name) => entryOf(name).decision,
    unneeded: (name) => entryOf(name).unneeded,
    decided: (name) => new Promise((resolve) => onDecided(entryOf(name), resolve)),
    settle(name, outcome) {
      if (outcomes[name] !== undefined) return;
      outcomes[name] = outcome;
      for (const next of order.successors.get(name) ?? []) {
        const entry = entryOf(next);
        entry.settled++;
        if (outcome.state === "completed") entry.completed++;
        evaluate(entry);
      }
    },
    suspend(name, outcome) {
      suspendedOutcomes.set(name, outcome);
      suspend(name);
    },
    waiting: (name) => suspendedOutcomes.get(name),
    waits: (name) => waiting.has(name),
    close() {
      for (const entry of entries.values()) clearTimeout(entry.timer);
    },
  };
}

function onDecided(entry: Entry, then: (decision: Decision) => void): void {
  if (entry.decision === undefined) entry.thens.push(then);
  else then(entry.decision);
}

function newEntry(spec: DagSpec, name: string, order: Order): Entry {
  const total = order.needs.get(name)?.length ?? 0;
  const rule = joinRule(nodeOf(spec, name).join);
  return {
    name,
    rule,
    total,
    settled: 0,
    completed: 0,
    suspended: 0,
    decision: undefined,
    unneeded: undefined,
    thens: [],
    timer: undefined,
  };
}
