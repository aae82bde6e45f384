import { DagError, isThenable } from "../../src/errors.js";
import { checkAgainstAsync } from "../../src/spec/schema.js";
import type { Ctx } from "../../src/spec/shape.js";
import type { Work, WorkResult } from "../engine/scope.js";
import { asPartOf } from "../engine/surrounding.js";
import { ctxOf } from "../engine/work.js";
import { askingOf } from "./ask.js";
import { asked, questionOf } from "./tool-calls.js";

/**
 * Runs a function node. Where the run is persisted, LangGraph's own `interrupt(payload)` in it asks a question of the run.
 * @throws DagError `OUTPUT_INVALID` when the value does not fit the node's `output` schema, Suspension while a question of it
 * has no answer, and whatever it throws itself.
 */
export function runFunction(work: Work): WorkResult | Promise<WorkResult> {
  const given = called(work);
  return work.node.output !== undefined || isThenable(given) ? checkedValue(work, given) : { value: given };
}

function called(work: Work): unknown {
  const { ask, end } = askingOf(work);
  const ctx = Object.assign(ctxOf(work), { ask });
  const given = asPartOf(work, () => calledWith(work, ctx));
  if (isThenable(given)) return Promise.resolve(given).finally(end);
  end();
  return given;
}

function calledWith(work: Work, ctx: Ctx): unknown {
  const { run } = work.scope;
  if (!run.journal.active) return work.node.run?.(ctx);
  const answers = run.questions.answersTo(work.key, "interrupt ");
  try {
    const running = run.host(answers, () => work.node.run?.(ctx));
    return isThenable(running) ? asked(work, "interrupt ", answers.length, running) : running;
  } catch (error) {
    throw questionOf(work, "interrupt ", answers.length, error);
  }
}

/**
 * A value held to what its node declares to give.
 * @throws DagError `OUTPUT_INVALID` when it does not fit.
 */
export async function checkedValue({ node }: Work, given: unknown): Promise<WorkResult> {
  const value = isThenable(given) ? await given : given;
  if (node.output === undefined) return { value };
  const checked = await checkAgainstAsync(node.output, value);
  if (checked.ok) return { value: checked.value };
  throw new DagError(
    "OUTPUT_INVALID",
    `The value does not fit the node's output schema: ${checked.message}.`,
  );
}
