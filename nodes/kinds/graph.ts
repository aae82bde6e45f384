import { DagError, unawaited } from "../../src/errors.js";
import { completedValue, type Outcomes } from "../../src/records/outcome.js";
import { projectDag } from "../../src/records/projection.js";
import { judgeRun } from "../../src/records/run-state.js";
import { roundPath, workPath } from "../../src/records/work-id.js";
import { copyOf } from "../../src/spec/json-value.js";
import { fillTemplate } from "../../src/spec/reference.js";
import type { DagSpec, Node } from "../../src/spec/shape.js";
import { whyNotData } from "../engine/condition.js";
import { parseInput, Scope, type Work, type WorkResult } from "../engine/scope.js";
import { settleDag } from "../engine/settle-dag.js";
import { Suspension } from "../engine/suspension.js";
import { ctxOf } from "../engine/work.js";

/** What one run of the inner DAG came to. */
type InnerRun =
  | { readonly output: unknown; readonly input: unknown; readonly outcomes: Outcomes }
  | { readonly error: unknown; readonly outcomes: Outcomes };

/**
 * Runs a graph node: scopes of its own inside the same run, so that limits, budgets, signal, middleware and events are the
 * outer run's. Its value is the inner DAG's output; the inner outcomes are kept with its own. With `repeat` the inner DAG is
 * run round by round until its condition holds; every round is persisted by itself.
 * @throws DagError `INPUT_INVALID`, `INPUT_NOT_JSON` when its input does not fit. What else goes wrong is in the result:
 * `SUBGRAPH_FAILED` when the inner DAG has no output, `ROUNDS_EXHAUSTED` where `onExhausted` is `"fail"`.
 */
export async function runGraph(work: Work): Promise<WorkResult> {
  const { node, name } = work;
  const { dag, repeat } = node;
  if (dag === undefined) throw new DagError("SUBGRAPH_MISSING", `The node "${name}" has no \`dag\`.`);
  if (repeat !== undefined) return runRounds(work, dag, repeat);
  const ran = await runInner(work, dag, inputOf(work, undefined), `${workPath(work.key)}/`);
  const parts = { outcomes: ran.outcomes };
  return "error" in ran ? { error: ran.error, parts } : { value: ran.output, parts };
}

async function runRounds(
  work: Work,
  dag: DagSpec,
  { until, maxRounds, onExhausted = "accept" }: NonNullable<Node["repeat"]>,
): Promise<WorkResult> {
  const rounds: Outcomes[] = [];
  let previous: unknown = null;
  for (let round = 1; ; round++) {
    const input = inputOf(work, { previous, round });
    const ran = await runInner(work, dag, input, `${roundPath(work.key, round)}/`);
    rounds.push(ran.outcomes);
    if ("error" in ran) return { error: ran.error, parts: { rounds } };
    previous = ran.output;
    if (holds(until, ran, round)) return { value: previous, parts: { rounds, exhausted: false } };
    if (round < maxRounds) continue;
    const parts = { rounds, exhausted: true };
    if (onExhausted === "accept") return { value: previous, parts };
    const message = `"${work.key.node}" ran ${maxRounds} rounds, and its \`until\` does not hold.`;
    return { error: new DagError("ROUNDS_EXHAUSTED", message, { facts: { maxRounds } }), parts };
  }
}

async function runInner(work: Work, dag: DagSpec, given: unknown, prefix: string): Promise<InnerRun> {
  const { scope, canceller } = work;
  const input = await parseInput(dag, given);
  const { input: own, repeat } = work.node;
  const sameInput =
    own === undefined && work.key.item === null ? { scope, inRounds: repeat !== undefined } : null;
  const inner = new Scope(dag, scope.run, scope.performers, { prefix, canceller, sameInput });
  try {
    inner.open(input);
    await settleDag(inner);
  } finally {
    inner.close();
  }
  const outcomes = outcomesOf(inner);
  if (canceller.reason !== undefined) return { error: canceller.reason, outcomes };
  if (Object.values(outcomes).some(({ state }) => state === "interrupted")) {
    return { error: new Suspension(null, Object.values(outcomes)), outcomes };
  }
  const verdict = judgeRun(projectDag(dag), outcomes, { interrupts: [], aborted: false, error: null });
  if (verdict.error === null) return { output: verdict.output, input: input.parsed, outcomes };
  const message = `The graph "${dag.name}" failed. ${verdict.error.message}`;
  return { error: new DagError("SUBGRAPH_FAILED", message), outcomes };
}

/** The outcomes of an inner DAG, in the spec's order, those that wait for an answer included. */
function outcomesOf(scope: Scope): Outcomes {
  const { frontier, spec } = scope;
  return Object.fromEntries(
    Object.keys(spec.nodes).flatMap((name) => {
      const outcome = frontier.outcomes[name] ?? frontier.waiting(name);
      return outcome === undefined ? [] : [[name, outcome] as const];
    }),
  );
}

/** What a graph node is given: its `input`, else the item under `forEach`, else the surrounding DAG's input. */
function inputOf(
  work: Work,
  loop: { readonly previous: unknown; readonly round: number } | undefined,
): unknown {
  const { input } = work.node;
  if (input === undefined) return work.key.item === null ? work.scope.given : work.item;
  const ctx = ctxOf(work, loop);
  return typeof input === "function" ? input(ctx) : fillTemplate(input, ctx);
}

function holds(
  until: NonNullable<Node["repeat"]>["until"],
  { output, input, outcomes }: Extract<InnerRun, { output: unknown }>,
  round: number,
): boolean {
  if (typeof until !== "function") {
    const needs = Object.fromEntries(
      Object.entries(outcomes).map(([name, outcome]) => [name, completedValue(outcome)]),
    );
    return whyNotData(until, { input, needs, item: undefined }, outcomes) === undefined;
  }
  const result: unknown = until({ output: copyOf(output), outcomes: copyOf(outcomes), round });
  if (typeof result === "boolean") return result;
  unawaited(result);
  throw new DagError(
    "UNTIL_NOT_BOOLEAN",
    `\`repeat.until\` returned ${typeof result} instead of a boolean.`,
    {
      hint: "Return true or false; an `until` cannot be asynchronous.",
    },
  );
}
