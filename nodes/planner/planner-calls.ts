import type { WorkKey } from "../../src/records/events.js";
import type { Outcome } from "../../src/records/outcome.js";
import { nodeOf } from "../../src/spec/order.js";
import type { Decided } from "../engine/ledger.js";
import type { Scope } from "../engine/scope.js";
import { failFast, interrupted, reachOutcome } from "../engine/settle-node.js";
import { StopError, stopOf, stoppedOutcome } from "../engine/stop.js";
import type { Stopper } from "../engine/stopper.js";
import type { Work } from "../engine/work.js";
import { decideCall } from "./planner-join.js";

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
  /** Rejects only with LangGraph's bubble-ups. */
  readonly done: Promise<Outcome>;
  /** The outcome once there is one. */
  readonly outcome: Outcome | undefined;
  /** Stops it; it settles all the same. */
  cancel(stop: StopError): void;
}

/** Runs a body and gives its outcome, or one that was stored for it. */
export type Execute = (body: () => Promise<Outcome>) => Promise<Outcome>;

/** The runs of a spec's nodes under a planner. Every run settles: as `join`, `when` and `forEach` say, or stopped. */
export interface CallBoard {
  /** Starts a call as soon as its needs allow; its unmet needs are run first. */
  start(call: NodeCall, execute?: Execute): NodeRun;
  /** The node as declared: the run that there is, or a new one with its needs. */
  pull(name: string, execute?: Execute): NodeRun;
  runsOf(name: string): readonly NodeRun[];
  /** Enters an outcome of an earlier process. */
  adopt(name: string, outcome: Outcome): void;
  /** Stops what still runs as no longer needed, and waits until it has settled. */
  stopAll(stop: StopError): Promise<void>;
}

interface OwnRun extends NodeRun {
  outcome: Outcome | undefined;
  /** Runs that wait for it. */
  readonly waiting: Set<OwnRun>;
  readonly awaited: OwnRun[];
}

export function createCallBoard(scope: Scope): CallBoard {
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

  const need = (name: string): OwnRun => currentOf(name) ?? launch({ node: name }, false);

  const launch = (call: NodeCall, called: boolean, execute: Execute = (body) => body()): OwnRun => {
    const list = listOf(call.node);
    const stopper = scope.stopperFor(call.node);
    const invocation = called ? list.filter((one) => one.called).length : null;
    const fed = Object.entries(call.feeds ?? {}) as [string, OwnRun][];
    const declared = (nodeOf(scope.spec, call.node).needs ?? []).map(
      (name) => [name, fed.findLast(([, run]) => run.node === name)?.[1] ?? need(name)] as const,
    );
    const others = fed.filter(([, run]) => !declared.some(([, one]) => one === run));
    const run: OwnRun = {
      node: call.node,
      called,
      plain: call.focus === undefined && call.text === undefined && isEmpty(call.args),
      outcome: undefined,
      waiting: new Set(),
      awaited: [...declared, ...others].map(([, one]) => one),
      cancel: (stop) => stopper.stop(stop),
      done: Promise.resolve().then(async () => {
        try {
          run.outcome = await execute(() => settleCall(run, call, { invocation, stopper, declared, others }));
          return run.outcome;
        } finally {
          scope.release(call.node, stopper);
          letGo(run);
        }
      }),
    };
    run.done.catch(() => {});
    for (const one of run.awaited) one.waiting.add(run);
    list.push(run);
    return run;
  };

  /** Drops a run's claims on its needs; a need that nobody waits for any more is stopped. */
  const letGo = (run: OwnRun) => {
    for (const one of run.awaited) {
      one.waiting.delete(run);
      if (one.called || one.outcome !== undefined || one.waiting.size > 0) continue;
      one.cancel(new StopError("not-needed", `No longer needed: "${run.node}" went on without it.`));
      letGo(one);
    }
  };

  const settleCall = async (run: OwnRun, call: NodeCall, given: Given): Promise<Outcome> => {
    const { execution } = scope;
    const { invocation, stopper, declared, others } = given;
    const key: WorkKey = { node: scope.prefix + call.node, item: null, invocation };
    const node = nodeOf(scope.spec, call.node);
    let decision: Decided | undefined;
    try {
      decision = await decideCall(node, declared, others, execution.nowMs, stopper);
      letGo(run);
      const starts = decision.go === "run" && stopper.reason === undefined;
      if (starts) execution.emit({ type: "node-ready", ...key, atMs: execution.nowMs() });
      const work: Work = {
        scope,
        name: call.node,
        node,
        key,
        item: undefined,
        needs: Object.fromEntries([...declared, ...others].map(([label, one]) => [label, one.outcome])),
        stopper,
        ...(call.focus !== undefined && { focus: call.focus }),
        ...(call.text !== undefined && { text: call.text }),
        ...(call.args !== undefined && { args: call.args }),
      };
      const outcome = await reachOutcome(work, decision);
      // A called run is reported as it settles; the node as a whole when the planner has finished.
      const atMs = execution.nowMs();
      if (run.called) execution.emit({ type: "node-settled", ...key, outcome, atMs });
      failFast(scope, call.node, outcome);
      return outcome;
    } catch (error) {
      // A bubble-up: the resumed run starts it again.
      listOf(call.node).splice(listOf(call.node).indexOf(run), 1);
      if (decision !== undefined) {
        const outcome = interrupted(decision);
        execution.emit({ type: "node-settled", ...key, invocation: null, outcome, atMs: execution.nowMs() });
      }
      throw error;
    }
  };

  return {
    start(call, execute) {
      const list = listOf(call.node);
      const [only] = list;
      const plain = call.focus === undefined && call.text === undefined && isEmpty(call.args) && !call.feeds;
      // A plain call of a node that is being run as a need is that run.
      if (plain && only !== undefined && list.length === 1 && !only.called && mayServe(only)) return only;
      return launch(call, true, execute);
    },
    pull(name, execute) {
      const plain = listOf(name).findLast((run) => run.plain && mayServe(run));
      return plain ?? launch({ node: name }, false, execute);
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
    async stopAll(stop) {
      const open = [...runs.values()].flat().filter((run) => run.outcome === undefined);
      for (const run of open) run.cancel(stop);
      await Promise.allSettled(open.map((run) => run.done));
    },
  };
}

type Labelled = readonly (readonly [string, OwnRun])[];

interface Given {
  readonly invocation: number | null;
  readonly stopper: Stopper;
  readonly declared: Labelled;
  readonly others: Labelled;
}

function mayServe({ outcome }: NodeRun): boolean {
  return outcome === undefined || outcome.state === "completed";
}

function isEmpty(args: unknown): boolean {
  return args === undefined || (typeof args === "object" && args !== null && Object.keys(args).length === 0);
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
export function notCalled(scope: Scope): Outcome {
  const times = { readyAtMs: null, startedAtMs: null, endedAtMs: scope.execution.nowMs(), attempts: 0 };
  return scope.stopper.reason !== undefined
    ? { ...times, ...stoppedOutcome(stopOf(scope.stopper.reason), false) }
    : {
        ...times,
        state: "skipped",
        reason: { code: "not-called", message: "The planner did not call it." },
      };
}
