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
 * 2. `cancelled` when it was cancelled for good; `interrupted` when it waits for an answer; `cancelled` when it was aborted.
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
    /** Whether it was cancelled for good: it waits for nothing. */
    readonly cancelled?: boolean;
    readonly error: OutcomeError | null;
    readonly answer?: PlannerAnswer;
  },
): RunVerdict {
  const { found, output } = answeredOr(facts.answer, outputOf(dag, outcomes));
  if (facts.error !== null) return { state: "failed", output, error: facts.error };
  if (facts.cancelled) {
    const message = "The run was cancelled, which ends it for good.";
    return { state: "cancelled", output, error: { code: "ABORTED", message } };
  }
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
  // A list of work in place of recursion: chains may be longer than calls can nest.
  const left = dag.outputs.toReversed();
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const outcome = outcomes[name];
    if (outcome === undefined || outcome.state === "completed") continue;
    if (reasonOf(outcome) === "join") left.push(...needsOf(dag, name).toReversed());
    else causes.add(name);
  }
  return causes;
}

function needsOf(dag: DagProjection, name: string): readonly string[] {
  return dag.nodes[name]?.needs ?? [];
}

function reasonOf(outcome: Outcome | undefined): string | undefined {
  return outcome !== undefined && "reason" in outcome ? outcome.reason.code : undefined;
}

/**
 * The nodes that are missing for one of these reasons: their own, or that of a need behind joins that were not met, or that a
 * planner did not call for.
 */
function missingFor(codes: ReadonlySet<string>, dag: DagProjection, outcomes: Outcomes): ReadonlySet<string> {
  const found = new Set<string>();
  const unmetAfter = new Map<string, string[]>();
  for (const [name, outcome] of Object.entries(outcomes)) {
    const code = reasonOf(outcome);
    if (code !== undefined && codes.has(code)) found.add(name);
    if (code !== "join" && code !== "not-called") continue;
    for (const need of needsOf(dag, name)) {
      const others = unmetAfter.get(need);
      if (others === undefined) unmetAfter.set(need, [name]);
      else others.push(name);
    }
  }
  // What is added while the set is gone through is come to as well.
  for (const name of found) for (const next of unmetAfter.get(name) ?? []) found.add(next);
  return found;
}

const byDecision: ReadonlySet<string> = new Set(["condition", "not-called", "not-needed", "rejected"]);

/** Whether anything is missing that is not missing by decision; an unmet join is, unless a need of it is. */
function anyDamage(dag: DagProjection, outcomes: Outcomes): boolean {
  const decided = missingFor(byDecision, dag, outcomes);
  return Object.keys(dag.nodes).some((name) => {
    const outcome = outcomes[name];
    if (outcome === undefined) return false;
    if (outcome.state === "completed") return damagedWithin(dag.nodes[name]?.dag, outcome);
    return !decided.has(name);
  });
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

/** Whether every output is missing because a person said no, one at least, or by another decision about itself. */
function wasRejected(dag: DagProjection, outcomes: Outcomes): boolean {
  const rejected = missingFor(new Set(["rejected"]), dag, outcomes);
  return (
    dag.outputs.some((name) => rejected.has(name)) &&
    dag.outputs.every((name) => rejected.has(name) || byDecision.has(reasonOf(outcomes[name]) ?? ""))
  );
}
