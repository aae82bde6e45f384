import type { Message, ModelReply } from "../../src/models/port.js";
import type { Outcome, OutcomeError, Outcomes } from "../../src/records/outcome.js";
import { projectDag } from "../../src/records/projection.js";
import { outputOf, type PlannerAnswer } from "../../src/records/run-state.js";
import { nodeWork } from "../../src/records/work-id.js";
import { nodeOf, orderOf } from "../../src/spec/order.js";
import { toJsonSchema } from "../../src/spec/schema.js";
import type { Node } from "../../src/spec/shape.js";
import { CancelError, cancelledOutcome } from "../engine/cancel.js";
import { outcomeError, timedOut } from "../engine/settle-work.js";
import {
  defaultRepairAttempts,
  outputInvalid,
  readStructured,
  repairRequest,
} from "../kinds/structured-output.js";
import { notCalled, outcomeOfRuns } from "./planner-calls.js";
import { approvalsBefore, writtenOutput } from "./planner-catalogue.js";
import type { PlannerSession } from "./planner-session.js";

/** How a planner run ends: with an answer, or with the reason why there is none. */
export type Ending =
  | { readonly answer: unknown; readonly startedAtMs: number }
  | { readonly error: OutcomeError; readonly timedOut: boolean; readonly startedAtMs: number }
  | { readonly cancelled: CancelError; readonly startedAtMs: number }
  /** The nodes themselves make the output: the fallback, or after a person's no to what stands before the output. */
  | { readonly nodes: true };

/** What the state is given at the end. */
export interface Settled {
  readonly outcomes: Outcomes;
  readonly output: unknown;
  /** What the planner says where no output node takes its answer, `null` where one does. */
  readonly answer: PlannerAnswer | null;
}

/** The ending that a thrown error makes. */
export function endingOf(error: unknown, startedAtMs: number): Ending {
  return error instanceof CancelError
    ? { cancelled: error, startedAtMs }
    : { error: outcomeError(error), timedOut: timedOut(error), startedAtMs };
}

/**
 * The ending of a planner run; where the planner found no answer and `fallback` is set, every node is run as declared first,
 * and what completed before is kept.
 */
export async function endOrFallBack(session: PlannerSession, ending: Ending): Promise<Ending> {
  const { options, pendingCalls, spec, scope } = session;
  const falls = "error" in ending && options.fallback === "deterministic";
  if (!falls || scope.canceller.reason !== undefined) return ending;
  await Promise.all(orderOf(spec).topological.map((name) => pendingCalls.pull(name).done));
  return { nodes: true };
}

/**
 * Reads replies as the run's answer: the text, or what the schema of the output node makes of it. A reply that does not fit is
 * told back, as often as the node's `policy.repairAttempts` says.
 */
export function answerReader(session: PlannerSession) {
  const written = writtenOutput(session.spec);
  const node: Node = written === undefined ? { instructions: "" } : nodeOf(session.spec, written);
  const { output } = node;
  const { repairAttempts = defaultRepairAttempts } = session.scope.run.policyFor(node);
  let repairs = 0;
  return {
    /** What the model is asked to hold to. */
    schema: output === undefined ? null : toJsonSchema(output),
    /** @throws DagError `OUTPUT_INVALID` when the reply does not fit and no repair is left. */
    async read(reply: ModelReply): Promise<{ readonly answer: unknown } | { readonly repair: Message }> {
      if (output === undefined) return { answer: reply.text };
      const checked = await readStructured(reply.text, output);
      if (checked.ok) return { answer: checked.value };
      if (repairs++ >= repairAttempts) throw outputInvalid("answer", checked.message, reply);
      return { repair: repairRequest(checked.message, output) };
    },
  };
}

/**
 * Settles every node of the spec: what was called as it came out, the output node as the ending says, everything else
 * as skipped. Cancels what still runs. Where no output node takes the answer, the answer is the run's output.
 */
export async function settleEverything(session: PlannerSession, reached: Ending): Promise<Settled> {
  const ending = heldToApprovals(session, reached);
  const { scope, pendingCalls, spec } = session;
  const { run: context } = scope;
  await pendingCalls.cancelAll(new CancelError("not-needed", "No longer needed: the planner has finished."));
  const written = "nodes" in ending ? undefined : writtenOutput(spec);
  const outcomes: Record<string, Outcome> = {};
  for (const name of Object.keys(spec.nodes)) {
    const ran = outcomeOfRuns(pendingCalls.runsOf(name));
    const outcome =
      name === written && !("nodes" in ending)
        ? writtenOutcome(ending, context.events.nowMs(), ran)
        : (ran ?? notCalled(scope));
    outcomes[name] = outcome;
    context.settled(nodeWork(scope.prefix + name), outcome);
  }
  const answer = written === undefined && !("nodes" in ending) ? answerOf(ending) : null;
  if (answer !== null) context.answer(answer);
  const { output } = "answer" in ending ? { output: ending.answer } : outputOf(projectDag(spec), outcomes);
  return { outcomes, output, answer };
}

function answerOf(ending: Exclude<Ending, { nodes: true }>): PlannerAnswer {
  if ("answer" in ending) return { output: ending.answer };
  return { error: "error" in ending ? ending.error : outcomeError(ending.cancelled) };
}

/**
 * What a person has to allow is not the planner's to say: an answer that goes past an approval which was not asked is none, and
 * after a no the run has the output that its nodes have come to, if any.
 */
function heldToApprovals({ pendingCalls, spec }: PlannerSession, ending: Ending): Ending {
  if (!("answer" in ending)) return ending;
  const before = orderOf(spec).outputs.flatMap((name) => [...approvalsBefore(spec, name)]);
  const reasons = [...new Set(before)].flatMap((name) => {
    const outcome = outcomeOfRuns(pendingCalls.runsOf(name));
    if (outcome?.state === "completed") return [];
    const reason = outcome !== undefined && "reason" in outcome ? outcome.reason.code : undefined;
    return reason === "condition" ? [] : [{ name, reason }];
  });
  if (reasons.length === 0) return ending;
  const passed = reasons.filter(({ reason }) => reason !== "rejected");
  if (passed.length === 0) return { nodes: true };
  const names = passed.map(({ name }) => `"${name}"`).join(", ");
  const message = `The planner answered without the approval ${names}, which stands before the output; its answer is not used.`;
  const error = { code: "APPROVAL_PASSED_BY", message };
  return { error, timedOut: false, startedAtMs: ending.startedAtMs };
}

/** The outcome of the output node that the planner writes; one that ran as a node of its own keeps its value. */
function writtenOutcome(
  ending: Exclude<Ending, { nodes: true }>,
  endedAtMs: number,
  ran: Outcome | undefined,
): Outcome {
  const times = { readyAtMs: ending.startedAtMs, startedAtMs: ending.startedAtMs, endedAtMs, attempts: 1 };
  if ("answer" in ending) return { ...times, state: "completed", value: ending.answer };
  if (ran?.state === "completed") return ran;
  if ("error" in ending) {
    return { ...times, state: ending.timedOut ? "timed-out" : "failed", error: ending.error };
  }
  return cancelledOutcome(ending.cancelled, true, times);
}
