import type { Message } from "../../src/models/port.js";
import { type Outcome, type Outcomes, whyMissing } from "../../src/records/outcome.js";
import { nodeWork } from "../../src/records/work-id.js";
import { isFinal } from "../engine/journal.js";
import { textOf } from "../kinds/prompt.js";
import { nodeCallOf, type PlannedTalk } from "./planner.js";
import type { NodeRun } from "./planner-calls.js";
import { outcomeOfRuns } from "./planner-calls.js";
import type { PlannerSession } from "./planner-session.js";

/** A call to be settled, by the id under which its run is found. */
export interface CallUnit {
  readonly id: string;
  start(): NodeRun;
}

/**
 * Settles calls, those that are under way included: each as far as it goes, whatever becomes of the others. Gives whether the
 * step is done; where something waits for an answer, or was cancelled from outside, a resumed run enters it again.
 */
export async function settleCalls(session: PlannerSession, units: readonly CallUnit[]): Promise<boolean> {
  const { pendingCalls, runs } = session;
  for (const { id, start } of units) {
    if (!runs.has(id)) runs.set(id, start());
  }
  await pendingCalls.settled();
  if (!session.scope.run.journal.active) return true;
  const outcomes = outcomesSoFar(session);
  if (Object.values(outcomes).every(isFinal)) return true;
  for (const [name, outcome] of Object.entries(outcomes)) {
    session.scope.run.settled(nodeWork(session.scope.prefix + name), outcome);
  }
  return false;
}

/** The outcomes so far of the nodes that were run and are not running. */
export function outcomesSoFar({ spec, pendingCalls }: PlannerSession): Outcomes {
  const settled = (runs: readonly NodeRun[]) => runs.every((run) => run.outcome !== undefined);
  return Object.fromEntries(
    Object.keys(spec.nodes).flatMap((name) => {
      const runs = pendingCalls.runsOf(name);
      const outcome = settled(runs) ? outcomeOfRuns(runs) : undefined;
      return outcome === undefined ? [] : [[name, outcome] as const];
    }),
  );
}

/**
 * Makes the calls of the planner's latest message and answers each, in the message's order; `null` where the run stops here to
 * be resumed.
 */
export async function answerCalls(session: PlannerSession, talk: PlannedTalk): Promise<PlannedTalk | null> {
  const units = talk.pending.flatMap((pending): CallUnit[] => {
    const call = pending.problem === null ? nodeCallOf(session, pending) : null;
    return call === null ? [] : [{ id: pending.id, start: () => session.pendingCalls.start(call) }];
  });
  if (!(await settleCalls(session, units))) return null;
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
