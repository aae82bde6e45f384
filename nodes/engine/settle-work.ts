import { types } from "node:util";
import { isGraphBubbleUp } from "@langchain/langgraph";
import { DagError, errorCode, errorMessage } from "../../src/errors.js";
import { type Outcome, type OutcomeError, spanning } from "../../src/records/outcome.js";
import { kindOf } from "../../src/spec/shape.js";
import { attemptWork } from "./attempts.js";
import { StopError, stoppedOutcome, untilStopped } from "./stop.js";
import type { Work, WorkResult } from "./work.js";

/** Runs one piece of work to its outcome, at once where it needs no waiting; rejects only with LangGraph's bubble-ups. */
export function settleWork(work: Work, readyAtMs: number): Outcome | Promise<Outcome> {
  const { execution } = work.scope;
  const startedAtMs = execution.nowMs();
  execution.emit({ type: "node-started", ...work.key, atMs: startedAtMs });
  const times = () => ({
    readyAtMs,
    startedAtMs,
    endedAtMs: execution.nowMs(),
    attempts: 1 + execution.retriesOf(work.key),
  });
  const completed = ({ value, outcomes }: WorkResult): Outcome => {
    const settled = { ...times(), state: "completed" as const, value: jsonValue(value) };
    return outcomes === undefined ? settled : { ...spanning(settled, Object.values(outcomes)), outcomes };
  };
  const failed = (error: unknown): Outcome => {
    if (isGraphBubbleUp(error)) throw error;
    const inner = innerOutcomes(error);
    if (error instanceof StopError) return { ...times(), ...inner, ...stoppedOutcome(error, true) };
    return {
      ...times(),
      ...inner,
      state: timedOut(error) ? "timed-out" : "failed",
      error: outcomeError(error),
    };
  };
  try {
    const running = attemptWork(work);
    return running instanceof Promise
      ? ended(work, running).then(completed).catch(failed)
      : completed(running);
  } catch (error) {
    return failed(error);
  }
}

/** A graph ends by itself when it is stopped, and its inner nodes have to settle first; any other work is left behind. */
function ended(work: Work, running: Promise<WorkResult>): Promise<WorkResult> {
  return kindOf(work.node) === "graph" ? running : untilStopped(running, work.stopper);
}

/** What was thrown, as data: code, message, and the offending text where there is one. */
export function outcomeError(error: unknown): OutcomeError {
  const text = error instanceof DagError ? error.text : undefined;
  return { code: errorCode(error), message: errorMessage(error), ...(text !== undefined && { text }) };
}

/** Whether an error says that time ran out. */
export function timedOut(error: unknown): boolean {
  return error instanceof DagError && error.timedOut;
}

/** A graph node that failed still tells what its inner nodes came to. */
function innerOutcomes(error: unknown): Pick<Outcome, "outcomes"> {
  const outcomes = error instanceof DagError ? error.facts.outcomes : undefined;
  return outcomes === undefined ? {} : { outcomes: outcomes as NonNullable<Outcome["outcomes"]> };
}

/**
 * A value as JSON can hold it: `undefined` is `null`.
 * @throws DagError `VALUE_NOT_JSON` for what a record would lose: bigints, cycles, functions, symbols, maps, sets.
 */
function jsonValue(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(value, refuseCollections);
  } catch (error) {
    cause = error;
  }
  if (text !== undefined) return value;
  if (cause instanceof DagError) throw cause;
  throw new DagError("VALUE_NOT_JSON", `The node returned a value that JSON cannot hold (${typeof value}).`, {
    cause,
    hint: "Return strings, numbers, booleans, null, arrays and plain objects.",
  });
}

/** JSON would write a map or a set as `{}`, without a word. */
function refuseCollections(_key: string, value: unknown): unknown {
  if (!types.isMap(value) && !types.isSet(value)) return value;
  const kind = types.isMap(value) ? "Map" : "Set";
  throw new DagError("VALUE_NOT_JSON", `The node returned a value that holds a ${kind}, which JSON loses.`, {
    hint: "Return its entries as an array or a plain object.",
  });
}
