import {
  completedValue,
  interrupted,
  notStarted,
  type Outcome,
  type OutcomeReason,
  skipped,
} from "../../src/records/outcome.js";
import { nodeWork, type WorkKey } from "../../src/records/work-id.js";
import { hashOf } from "../../src/spec/canonical.js";
import { joinRule, nodeOf } from "../../src/spec/order.js";
import type { Node } from "../../src/spec/shape.js";
import { CancelError, type Canceller, cancelledOutcome, cancelOf } from "../engine/cancel.js";
import type { Decided, Decision } from "../engine/frontier.js";
import { judgeJoin, judgeLateJoin, lateReason, unmetReason } from "../engine/join.js";
import { mapItems } from "../engine/map.js";
import type { ReusePlace } from "../engine/reuse.js";
import { isDirected, type Scope, type Work } from "../engine/scope.js";
import { failFast, withoutWork } from "../engine/settle-node.js";
import { settleWork } from "../engine/settle-work.js";

/** What a planner asks of a node. */
export interface NodeCall {
  readonly node: string;
  readonly focus?: string;
  /** The text to work on in place of the run's input, where planners pass it on. */
  readonly text?: string;
  /** A tool's arguments; references name `feeds`. */
  readonly args?: unknown;
  /** Runs whose results it is given besides its declared needs, by label. */
  readonly feeds?: Readonly<Record<string, NodeRun>>;
}

/** One run of a node: a planner's call, or a need that was run for one. */
export interface NodeRun {
  readonly node: string;
  /** `false` for a need that no planner called. */
  readonly called: boolean;
  /** Whether it was given neither focus, text nor arguments: its result is the node's as declared. */
  readonly plain: boolean;
  /** Never rejects; `interrupted` where it waits for an answer. */
  readonly done: Promise<Outcome>;
  /** The outcome once there is one. */
  readonly outcome: Outcome | undefined;
  /** Cancels it; it settles all the same. */
  cancel(reason: CancelError): void;
}

/** The runs of a spec's nodes under a planner. Every run settles: as `join`, `when` and `forEach` say, or cancelled. */
export interface PendingCalls {
  /** Starts a call as soon as its needs allow; its unmet needs are run first. */
  start(call: NodeCall): NodeRun;
  /** The node as declared: the run that there is, or a new one with its needs. */
  pull(name: string): NodeRun;
  runsOf(name: string): readonly NodeRun[];
  /** Enters an outcome of an earlier process. */
  adopt(name: string, outcome: Outcome): void;
  /** Resolves when nothing runs any more. */
  settled(): Promise<void>;
  /** Cancels what still runs, and waits until it has settled. */
  cancelAll(reason: CancelError): Promise<void>;
}

interface OwnRun extends NodeRun {
  outcome: Outcome | undefined;
  /** Runs that wait for it. */
  readonly waiting: Set<OwnRun>;
  readonly awaited: OwnRun[];
}

