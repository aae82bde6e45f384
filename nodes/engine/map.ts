import { DagError } from "../../src/errors.js";
import type { Outcome } from "../../src/records/outcome.js";
import { completedValue, spanning } from "../../src/records/outcome.js";
import { readReference } from "../../src/spec/reference.js";
import type { ForEach } from "../../src/spec/shape.js";
import { mergedBubbles } from "./bubbles.js";
import { assertMadeFrom, fingerprint, keep } from "./kept.js";
import { settleWork } from "./settle-work.js";
import { stopOf, stoppedOutcome } from "./stop.js";
import { ctxOf, type Work } from "./work.js";

/**
 * Runs a node once for each item. Its value is the array of values in item order, `null` where an item did not
 * complete; it fails only if every item failed.
 * @throws DagError `FOR_EACH_NOT_ARRAY` when what it maps over is not an array.
 */
export async function mapItems(work: Work, forEach: ForEach, readyAtMs: number): Promise<Outcome> {
  const { items, maxConcurrency } = itemsOf(work, forEach);
  const { execution } = work.scope;
  const startedAtMs = execution.nowMs();
  execution.emit({ type: "node-started", ...work.key, atMs: startedAtMs });

  const outcomes: Outcome[] = new Array(items.length);
  const bubbled: unknown[] = [];
  let next = 0;
  // Items are begun in their order, whichever lane is free: that is what their results are known by when kept.
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++) {
      try {
        outcomes[index] = await settleItem(work, items[index], index);
      } catch (error) {
        bubbled.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxConcurrency, items.length) }, lane));
  if (bubbled.length > 0) throw mergedBubbles(bubbled);

  const own = { readyAtMs, startedAtMs, endedAtMs: execution.nowMs(), attempts: 1 };
  const times = { ...spanning(own, outcomes), items: outcomes };
  const stopped = work.stopper.reason;
  if (stopped !== undefined) return { ...times, ...stoppedOutcome(stopOf(stopped), true) };
  if (items.length > 0 && outcomes.every((outcome) => outcome.state !== "completed")) {
    const first = outcomes[0];
    const why = first !== undefined && "error" in first ? first.error : { code: "ITEMS_FAILED", message: "" };
    return {
      ...times,
      state: "failed",
      error: { code: "ITEMS_FAILED", message: `All ${items.length} items failed; the first: ${why.message}` },
    };
  }
  return { ...times, state: "completed", value: outcomes.map((outcome) => completedValue(outcome) ?? null) };
}

async function settleItem(work: Work, item: unknown, index: number): Promise<Outcome> {
  const { scope } = work;
  const { execution } = scope;
  const key = { ...work.key, item: index };
  const reach = async (): Promise<Outcome> => {
    const readyAtMs = execution.nowMs();
    const outcome =
      execution.reuse.item(key, readyAtMs) ?? (await settleItemNow({ ...work, key, item }, readyAtMs));
    execution.settled(key, outcome);
    return outcome;
  };
  if (!execution.keeps) return reach();
  const { callsOf } = execution;
  const madeFrom = () => fingerprint(work.name, scope.inputPrint, item);
  const kept = await keep({ key, name: `${work.name}[${index}]`, callsOf, madeFrom }, reach);
  assertMadeFrom(key, kept.madeFrom, madeFrom());
  return kept.outcome;
}

async function settleItemNow(work: Work, readyAtMs: number): Promise<Outcome> {
  const stopped = work.stopper.reason;
  if (stopped === undefined) return settleWork(work, readyAtMs);
  const times = { readyAtMs, startedAtMs: null, endedAtMs: readyAtMs, attempts: 0 };
  return { ...times, ...stoppedOutcome(stopOf(stopped), false) };
}

function itemsOf(work: Work, forEach: ForEach): { items: readonly unknown[]; maxConcurrency: number } {
  const over =
    typeof forEach === "object" && "items" in forEach
      ? forEach
      : { items: forEach, maxConcurrency: Infinity };
  const reference = typeof over.items === "string" ? { input: true as const, path: over.items } : over.items;
  const items = readReference(reference, ctxOf(work));
  if (Array.isArray(items)) return { items, maxConcurrency: over.maxConcurrency ?? Infinity };
  const shown = items === undefined ? "nothing" : items === null ? "null" : typeof items;
  const place = "path" in reference && reference.path !== undefined ? ` at "${reference.path}"` : "";
  const message = `\`forEach\` points at ${shown}${place} where an array is expected.`;
  throw new DagError("FOR_EACH_NOT_ARRAY", message, {
    facts: { reference },
    hint: "Point it at an array of the input or of one of the node's needs.",
  });
}
