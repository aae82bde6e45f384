import type { CallRecord, RunEvent } from "./events.js";
import type { Outcome } from "./outcome.js";
import { nodeWork, roundPath, type WorkKey, workPath } from "./work-id.js";

/** A piece of work that was done earlier, with the model calls behind it. */
export interface Done {
  readonly key: WorkKey;
  /** `null` of planner and joiner, of which only the calls are kept. */
  readonly outcome: Outcome | null;
  readonly calls: readonly CallRecord[];
}

/**
 * The events that finished work stands for, in the order of their times: what a resumed run puts before its own. Items
 * and inner nodes are taken from their outer outcome; work and calls that are given twice count once.
 */
export function replayEvents(done: readonly Done[]): RunEvent[] {
  const events: RunEvent[] = [];
  const seenWork = new Set<string>();
  const seenCalls = new Set<string>();

  const add = (key: WorkKey, outcome: Outcome) => {
    const id = JSON.stringify([key.node, key.item, key.invocation]);
    if (seenWork.has(id)) return;
    seenWork.add(id);
    const { readyAtMs, startedAtMs, endedAtMs } = outcome;
    if (readyAtMs !== null && key.item === null) events.push({ type: "node-ready", ...key, atMs: readyAtMs });
    const mapped = outcome.items === undefined ? {} : { items: outcome.items.length };
    if (startedAtMs !== null) events.push({ type: "node-started", ...key, atMs: startedAtMs, ...mapped });
    outcome.items?.forEach((item, index) => {
      add({ ...key, item: index }, item);
    });
    outcome.invocations?.forEach((call, index) => {
      add({ ...key, invocation: index }, call);
    });
    for (const [name, inner] of Object.entries(outcome.outcomes ?? {})) {
      add(nodeWork(`${workPath(key)}/${name}`), inner);
    }
    outcome.rounds?.forEach((round, index) => {
      for (const [name, inner] of Object.entries(round)) {
        add(nodeWork(`${roundPath(key, index + 1)}/${name}`), inner);
      }
    });
    events.push({ type: "node-settled", ...key, outcome, atMs: endedAtMs ?? startedAtMs ?? readyAtMs ?? 0 });
  };

  for (const { key, outcome, calls } of done) {
    if (outcome !== null) add(key, outcome);
    for (const call of calls) {
      if (seenCalls.has(call.id)) continue;
      seenCalls.add(call.id);
      const { id, node, item, invocation, attempt, model, startedAtMs, durationMs } = call;
      const asked = { call: id, attempt, model, node, item, invocation };
      events.push({ type: "call-started", atMs: startedAtMs, ...asked });
      events.push({ type: "call-ended", atMs: startedAtMs + durationMs, call });
    }
  }
  return events.sort((a, b) => a.atMs - b.atMs || rank(a) - rank(b));
}

const ranks = ["run-started", "node-ready", "node-started", "call-started", "call-ended", "node-settled"];

function rank(event: RunEvent): number {
  return ranks.indexOf(event.type);
}