export function createPendingCalls(scope: Scope): PendingCalls {
  const runs = new Map<string, OwnRun[]>();
  const listOf = (name: string) => {
    const list = runs.get(name) ?? [];
    runs.set(name, list);
    return list;
  };

  /** The run that stands for a need: under way or completed if there is one, else the latest. */
  const currentOf = (name: string): OwnRun | undefined => {
    const list = listOf(name);
    return (
      list.findLast(({ outcome }) => outcome === undefined || outcome.state === "completed") ?? list.at(-1)
    );
  };

  const openRuns = () => [...runs.values()].flat().filter((run) => run.outcome === undefined);

  const need = (name: string): OwnRun => currentOf(name) ?? launch({ node: name }, false);

  const launch = (call: NodeCall, called: boolean): OwnRun => {
    const list = listOf(call.node);
    const canceller = scope.cancellerFor(call.node);
    const invocation = called ? list.filter((one) => one.called).length : null;
    const fed = Object.entries(call.feeds ?? {}) as [string, OwnRun][];
    const declared = (nodeOf(scope.spec, call.node).needs ?? []).map(
      (name) => [name, fed.findLast(([, run]) => run.node === name)?.[1] ?? need(name)] as const,
    );
    const others = fed.filter(([, run]) => !declared.some(([, one]) => one === run));
    const run: OwnRun = {
      node: call.node,
      called,
      plain: !isDirected(call),
      outcome: undefined,
      waiting: new Set(),
      awaited: [...declared, ...others].map(([, one]) => one),
      cancel(reason) {
        canceller.cancel(reason);
        if (run.outcome?.state !== "interrupted") return;
        // It waits for an answer that nobody needs any more.
        const key = nodeWork(scope.prefix + call.node);
        scope.run.questions.withdraw(key.node);
        run.outcome = cancelledOutcome(reason, true, notStarted(scope.run.events.nowMs()));
        letGo(run);
      },
      done: Promise.resolve().then(async () => {
        try {
          run.outcome = await settleCall(run, call, { invocation, canceller, declared, others });
          return run.outcome;
        } finally {
          scope.releaseCanceller(call.node, canceller);
          if (run.outcome?.state !== "interrupted") letGo(run);
        }
      }),
    };
    for (const one of run.awaited) one.waiting.add(run);
    list.push(run);
    return run;
  };

  /**
   * Drops a run's claims on its needs; a need that nobody waits for any more is cancelled. Where the run itself is cancelled, a
   * question stays open: a resumed run needs its answer.
   */
  const letGo = (run: OwnRun) => {
    for (const one of run.awaited) {
      one.waiting.delete(run);
      const asks = one.outcome?.state === "interrupted" && scope.canceller.reason === undefined;
      const isOpen = one.outcome === undefined || asks;
      if (one.called || !isOpen || one.waiting.size > 0) continue;
      one.cancel(new CancelError("not-needed", `No longer needed: "${run.node}" went on without it.`));
      letGo(one);
    }
  };

  const settleCall = async (run: OwnRun, call: NodeCall, given: Given): Promise<Outcome> => {
    const { run: context } = scope;
    const { invocation, canceller, declared, others } = given;
    const key: WorkKey = { node: scope.prefix + call.node, item: null, invocation };
    const node = nodeOf(scope.spec, call.node);
    const nowMs = () => context.events.nowMs();
    const decided = await decideCall(node, declared, others, nowMs, canceller);
    const waits = run.awaited.some(({ outcome }) => outcome?.state === "interrupted");
    const decision: Decision =
      decided.go === "cancel" && scope.canceller.reason !== undefined && waits
        ? { go: "suspend", atMs: nowMs() }
        : decided;
    if (decision.go === "suspend") return suspended(key);
    letGo(run);
    const needs = Object.fromEntries([...declared, ...others].map(([label, one]) => [label, one.outcome]));
    const madeFrom = context.journal.active ? printOf(scope, node, call, needs) : "";
    const earlier = decision.go === "run" ? context.journal.claim(key.node, madeFrom) : undefined;
    if (earlier !== undefined) return earlier;
    const starts = decision.go === "run" && canceller.reason === undefined;
    if (starts) context.events.emit({ type: "node-ready", ...key, atMs: nowMs() });
    const work: Work = {
      scope,
      name: call.node,
      node,
      key,
      item: undefined,
      needs,
      attempt: 1,
      canceller,
      ...(call.focus !== undefined && { focus: call.focus }),
      ...(call.text !== undefined && { text: call.text }),
      ...(call.args !== undefined && { args: call.args }),
    };
    const directed = isDirected(work) || others.length > 0;
    const reached =
      (starts && !directed ? context.reuse.node(placeOf(work), call.node, decision.atMs) : undefined) ??
      withoutWork(work, decision) ??
      (await (node.forEach === undefined ? settleWork : mapItems)(work, decision.atMs));
    const outcome: Outcome = directed ? { ...reached, directed: true } : reached;
    await context.journal.settled(key, outcome, madeFrom);
    // A called run is reported as it settles, a need that waits too; the node as a whole when the planner has finished.
    if (run.called) context.settled(key, outcome);
    if (outcome.state === "interrupted") context.settled(nodeWork(key.node), outcome);
    failFast(scope, call.node, outcome);
    return outcome;
  };

  /** A call that cannot be decided before an answer comes. */
  const suspended = (key: WorkKey): Outcome => {
    const outcome = interrupted(notStarted(null), "waiting", "It waits for a node that waits for an answer.");
    scope.run.settled(nodeWork(key.node), outcome);
    return outcome;
  };

  return {
    start(call) {
      const list = listOf(call.node);
      const [only] = list;
      const plain = !isDirected(call) && !call.feeds;
      // A plain call of a node that is being run as a need is that run.
      if (plain && only !== undefined && list.length === 1 && !only.called && mayServe(only)) return only;
      return launch(call, true);
    },
    pull(name) {
      const plain = listOf(name).findLast((run) => run.plain && mayServe(run));
      return plain ?? launch({ node: name }, false);
    },
    runsOf: (name) => listOf(name),
    adopt(name, outcome) {
      const list = listOf(name);
      if (list.length > 0) return;
      for (const one of outcome.invocations ?? [outcome]) {
        list.push({
          node: name,
          called: true,
          plain: true,
          done: Promise.resolve(one),
          outcome: one,
          waiting: new Set(),
          awaited: [],
          cancel: () => {},
        });
      }
    },
    async settled() {
      for (let open = openRuns(); open.length > 0; open = openRuns()) {
        await Promise.all(open.map((run) => run.done));
      }
    },
    async cancelAll(reason) {
      const open = openRuns();
      for (const run of open) run.cancel(reason);
      await Promise.all(open.map((run) => run.done));
    },
  };
}

