import { createReuse } from "../../nodes/engine/reuse.js";
import type { CallRecord, RunEvent } from "../../src/records/events.js";
import type { Outcome, Outcomes } from "../../src/records/outcome.js";
import { projectDag } from "../../src/records/projection.js";
import type { RunRecord } from "../../src/records/record.js";
import type { DagSpec, Node } from "../../src/spec/shape.js";

export const times = { readyAtMs: 1, startedAtMs: 2, endedAtMs: 3, attempts: 1 };
export const done = (value: unknown, part: Partial<Outcome> = {}): Outcome =>
  ({ state: "completed", value, ...times, ...part }) as Outcome;
export const broken: Outcome = { state: "failed", error: { code: "C", message: "m" }, ...times };
export const dag = (nodes: Record<string, Node>, more: Partial<DagSpec> = {}): DagSpec => ({
  name: "d",
  nodes,
  ...more,
});

export interface Before {
  readonly input?: unknown;
  readonly outcomes: Outcomes;
  readonly calls?: readonly Partial<CallRecord>[];
  readonly events?: readonly Partial<RunEvent>[];
}
export const recordOf = (spec: DagSpec, { input = "x", outcomes, calls = [], events = [] }: Before) =>
  ({ dag: projectDag(spec), input, outcomes, calls, events }) as unknown as RunRecord;

/** Asks a reuse for nodes, with the outcomes that their needs have now. */
export function reuseOf(
  before: DagSpec,
  past: Before,
  spec: DagSpec = before,
  input: unknown = "x",
  record = recordOf(before, past),
) {
  const reuse = createReuse(record, input);
  return {
    ...reuse,
    ask: (name: string, now: Outcomes = past.outcomes, prefix = "", within = spec) =>
      reuse.node({ spec: within, prefix, frontier: { outcomes: now } }, name, 9),
  };
}

export const one = dag({ a: { instructions: "A" } });
export const past = { outcomes: { a: done("said") } };
