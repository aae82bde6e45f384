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
 * 1. `failed` when the run itself went wrong.
 * 2. `interrupted` when it waits for an answer; `cancelled` when it was aborted.
 * 3. Without an output `rejected` where every output node is missing because a person said no, else `failed`.
 * 4. `partial` when a node failed, timed out, or was skipped or cancelled because of a failure, a budget or a deadline, or a
 *    map lost items to one; else `completed`. What is missing by decision (`condition`, `not-called`, `not-needed`,
 *    `rejected`) is not missed.
 */
export function judgeRun(
  dag: DagProjection,
  outcomes: Outcomes,
  facts: {
    readonly interrupts: readonly RunInterrupt[];
    /** Whether it stopped before or after a node because it was told to. */
    readonly suspended?: boolean;
    readonly aborted: boolean;
    readonly error: OutcomeError | null;
    readonly answer?: PlannerAnswer;
  },
): RunVerdict {
  const { found, output } = answeredOr(facts.answer, outputOf(dag, outcomes));
  if (facts.error !== null) return { state: "failed", output, error: facts.error };
  if (facts.interrupts.length > 0 || facts.suspended) return { state: "interrupted", output, error: null };
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
  if (!found && wasRejected(dag, outcomes)) return { state: "rejected", output: null, error: null };
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
  const line = (name: string) => `"${name}" ${whyMissing(outcomes[name])}`;
  const causes = [...causesOf(dag, outcomes)].filter((name) => !dag.outputs.includes(name));
  const told = causes.slice(0, mostCauses).map(line);
  const more = causes.length > mostCauses ? [`… and ${causes.length - mostCauses} more`] : [];
  const because = causes.length === 0 ? "" : `. What went wrong: ${[...told, ...more].join("; ")}`;
  return {
    code: "NO_OUTPUT",
    message: `The run has no output: ${dag.outputs
      .map(line)
      .join("; ")
      .replace(/\.$/, because === "" ? "$&" : "")}${because}`,
  };
}

/** Nodes that are named as what went wrong, at most. */
const mostCauses = 3;

/** The nodes that outputs are missing for: behind joins that were not met, those that did not complete themselves. */
function causesOf(dag: DagProjection, outcomes: Outcomes): Set<string> {
  const [causes, seen] = [new Set<string>(), new Set<string>()];
  const follow = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    const outcome = outcomes[name];
    if (outcome === undefined || outcome.state === "completed") return;
    const isJoin = "reason" in outcome && outcome.reason.code === "join";
    if (!isJoin) causes.add(name);
    else for (const need of dag.nodes[name]?.needs ?? []) follow(need);
  };
  for (const name of dag.outputs) follow(name);
  return causes;
}

const byDecision = new Set(["condition", "not-called", "not-needed", "rejected"]);

function anyDamage(dag: DagProjection, outcomes: Outcomes): boolean {
  return Object.keys(dag.nodes).some((name) => damaged(dag, outcomes, name));
}

function damaged(dag: DagProjection, outcomes: Outcomes, name: string): boolean {
  const outcome = outcomes[name];
  if (outcome === undefined) return false;
  if (outcome.state === "completed") return damagedWithin(dag.nodes[name]?.dag, outcome);
  if ("error" in outcome) return true;
  if (byDecision.has(outcome.reason.code)) return false;
  // An unmet join is damage unless what was missing is missing by decision.
  return outcome.reason.code !== "join" || !missingByDecision(dag, outcomes, name);
}

/** Of a completed outcome: whether an item, an inner node or a node of the last round is missing that should not be. */
function damagedWithin(inner: DagProjection | undefined, outcome: Outcome): boolean {
  if ((outcome.items ?? []).some((item) => itemDamaged(inner, item))) return true;
  if (inner === undefined) return false;
  return [outcome.outcomes, outcome.rounds?.at(-1)].some(
    (nodes) => nodes !== undefined && anyDamage(inner, nodes),
  );
}

function itemDamaged(inner: DagProjection | undefined, item: Outcome): boolean {
  if (item.state === "completed") return damagedWithin(inner, item);
  return "error" in item || !byDecision.has(item.reason.code);
}

function missingByDecision(dag: DagProjection, outcomes: Outcomes, name: string): boolean {
  return (dag.nodes[name]?.needs ?? []).some((need) => {
    const outcome = outcomes[need];
    if (outcome === undefined || !("reason" in outcome)) return false;
    const { code } = outcome.reason;
    return byDecision.has(code) || (code === "join" && missingByDecision(dag, outcomes, need));
  });
}

/** Whether every output is missing because a person said no. */
function wasRejected(dag: DagProjection, outcomes: Outcomes): boolean {
  const rejected = (name: string): boolean => {
    const outcome = outcomes[name];
    if (outcome === undefined || !("reason" in outcome)) return false;
    if (outcome.reason.code === "rejected") return true;
    return outcome.reason.code === "join" && (dag.nodes[name]?.needs ?? []).some(rejected);
  };
  return (
    dag.outputs.some(rejected) && dag.outputs.every((name) => rejected(name) || isByDecision(outcomes[name]))
  );
}

function isByDecision(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && "reason" in outcome && byDecision.has(outcome.reason.code);
}
