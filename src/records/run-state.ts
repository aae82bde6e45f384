import type { DagProjection, RunInterrupt, RunState } from "./events.js";
import type { Outcome, OutcomeError, Outcomes } from "./outcome.js";
import { whyMissing } from "./outcome.js";

/** How a run ended, told from its outcomes. */
export interface RunVerdict {
  readonly state: RunState;
  /** The output node's value, or an object of values by name when there are several; `null` when there is none. */
  readonly output: unknown;
  readonly error: OutcomeError | null;
}

/** What a planner said where no output node takes its answer. */
export type PlannerAnswer = { readonly output: unknown } | { readonly error: OutcomeError };

/**
 * `interrupted` when the run waits for an answer; `cancelled` when it was aborted; `failed` without an output;
 * `partial` when there is an output and a node failed, timed out, or was skipped or cancelled because of a failure,
 * a budget or a deadline; else `completed`.
 */
export function judgeRun(
  dag: DagProjection,
  outcomes: Outcomes,
  facts: {
    readonly interrupts: readonly RunInterrupt[];
    readonly aborted: boolean;
    readonly error: OutcomeError | null;
    readonly answer?: PlannerAnswer;
  },
): RunVerdict {
  const { found, output } = answeredOr(facts.answer, outputOf(dag, outcomes));
  if (facts.error !== null) return { state: "failed", output, error: facts.error };
  if (facts.interrupts.length > 0) return { state: "interrupted", output, error: null };
  if (facts.aborted) {
    return {
      state: "cancelled",
      output,
      error: { code: "ABORTED", message: "The run was aborted before it ended." },
    };
  }
  if (facts.answer !== undefined && "error" in facts.answer) {
    return { state: "failed", output, error: facts.answer.error };
  }
  if (!found) return { state: "failed", output: null, error: noOutput(dag, outcomes) };
  return { state: anyDamage(dag, outcomes) ? "partial" : "completed", output, error: null };
}

function answeredOr(answer: PlannerAnswer | undefined, own: { found: boolean; output: unknown }) {
  return answer !== undefined && "output" in answer ? { found: true, output: answer.output } : own;
}

/** The run's output and whether there is one. */
export function outputOf(dag: DagProjection, outcomes: Outcomes): { found: boolean; output: unknown } {
  const [first, ...others] = dag.outputs;
  if (first !== undefined && others.length === 0) {
    const outcome = outcomes[first];
    return outcome?.state === "completed"
      ? { found: true, output: outcome.value }
      : { found: false, output: null };
  }
  const values = dag.outputs.flatMap((name) => {
    const outcome = outcomes[name];
    return outcome?.state === "completed" ? [[name, outcome.value] as const] : [];
  });
  return values.length === 0
    ? { found: false, output: null }
    : { found: true, output: Object.fromEntries(values) };
}

function noOutput(dag: DagProjection, outcomes: Outcomes): OutcomeError {
  const lines = dag.outputs.map((name) => `"${name}" ${whyMissing(outcomes[name])}`);
  return { code: "NO_OUTPUT", message: `The run has no output: ${lines.join("; ")}` };
}

const harmless = new Set(["condition", "not-called", "not-needed"]);

function anyDamage(dag: DagProjection, outcomes: Outcomes): boolean {
  const damaged = (name: string): boolean => {
    const outcome = outcomes[name];
    if (outcome === undefined || outcome.state === "completed") {
      const inner = dag.nodes[name]?.dag;
      return inner !== undefined && outcome?.outcomes !== undefined && anyDamage(inner, outcome.outcomes);
    }
    if ("error" in outcome) return true;
    if (harmless.has(outcome.reason.code)) return false;
    // An unmet join is damage unless what was missing is missing by decision.
    return outcome.reason.code !== "join" || !missingByDecision(name);
  };
  const missingByDecision = (name: string): boolean =>
    (dag.nodes[name]?.needs ?? []).some((need) => {
      const outcome = outcomes[need];
      return (
        isSkip(outcome) &&
        (harmless.has(outcome.reason.code) || (outcome.reason.code === "join" && missingByDecision(need)))
      );
    });
  return Object.keys(dag.nodes).some(damaged);
}

function isSkip(outcome: Outcome | undefined): outcome is Extract<Outcome, { reason: unknown }> {
  return outcome !== undefined && "reason" in outcome;
}
