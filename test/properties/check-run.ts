import { expect } from "@jest/globals";
import type { Topology } from "../../graphs/topology.js";
import type { Model } from "../../src/models/port.js";
import type { RunRecord } from "../../src/records/record.js";
import { run } from "../../src/run/run.js";
import type { DagSpec, Node } from "../../src/spec/shape.js";
import type { RandomNode } from "./random-dags.js";

export const deterministicTopologies = [
  "sequential",
  "deterministic",
  "dataflow",
] as const satisfies Topology[];

const nameOf = (index: number) => `n${index}`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A random DAG as a spec, and the model that its agents ask. */
export function specOf(nodes: readonly RandomNode[]): { spec: DagSpec; model: Model } {
  const spec: DagSpec = {
    name: "random",
    nodes: Object.fromEntries(nodes.map((node, index) => [nameOf(index), nodeOf(node, index)])),
  };
  const model: Model = {
    id: "test:random",
    async *call({ node }) {
      const index = Number(node.slice(1));
      await pause(nodes[index]?.delayMs ?? 0);
      if (nodes[index]?.ends === "throws") throw new Error(`${node} broke`);
      yield { type: "text", text: `${node} done` };
      yield { type: "usage", inputTokens: 1, outputTokens: 1 };
      yield { type: "finish", reason: "stop" };
    },
  };
  return { spec, model };
}

function nodeOf({ needs, join, delayMs, ends, agent }: RandomNode, index: number): Node {
  const edges = needs.length === 0 ? {} : { needs: needs.map(nameOf), join };
  const when = ends === "condition-false" ? { when: () => false } : {};
  if (agent) return { ...edges, ...when, instructions: `Node ${index}.` };
  return {
    ...edges,
    ...when,
    run: async ({ needs: values }: { needs: Record<string, unknown> }) => {
      await pause(delayMs);
      if (ends === "throws") throw new Error(`n${index} broke`);
      return [index, ...Object.values(values).map((value) => value ?? null)].join("|").length;
    },
  };
}

/** Runs a random DAG and checks what has to hold in every topology. */
export async function checkedRun(
  nodes: readonly RandomNode[],
  topology: Topology,
  maxConcurrency?: number,
): Promise<RunRecord> {
  const { spec, model } = specOf(nodes);
  const record = await run(spec, "x", {
    topology,
    model,
    policy: { retry: { maxAttempts: 1 } },
    ...(maxConcurrency !== undefined && { limits: { maxConcurrency } }),
  });
  settlesOnce(record, nodes.length);
  startsAfterNeeds(record, nodes);
  joinsHold(record, nodes);
  expect(record.criticalPathMs).toBeCloseTo(criticalPathMs(record, nodes), 2);
  return record;
}

function settlesOnce(record: RunRecord, count: number): void {
  const settled = record.events.flatMap((event) => (event.type === "node-settled" ? [event.node] : []));
  expect(settled.length).toBe(count);
  expect(new Set(settled).size).toBe(count);
  expect(Object.keys(record.outcomes).length).toBe(count);
}

function startsAfterNeeds(record: RunRecord, nodes: readonly RandomNode[]): void {
  nodes.forEach(({ needs, join }, index) => {
    const { startedAtMs } = outcomeOf(record, index);
    if (startedAtMs === null) return;
    const ends = needs
      .map((need) => outcomeOf(record, need))
      .filter(({ endedAtMs }) => (endedAtMs ?? Infinity) <= startedAtMs);
    const completed = ends.filter(({ state }) => state === "completed").length;
    if (join === "all" || join === "settled") expect(ends.length).toBe(needs.length);
    expect(completed).toBeGreaterThanOrEqual(wanted(join, needs.length));
  });
}

function joinsHold(record: RunRecord, nodes: readonly RandomNode[]): void {
  const sinks = nodes
    .map((_, index) => index)
    .filter((index) => !nodes.some(({ needs }) => needs.includes(index)));
  nodes.forEach(({ needs, join, ends }, index) => {
    const outcome = outcomeOf(record, index);
    if (outcome.state === "cancelled") {
      expect(outcome.reason.code).toBe("not-needed");
      expect(sinks).not.toContain(index);
    } else if (outcome.state === "skipped") {
      const completed = needs.filter((need) => outcomeOf(record, need).state === "completed").length;
      if (outcome.reason.code === "condition") expect(ends).toBe("condition-false");
      else expect([outcome.reason.code, completed < wanted(join, needs.length)]).toEqual(["join", true]);
    } else expect(outcome.state).toBe(ends === "throws" ? "failed" : "completed");
  });
}

function wanted(join: RandomNode["join"], needs = 0): number {
  if (join === "all") return needs;
  if (join === "any") return 1;
  return typeof join === "object" && "atLeast" in join ? join.atLeast : 0;
}

/** The longest chain of durations over needs that had settled when their successor was ready: by trying every path. */
function criticalPathMs(record: RunRecord, nodes: readonly RandomNode[]): number {
  const longest: number[] = [];
  nodes.forEach(({ needs }, index) => {
    const { readyAtMs, startedAtMs, endedAtMs } = outcomeOf(record, index);
    const own = startedAtMs === null || endedAtMs === null ? 0 : endedAtMs - startedAtMs;
    const before = needs.filter(
      (need) => readyAtMs === null || (outcomeOf(record, need).endedAtMs ?? Infinity) <= readyAtMs,
    );
    longest.push(own + Math.max(0, ...before.map((need) => longest[need] ?? 0)));
  });
  return Math.max(...longest);
}

function outcomeOf(record: RunRecord, index: number) {
  const outcome = record.outcomes[nameOf(index)];
  if (outcome === undefined) throw new Error(`${nameOf(index)} did not settle.`);
  return outcome;
}

/** What has to be the same in every topology: how each node ended, and with what. */
export function essence(record: RunRecord): unknown {
  const outcomes = Object.entries(record.outcomes).map(([name, outcome]) => {
    if (outcome.state === "completed") return [name, outcome.state, outcome.value];
    return [name, outcome.state, "error" in outcome ? outcome.error : outcome.reason.code];
  });
  return { state: record.state, output: record.output, outcomes };
}
