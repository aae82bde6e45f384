import { DagError } from "../../src/errors.js";
import type { RunInterrupt } from "../../src/records/events.js";
import { interrupted, type Outcome, type OutcomeTimes } from "../../src/records/outcome.js";

/** Thrown by work that cannot go on without an answer; its outcome is `interrupted`, and a resumed run starts it again. */
export class Suspension extends Error {
  readonly question: RunInterrupt | null;
  /** What is waited for: a decision, or the answer to a question. */
  readonly code: "approval" | "question";

  /**
   * @param question `null` where parts of the work have asked.
   * @param parts Their outcomes.
   */
  constructor(question: RunInterrupt | null, parts: Iterable<Outcome> = []) {
    super(question === null ? "Parts of it wait for an answer." : `"${question.node}" waits for an answer.`);
    this.name = "Suspension";
    this.question = question;
    const asksMore =
      question === null ? [...parts].some(isQuestion) : (question.kind ?? "approval") !== "approval";
    this.code = asksMore ? "question" : "approval";
  }
}

function isQuestion(part: Outcome): boolean {
  return part.state === "interrupted" && part.reason.code === "question";
}

/**
 * Thrown in place of a question that cannot be asked. Nothing may take it for a failure to go on after: the question would be
 * lost.
 */
export class LostQuestionError extends DagError {}

/** How work settles that waits for an answer: it has not ended. */
export function suspendedOutcome({ code }: Suspension, times: OutcomeTimes): Outcome {
  return interrupted({ ...times, endedAtMs: null }, code, "The run waits for an answer.");
}
