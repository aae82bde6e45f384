import { DagError } from "../../src/errors.js";
import { projectDag } from "../../src/records/projection.js";
import { workPath } from "../../src/records/replay.js";
import { judgeRun } from "../../src/records/run-state.js";
import { fillTemplate } from "../../src/spec/reference.js";
import { createScope, parseInput } from "../engine/scope.js";
import { StopError, stopOf } from "../engine/stop.js";
import { ctxOf, type Work, type WorkResult } from "../engine/work.js";

/**
 * Runs a graph node: a scope of its own inside the same run, so that limits, budgets, signal, middleware and events are
 * the outer run's. Its value is the inner DAG's output; the inner outcomes are kept with its own.
 * @throws DagError `SUBGRAPH_FAILED` when the inner DAG has no output, `INPUT_INVALID` when its input does not fit.
 */
export async function runGraph(work: Work): Promise<WorkResult> {
  const { node, scope, name } = work;
  const inner = node.dag;
  if (inner === undefined) throw new DagError("SUBGRAPH_MISSING", `The node "${name}" has no \`dag\`.`);
  const input = await parseInput(inner, inputOf(work));
  const innerScope = createScope(inner, scope.execution, {
    prefix: `${workPath(work.key)}/`,
    stopper: work.stopper,
    keeps: true,
  });
  try {
    innerScope.open(input);
    await scope.execution.settleDag(innerScope);
  } finally {
    innerScope.close();
  }
  const { outcomes } = innerScope.ledger;
  if (work.stopper.reason !== undefined) {
    const { stop, message } = stopOf(work.stopper.reason);
    throw new StopError(stop, message, { outcomes });
  }
  const verdict = judgeRun(projectDag(inner), outcomes, { interrupts: [], aborted: false, error: null });
  if (verdict.error === null) return { value: verdict.output, outcomes };
  throw new DagError("SUBGRAPH_FAILED", `The graph "${inner.name}" failed. ${verdict.error.message}`, {
    facts: { outcomes },
  });
}

/** What a graph node is given: its `input`, else the item under `forEach`, else the surrounding DAG's input. */
function inputOf(work: Work): unknown {
  const { input } = work.node;
  if (input === undefined) return work.key.item === null ? work.scope.input : work.item;
  const ctx = ctxOf(work);
  return typeof input === "function" ? input(ctx) : fillTemplate(input, ctx);
}
