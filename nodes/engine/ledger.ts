import type { Outcome, OutcomeReason } from "../../src/records/outcome.js";
import { type JoinRule, joinRule, nodeOf, type Order, orderOf } from "../../src/spec/order.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { StopError } from "./stop.js";

/** What a node's join came to. */
export type Decision =
  | { readonly go: "run"; readonly atMs: number }
  | { readonly go: "skip"; readonly reason: OutcomeReason; readonly atMs: number }
  | { readonly go: "stop"; readonly stop: StopError; readonly atMs: number }
  /** It waits for a node that waits for an answer. */
  | { readonly go: "hold"; readonly atMs: number };

/** A decision that lets a node be brought to its outcome. */
export type Decided = Exclude<Decision, { go: "hold" }>;

/** What a ledger asks of its surroundings. */
export interface LedgerHooks {
  nowMs(): number;
  /** A node's join was satisfied. */
  onReady(name: string): void;
  /** A node is no longer needed: stop it if it runs. */
  onUnneeded(name: string, stop: StopError): void;
}

/**
 * The outcomes of one DAG run and what they decide: which joins are satisfied, which can no longer be, and which
 * nodes nobody needs any more. Topologies ask it; it starts nothing itself.
 */
export interface Ledger {
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** Makes the nodes without needs ready; called once, when the run has its input. */
  open(): void;
  /** The node's decision once there is one. */
  decided(name: string): Promise<Decision>;
  /** The node's decision if there is one. */
  decision(name: string): Decision | undefined;
  /** Why a node is no longer needed, if it is not: it must not be started. */
  unneeded(name: string): StopError | undefined;
  /** Enters an outcome; the first one of a node counts. */
  settle(name: string, outcome: Outcome): void;
  /** A node waits for an answer: what cannot be decided without it is held too. */
  hold(name: string): void;
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
  held: number;
  decision: Decision | undefined;
  unneeded: StopError | undefined;
  thens: ((decision: Decision) => void)[];
  timer: NodeJS.Timeout | undefined;
}

export function createLedger(spec: DagSpec, hooks: LedgerHooks): Ledger {
  const order = orderOf(spec);
  const outputs = new Set(order.outputs);
  const outcomes: Record<string, Outcome> = {};
  const waiting = new Set<string>();
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
    const verdict = judge(entry);
    if (verdict === "wait") waitOn(entry);
    else if (verdict === "run") decide(entry, { go: "run", atMs: hooks.nowMs() });
    else decide(entry, { go: "skip", reason: unmet(spec, entry, outcomes), atMs: hooks.nowMs() });
  };

  const armDeadline = (entry: Entry) => {
    const { deadlineMs } = entry.rule;
    if (deadlineMs === null || entry.timer !== undefined || entry.settled === 0) return;
    entry.timer = setTimeout(() => {
      const atMs = hooks.nowMs();
      if (entry.rule.rule === "settled") decide(entry, { go: "run", atMs });
      else decide(entry, { go: "skip", reason: tooLate(entry), atMs });
    }, deadlineMs);
  };

  const waitOn = (entry: Entry) => {
    armDeadline(entry);
    if (entry.timer !== undefined || entry.held === 0 || entry.settled + entry.held < entry.total) return;
    decide(entry, { go: "hold", atMs: hooks.nowMs() });
    hold(entry.name);
  };

  // Lists of work in place of recursion: chains may be longer than calls can nest.
  const toHold: string[] = [];
  let holding = false;
  const hold = (first: string) => {
    toHold.push(first);
    if (holding) return;
    holding = true;
    for (let name = toHold.pop(); name !== undefined; name = toHold.pop()) {
      if (waiting.has(name)) continue;
      waiting.add(name);
      for (const next of order.successors.get(name) ?? []) {
        const entry = entryOf(next);
        entry.held++;
        evaluate(entry);
      }
    }
    holding = false;
  };

  /** Outputs and other sinks are always needed; any other node is as long as a join after it is open, or waits. */
  const needed = (name: string): boolean => {
    const after = order.successors.get(name) ?? [];
    const isOpen = ({ decision }: Entry) => decision === undefined || decision.go === "hold";
    return after.length === 0 || outputs.has(name) || after.some((next) => isOpen(entryOf(next)));
  };

  /** Stops the needs that a decided join did not wait for, and what only they needed. */
  const releaseUnneeded = (decided: Entry) => {
    const stop = new StopError(
      "not-needed",
      `No longer needed: the join of "${decided.name}" was decided without it.`,
    );
    const toRelease = [decided];
    for (let entry = toRelease.pop(); entry !== undefined; entry = toRelease.pop()) {
      for (const need of order.needs.get(entry.name) ?? []) {
        const before = entryOf(need);
        if (outcomes[need] !== undefined || before.unneeded !== undefined || needed(need)) continue;
        before.unneeded = stop;
        const { decision } = before;
        if (decision === undefined) decide(before, { go: "stop", stop, atMs: hooks.nowMs() });
        if (decision === undefined || decision.go === "hold") toRelease.push(before);
        hooks.onUnneeded(need, stop);
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
    hold,
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
    held: 0,
    decision: undefined,
    unneeded: undefined,
    thens: [],
    timer: undefined,
  };
}

/** What a join says of how many needs have settled and completed. */
function judge({ rule: { rule, atLeast }, total, settled, completed }: Entry): "wait" | "run" | "skip" {
  if (rule === "count") {
    if (completed >= atLeast) return "run";
    return total - settled + completed < atLeast ? "skip" : "wait";
  }
  if (settled < total) return "wait";
  return rule === "settled" || completed === total ? "run" : "skip";
}

function unmet(spec: DagSpec, entry: Entry, outcomes: Readonly<Record<string, Outcome>>): OutcomeReason {
  const missing = (nodeOf(spec, entry.name).needs ?? []).flatMap((need) => {
    const outcome = outcomes[need];
    return outcome === undefined || outcome.state === "completed" ? [] : [`${need} ${outcome.state}`];
  });
  const wanted =
    entry.rule.rule === "all" ? "every need" : `at least ${entry.rule.atLeast} of ${entry.total} needs`;
  return { code: "join", message: `The join wants ${wanted} to complete; ${missing.join(", ")}.` };
}

function tooLate(entry: Entry): OutcomeReason {
  const { atLeast, deadlineMs } = entry.rule;
  return {
    code: "join",
    message: `The join wants at least ${atLeast} of ${entry.total} needs within ${deadlineMs} ms of the first; ${entry.completed} completed.`,
  };
}