/** Where a call without directions stands, as a reuse looks at it. */
function placeOf({ scope: { spec, prefix }, needs }: Work): ReusePlace {
  const settled = Object.entries(needs).filter((entry): entry is [string, Outcome] => entry[1] !== undefined);
  return { spec, prefix, frontier: { outcomes: Object.fromEntries(settled) } };
}

type Labelled = readonly (readonly [string, OwnRun])[];

interface Given {
  readonly invocation: number | null;
  readonly canceller: Canceller;
  readonly declared: Labelled;
  readonly others: Labelled;
}

/**
 * Decides a planner's call as the node's `join` says of the runs that stand for its declared needs. What the planner
 * hands it besides has to complete too, but for a node that runs once all have settled.
 */
async function decideCall(
  node: Node,
  declared: Labelled,
  others: Labelled,
  nowMs: () => number,
  canceller: Canceller,
): Promise<Decision> {
  if (declared.length === 0 && others.length === 0) return { go: "run", atMs: nowMs() };
  const decision = await orCancelled(joinOf(node, declared, nowMs), canceller, nowMs);
  if (decision.go !== "run" || others.length === 0) return decision;
  const settled = Promise.all(others.map(([, run]) => run.outcome ?? run.done)).then((): Decision => {
    const missing = others.filter(([, run]) => run.outcome?.state !== "completed");
    if (missing.some(([, run]) => run.outcome?.state === "interrupted"))
      return { go: "suspend", atMs: nowMs() };
    const tolerant = joinRule(node.join).rule === "settled" && node.tool === undefined;
    if (missing.length === 0 || tolerant) return { go: "run", atMs: nowMs() };
    const names = missing.map(([label, run]) => `${label} ${run.outcome?.state ?? "not settled"}`).join(", ");
    return skip({ code: "join", message: `The call wants the results it refers to; ${names}.` }, nowMs);
  });
  return orCancelled(settled, canceller, nowMs);
}

