import { DagError } from "../../src/errors.js";
import {
  completed,
  completedValue,
  failed,
  notStarted,
  type Outcome,
  spanning,
} from "../../src/records/outcome.js";
import { hashOf } from "../../src/spec/canonical.js";
import { type Reference, readPath, readReference } from "../../src/spec/reference.js";
import type { ForEach } from "../../src/spec/shape.js";
import { cancelledOutcome, cancelOf } from "./cancel.js";
import { isDirected, type Work } from "./scope.js";
import { brokeOffBefore, settleWork } from "./settle-work.js";
import { Suspension, suspendedOutcome } from "./suspension.js";
import { ctxOf } from "./work.js";

/** What a map does, its defaults filled in. */
interface MapPlan {
  readonly items: readonly unknown[];
  readonly maxConcurrency: number;
  readonly onItemError: "null" | "omit" | "fail";
  /** Keys of the items, where they have some: what they are known by when the list has changed. */
  readonly keys: readonly string[] | null;
}

/**
 * Runs a node once for each item. Its value is the array of values in item order; where an item did not complete, `null`
 * stands, or nothing with `onItemError: "omit"`. It fails if every item failed, with `"fail"` if any did; with
 * `FOR_EACH_NOT_ARRAY` when what it maps over is not an array, with `ITEM_KEY_INVALID` for items without keys or with equal
 * ones. Never rejects.
 */
export async function mapItems(work: Work, readyAtMs: number): Promise<Outcome> {
  let plan: MapPlan;
  try {
    plan = planOf(work, work.node.forEach as ForEach);
  } catch (error) {
    return brokeOffBefore(work, readyAtMs, error);
  }
  const { items } = plan;
  const { events, topology } = work.scope.run;
  const startedAtMs = events.nowMs();
  events.emit({ type: "node-started", ...work.key, atMs: startedAtMs, items: items.length });

  const outcomes: Outcome[] = new Array(items.length);
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++) {
      outcomes[index] = await settleItem(work, plan, index);
    }
  };
  const lanes = topology.pace === "one-by-one" ? 1 : Math.min(plan.maxConcurrency, items.length);
  await Promise.all(Array.from({ length: lanes }, lane));

  const own = { readyAtMs, startedAtMs, endedAtMs: events.nowMs(), attempts: 1 };
  const times = { ...spanning(own, outcomes), items: outcomes };
  const { reason } = work.canceller;
  if (reason !== undefined) return cancelledOutcome(cancelOf(reason), true, times);
  if (outcomes.some(({ state }) => state === "interrupted")) {
    return suspendedOutcome(new Suspension(null, outcomes), times);
  }
  const lost = outcomes.filter((outcome) => "error" in outcome);
  const none = items.length > 0 && outcomes.every(({ state }) => state !== "completed");
  if (none || (plan.onItemError === "fail" && lost.length > 0)) {
    return failed(times, itemsFailed(outcomes, lost.length, none));
  }
  const kept = plan.onItemError === "omit" ? outcomes.filter(({ state }) => state === "completed") : outcomes;
  return completed(
    times,
    kept.map((outcome) => completedValue(outcome) ?? null),
  );
}

function itemsFailed(outcomes: readonly Outcome[], lost: number, none: boolean) {
  const index = outcomes.findIndex((outcome) => "error" in outcome);
  const first = outcomes[Math.max(0, index)];
  const why = first === undefined ? "" : "error" in first ? first.error.message : whyNotRun(first);
  const which = none
    ? outcomes.length === 1
      ? "The only item failed"
      : `All ${outcomes.length} items failed; the first`
    : `${lost} of ${outcomes.length} items failed; item ${index}`;
  return { code: "ITEMS_FAILED", message: `${which}: ${why}` };
}

function whyNotRun(outcome: Outcome): string {
  return "reason" in outcome ? outcome.reason.message : "";
}

async function settleItem(work: Work, plan: MapPlan, index: number): Promise<Outcome> {
  const { run } = work.scope;
  const key = { ...work.key, item: index };
  const item = plan.items[index];
  const known = plan.keys?.[index];
  const madeFrom = run.journal.active ? hashOf(known === undefined ? [item] : [item, known]) : "";
  const persisted = run.journal.outcome(key, madeFrom);
  if (persisted !== undefined) return persisted;
  const readyAtMs = run.events.nowMs();
  const outcome =
    (isDirected(work) ? undefined : run.reuse.item(key, item, readyAtMs)) ??
    (await settleNow({ ...work, key, item }, readyAtMs));
  await run.journal.settled(key, outcome, madeFrom);
  run.settled(key, outcome);
  return outcome;
}

function settleNow(work: Work, readyAtMs: number): Outcome | Promise<Outcome> {
  const { reason } = work.canceller;
  if (reason === undefined) return settleWork(work, readyAtMs);
  return cancelledOutcome(cancelOf(reason), false, notStarted(readyAtMs, readyAtMs));
}

function planOf(work: Work, forEach: ForEach): MapPlan {
  const over = typeof forEach === "object" && "items" in forEach ? forEach : { items: forEach };
  const { maxConcurrency = Infinity, onItemError = "null", key } = over;
  const reference: Reference =
    typeof over.items === "string" ? { input: true, path: over.items } : (over.items as Reference);
  const items = readReference(reference, ctxOf(work));
  if (!Array.isArray(items)) throw notAnArray(reference, items);
  return { items, maxConcurrency, onItemError, keys: key === undefined ? null : keysOf(items, key) };
}

function keysOf(items: readonly unknown[], path: string): readonly string[] {
  const seen = new Map<string, number>();
  return items.map((item, index) => {
    const value = readPath(item, path);
    const key = typeof value === "string" || typeof value === "number" ? String(value) : undefined;
    const twin = key === undefined ? undefined : seen.get(key);
    if (key !== undefined && twin === undefined) {
      seen.set(key, index);
      return key;
    }
    const what =
      key === undefined
        ? `has no text or number at "${path}"`
        : `has the key "${key}", which item ${twin} has too`;
    throw new DagError("ITEM_KEY_INVALID", `Item ${index} ${what} (\`forEach.key\`).`, {
      facts: { index, path },
      hint: "Name a field in which every item has a value of its own.",
    });
  });
}

function notAnArray(reference: Reference, items: unknown): DagError {
  const shown = items === undefined ? "nothing" : items === null ? "null" : typeof items;
  const place = reference.path !== undefined ? ` at "${reference.path}"` : "";
  const message = `\`forEach\` points at ${shown}${place} where an array is expected.`;
  return new DagError("FOR_EACH_NOT_ARRAY", message, {
    facts: { reference },
    hint: "Point it at an array of the input or of one of the node's needs.",
  });
}
