import type { RunInterrupt } from "../../src/records/events.js";
import { interrupted, type Outcome, type OutcomeTimes } from "../../src/records/outcome.js";

/** Thrown by work that cannot go on without an answer; its outcome is `interrupted`, and a resumed run starts it again. */
export class Suspension extends Error {
  readonly question: RunInterrupt | null;

  /** @param question `null` where parts of the work have asked. */
  constructor(question: RunInterrupt | null) {
    super(question === null ? "Parts of it wait for an answer." : `"${question.node}" waits for an answer.`);
    this.name = "Suspension";
    this.question = question;
  }
}

/** How work settles that waits for an answer: it has not ended. */
export function suspendedOutcome({ question }: Suspension, times: OutcomeTimes): Outcome {
  const code = (question?.kind ?? "approval") === "approval" ? "approval" : "question";
  return interrupted({ ...times, endedAtMs: null }, code, "The run waits for an answer.");
}