/** The join alone. */
function joinOf(node: Node, declared: Labelled, nowMs: () => number): Promise<Decision> {
  const rule = joinRule(node.join);
  const total = declared.length;
  if (total === 0) return Promise.resolve({ go: "run", atMs: nowMs() });
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let [settled, completed, suspended] = [0, 0, 0];
    const decide = (decision: Decision) => {
      clearTimeout(timer);
      resolve(decision);
    };
    const enter = (outcome: Outcome) => {
      if (outcome.state === "interrupted") suspended++;
      else settled++;
      if (outcome.state === "completed") completed++;
      const verdict = judgeJoin(rule, { total, settled, completed });
      if (verdict === "run") return decide({ go: "run", atMs: nowMs() });
      if (verdict === "skip") {
        const needs = declared.map(([name, run]) => [name, run.outcome] as const);
        return decide(skip(unmetReason(rule, needs), nowMs));
      }
      if (rule.deadlineMs !== null && timer === undefined && settled > 0) {
        timer = setTimeout(() => {
          if (judgeLateJoin(rule) === "run") decide({ go: "run", atMs: nowMs() });
          else decide(skip(lateReason(rule, { total, settled, completed }), nowMs));
        }, rule.deadlineMs);
      }
      if (timer === undefined && settled + suspended === total) decide({ go: "suspend", atMs: nowMs() });
    };
    for (const [, run] of declared) {
      if (run.outcome !== undefined) enter(run.outcome);
      else void run.done.then(enter);
    }
  });
}

function skip(reason: OutcomeReason, nowMs: () => number): Decided {
  return { go: "skip", reason, atMs: nowMs() };
}

function orCancelled(
  deciding: Promise<Decision>,
  canceller: Canceller,
  nowMs: () => number,
): Promise<Decision> {
  return new Promise((resolve, reject) => {
    const detach = canceller.onCancel((reason) =>
      resolve({ go: "cancel", cancel: cancelOf(reason), atMs: nowMs() }),
    );
    deciding.then(resolve, reject).finally(detach);
  });
}

function mayServe({ outcome }: NodeRun): boolean {
  return outcome === undefined || outcome.state === "completed";
}

/** The outcome of a node that was run under a planner: of several runs, the latest that completed, else the latest. */
export function outcomeOfRuns(runs: readonly NodeRun[]): Outcome | undefined {
  const outcomes = runs.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]));
  const latest = outcomes.findLast((outcome) => outcome.state === "completed") ?? outcomes.at(-1);
  if (latest === undefined || outcomes.length === 1) return latest;
  const times = (pick: (outcome: Outcome) => number | null) =>
    outcomes.map(pick).filter((atMs): atMs is number => atMs !== null);
  const readyAt = times((outcome) => outcome.readyAtMs);
  const startedAt = times((outcome) => outcome.startedAtMs);
  return {
    ...latest,
    readyAtMs: readyAt.length === 0 ? null : Math.min(...readyAt),
    startedAtMs: startedAt.length === 0 ? null : Math.min(...startedAt),
    endedAtMs: Math.max(...times((outcome) => outcome.endedAtMs)),
    attempts: outcomes.reduce((sum, { attempts }) => sum + attempts, 0),
    invocations: outcomes,
  };
}

/** The outcome of a node that a planner never called. */
export function notCalled({ run, canceller }: Scope): Outcome {
  const times = notStarted(run.events.nowMs());
  return canceller.reason === undefined
    ? skipped(times, "not-called", "The planner did not call it.")
    : cancelledOutcome(cancelOf(canceller.reason), false, times);
}

/** Fingerprint of what a call is made from; where a join counts, the needs may settle in another order next time. */
function printOf(scope: Scope, node: Node, call: NodeCall, needs: Work["needs"]): string {
  const counts = joinRule(node.join).rule === "count";
  const values = counts
    ? []
    : Object.entries(needs).map(([name, need]) => [name, completedValue(need) ?? null]);
  return hashOf([scope.inputPrint, call.focus ?? null, call.text ?? null, call.args ?? null, values]);
}
