import { createHash } from "node:crypto";
import { GraphInterrupt, task } from "@langchain/langgraph";
import { DagError } from "../../src/errors.js";
import type { CallRecord, WorkKey } from "../../src/records/events.js";
import type { Outcome, Outcomes } from "../../src/records/outcome.js";

/** What a checkpoint keeps of a piece of work. */
export interface Kept {
  readonly key: WorkKey;
  /** The one outcome, by the name that the work has in its DAG. */
  readonly outcomes: Outcomes;
  /** The model calls behind it, those of inner nodes and items included. */
  readonly calls: readonly CallRecord[];
  /** Fingerprint of what the outcome was made from. */
  readonly madeFrom: string;
}

/** Where a piece of work is kept. */
export interface KeepAs {
  readonly key: WorkKey;
  /** Name among its siblings. */
  readonly name: string;
  callsOf(key: WorkKey): readonly CallRecord[];
  /** Fingerprint of what an outcome was made from. */
  madeFrom(outcome: Outcome): string;
}

/**
 * Runs work as a LangGraph task, so that a resumed run finds its outcome instead of running it again. LangGraph knows a
 * task by its name and by the order of calls in the surrounding node, so siblings have to be kept in the same order in
 * every run. An outcome that a resumed run should have another go at (see `isFinal`) is not kept.
 *
 * The task never rejects, because that would end the whole run, but for bubble-ups.
 */
export async function keep(
  as: KeepAs,
  work: () => Promise<Outcome>,
): Promise<{ readonly outcome: Outcome; readonly madeFrom: string }> {
  const once = task(as.name, async (): Promise<Kept> => {
    const outcome = await work();
    if (!isFinal(outcome)) throw Object.assign(new GraphInterrupt([]), { notKept: outcome });
    return {
      key: as.key,
      outcomes: { [as.name]: outcome },
      calls: as.callsOf(as.key),
      madeFrom: as.madeFrom(outcome),
    };
  });
  try {
    const { outcomes, madeFrom } = await once();
    return { outcome: outcomes[as.name] as Outcome, madeFrom };
  } catch (error) {
    if (error instanceof GraphInterrupt && "notKept" in error) {
      const outcome = error.notKept as Outcome;
      return { outcome, madeFrom: as.madeFrom(outcome) };
    }
    throw error;
  }
}

const stops = new Set(["aborted", "deadline", "budget", "fail-fast", "waiting"]);

/** Whether an outcome would be the same in a resumed run: what was stopped from outside, wholly or in part, would not. */
export function isFinal(outcome: Outcome): boolean {
  if (outcome.state === "interrupted") return false;
  if ("reason" in outcome && stops.has(outcome.reason.code)) return false;
  if ("error" in outcome && outcome.error.code === "DEADLINE") return false;
  return (
    (outcome.items ?? []).every(isFinal) &&
    (outcome.invocations ?? []).every(isFinal) &&
    Object.values(outcome.outcomes ?? {}).every(isFinal)
  );
}

/** Fingerprint of JSON data, 16 hex digits; the order of keys counts. */
export function fingerprint(...parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/**
 * Refuses an outcome that was made from something else than what is at hand now.
 * @throws DagError `CHECKPOINT_MISMATCH`.
 */
export function assertMadeFrom({ node, item }: WorkKey, kept: string, now: string): void {
  if (kept === now) return;
  const what = item === null ? `"${node}"` : `item ${item} of "${node}"`;
  throw new DagError("CHECKPOINT_MISMATCH", `The checkpoint's outcome of ${what} was made from other data.`, {
    facts: { node, item, kept, now },
    hint: "Run on another thread.",
  });
}

/** Whether a call was made by a piece of work, or by inner nodes or items of it. */
export function madeBy(call: CallRecord, { node, item, invocation }: WorkKey): boolean {
  if (call.node === node) {
    return (item === null || call.item === item) && (invocation === null || call.invocation === invocation);
  }
  if (!call.node.startsWith(node)) return false;
  const rest = call.node.slice(node.length);
  if (item !== null) return rest.startsWith(`[${item}]`);
  return invocation !== null ? rest.startsWith(`#${invocation}/`) : /^[/[#]/.test(rest);
}
