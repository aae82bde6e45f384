import { GraphInterrupt } from "@langchain/langgraph";
import type { Message } from "../../src/models/port.js";
import type { CallRecord, WorkKey } from "../../src/records/events.js";
import { type Outcome, type Outcomes, whyMissing } from "../../src/records/outcome.js";
import { nodeOf, orderOf } from "../../src/spec/order.js";
import { isFinal } from "../engine/kept.js";
import { textOf } from "../kinds/prompt.js";
import { nodeCallOf, type PlannedTalk } from "./planner.js";
import type { NodeCall, NodeRun } from "./planner-calls.js";
import { outcomeOfRuns } from "./planner-calls.js";
import type { PlannerSession } from "./planner-session.js";

/** A call to be settled, by the id under which its run is found. */
export interface CallUnit {
  readonly id: string;
  readonly call: NodeCall;
}

/** A run to be stored: its key, its node, and what was asked of it. */
export interface StoredRun {
  readonly key: WorkKey;
  readonly name: string;
  readonly asked: unknown;
}

/**
 * Gives the outcome that is stored of a run, or runs the body and stores what it gives. Called in the same order
 * whenever the same step is run.
 */
export type OutcomeStore = (run: StoredRun, body: () => Promise<Outcome>) => Promise<Outcome>;

/**
 * Settles calls, those that are under way included. With a store, the needs that they pull and the calls are stored
 * one by one, so that a resumed run makes none of them twice. Rejects only with LangGraph's bubble-ups, once every
 * other call has settled.
 */
export async function settleCalls(
  session: PlannerSession,
  units: readonly CallUnit[],
  before: Outcomes,
  store?: OutcomeStore,
): Promise<void> {
  const { board, runs } = session;
  const waiting: Promise<unknown>[] = [];
  const keyOf = (name: string, invocation: number | null): WorkKey => ({
    node: session.scope.prefix + name,
    item: null,
    invocation,
  });
  // Stored runs are told from each other by their order: each is stored in a microtask of its own, new or under way.
  const settle = (run: NodeRun, isNew: boolean, stored: StoredRun) => {
    waiting.push(run.done);
    if (store !== undefined && !isNew) {
      waiting.push(Promise.resolve().then(() => store(stored, () => run.done)));
    }
  };
  const placed = new Set(Object.keys(before));
  for (const { id, call } of units) {
    for (const name of store === undefined ? [] : needsOf(session, call.node, placed)) {
      const underWay = board.runsOf(name).at(-1);
      const stored = { key: keyOf(name, null), name, asked: null };
      const run = underWay ?? board.pull(name, (body) => store?.(stored, body) ?? body());
      settle(run, underWay === undefined, stored);
    }
    placed.add(call.node);
    const known = [...board.runsOf(call.node)];
    const called = known.filter((one) => one.called);
    const underWay = runs.get(id);
    const index = underWay === undefined ? called.length : called.indexOf(underWay);
    const asked = [call.focus ?? null, call.text ?? null, call.args ?? null];
    const stored = { key: keyOf(call.node, index < 0 ? null : index), name: call.node, asked };
    const execute = store === undefined ? undefined : (body: () => Promise<Outcome>) => store(stored, body);
    const run = underWay ?? board.start(call, execute);
    runs.set(id, run);
    settle(run, !known.includes(run), stored);
  }
  const results = await Promise.allSettled(waiting);
  const bubbledUp = results.find((result) => result.status === "rejected");
  const { keeps } = session.scope.execution;
  const isWhole = !keeps || Object.values(outcomesSoFar(session)).every(isFinal);
  if (bubbledUp === undefined && isWhole) return;
  reportSettled(session);
  // What was stopped from outside is for a resumed run to make, so the step must not count as done.
  throw bubbledUp?.reason ?? new GraphInterrupt([]);
}

/** Reports what has settled of a run that stops here to be resumed. */
function reportSettled(session: PlannerSession): void {
  const { execution, prefix } = session.scope;
  for (const [name, outcome] of Object.entries(outcomesSoFar(session))) {
    const key = { node: prefix + name, item: null, invocation: null };
    execution.emit({ type: "node-settled", ...key, outcome, atMs: execution.nowMs() });
  }
}

/** The needs of a node, and needs of those, that have no place yet; needs first. They get one. */
function needsOf({ spec }: PlannerSession, name: string, placed: Set<string>): string[] {
  const wanted = new Set<string>();
  const visit = (one: string) => {
    for (const need of nodeOf(spec, one).needs ?? []) {
      if (wanted.has(need) || placed.has(need)) continue;
      wanted.add(need);
      visit(need);
    }
  };
  visit(name);
  for (const need of wanted) placed.add(need);
  return orderOf(spec).topological.filter((one) => wanted.has(one));
}

/** The outcomes so far of the nodes that were run and are not running. */
export function outcomesSoFar({ spec, board }: PlannerSession): Outcomes {
  const settled = (runs: readonly NodeRun[]) => runs.every((run) => run.outcome !== undefined);
  return Object.fromEntries(
    Object.keys(spec.nodes).flatMap((name) => {
      const runs = board.runsOf(name);
      const outcome = settled(runs) ? outcomeOfRuns(runs) : undefined;
      return outcome === undefined ? [] : [[name, outcome] as const];
    }),
  );
}

/** Every model call so far, by node; planner and joiner under their own names. What a resumed run counts on from. */
export function callsSoFar({ scope, spec }: PlannerSession): Record<string, readonly CallRecord[]> {
  const names = ["$planner", "$joiner", ...Object.keys(spec.nodes)];
  return Object.fromEntries(
    names.flatMap((name) => {
      const calls = scope.execution.callsOf({ node: name, item: null, invocation: null });
      return calls.length === 0 ? [] : [[name, calls] as const];
    }),
  );
}

/** Makes the calls of the planner's latest message and answers each, in the message's order. */
export async function answerCalls(
  session: PlannerSession,
  talk: PlannedTalk,
  before: Outcomes,
  store?: OutcomeStore,
): Promise<PlannedTalk> {
  const units = talk.pending.flatMap((pending): CallUnit[] => {
    const call = pending.problem === null ? nodeCallOf(session, pending) : null;
    return call === null ? [] : [{ id: pending.id, call }];
  });
  await settleCalls(session, units, before, store);
  const answers = talk.pending.map(
    ({ id, toolCallId, name, problem }): Message => ({
      role: "tool",
      toolCallId,
      name,
      content: problem ?? resultText(name, session.runs.get(id)?.outcome),
    }),
  );
  const mistakes = talk.pending.filter(({ problem }) => problem !== null).length;
  return {
    messages: [...talk.messages, ...answers],
    turns: talk.turns,
    mistakes: talk.mistakes + mistakes,
    pending: [],
  };
}

function resultText(name: string, outcome: Outcome | undefined): string {
  return outcome?.state === "completed"
    ? textOf(outcome.value)
    : `Nothing came from ${name}: ${whyMissing(outcome)}`;
}
