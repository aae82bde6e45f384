/**
 * Who goes first where requests wait for a slot: random layered DAGs of 60 agents, four requests at a time. Makespan over the
 * lower bound (the longest path, or the work over the slots), on the virtual clock of `predict`, by the limiter that runs
 * have. First tokens as gpt-4.1-mini's (median 661 ms, log-normal with σ 0.30, a slow mode of 2 %), 20 to 400 tokens at 70 a
 * second. `--check` exits with 1 when a target is missed.
 */
import { type Simulation, simulateRun } from "../src/compare/simulated-run.js";
import type { WorkPlan } from "../src/compare/work-plan.js";
import type { CallRecord, DagProjection } from "../src/records/events.js";
import type { Outcome } from "../src/records/outcome.js";
import { percentile, seeded } from "./percentile.js";

const dags = 500;
const nodesOfEach = 60;
const slots = 4;

interface Drawn {
  readonly needs: Readonly<Record<string, readonly string[]>>;
  /** What each node takes, in milliseconds; `earlierMs`: what it took in an earlier run on the same document. */
  readonly ms: Readonly<Record<string, number>>;
  readonly earlierMs: Readonly<Record<string, number>>;
}

/** Layers of some width; each node needs one to three of the layer before. */
function draw(seed: number, [narrowest, widest]: readonly [number, number]): Drawn {
  const random = seeded(seed);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const firstTokenMs = () => 661 * (random() < 0.02 ? 4 + 4 * random() : Math.exp(0.3 * gauss()));
  const between = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  const needs: Record<string, string[]> = {};
  const ms: Record<string, number> = {};
  const earlierMs: Record<string, number> = {};
  let before: string[] = [];
  for (let made = 0; made < nodesOfEach; ) {
    const width = Math.min(between(narrowest, widest), nodesOfEach - made);
    const layer = Array.from({ length: width }, (_, index) => `n${made + index}`);
    for (const name of layer) {
      const wanted = before.length === 0 ? 0 : Math.min(between(1, 3), before.length);
      const chosen = new Set<string>();
      while (chosen.size < wanted) chosen.add(before[between(0, before.length - 1)] as string);
      needs[name] = [...chosen];
      const tokens = between(20, 400);
      ms[name] = firstTokenMs() + (tokens / 70) * 1000;
      earlierMs[name] = firstTokenMs() + ((tokens * (0.8 + 0.4 * random())) / 70) * 1000;
    }
    before = layer;
    made += width;
  }
  return { needs, ms, earlierMs };
}

/** The longest path from each node on, its own time included. */
function remaining(
  needs: Drawn["needs"],
  weight: (name: string) => number,
): Readonly<Record<string, number>> {
  const longest: Record<string, number> = {};
  const behind: Record<string, number> = {};
  for (const name of Object.keys(needs).toReversed()) {
    longest[name] = weight(name) + (behind[name] ?? 0);
    for (const need of needs[name] ?? []) behind[need] = Math.max(behind[need] ?? 0, longest[name] ?? 0);
  }
  return longest;
}

function makespanMs({ needs, ms }: Drawn, priorityOf: (name: string) => number): number {
  const nodes = Object.fromEntries(
    Object.entries(needs).map(([name, its]) => [name, { kind: "agent", needs: its }]),
  );
  const plans = Object.fromEntries(
    Object.entries(ms).map(([name, durationMs]): [string, WorkPlan] => {
      const call = { node: name, model: "bench:model", firstTokenMs: durationMs / 2, durationMs };
      const sent = { ...call, inputTokens: 0, outputTokens: 1, error: null } as unknown as CallRecord;
      const outcome = { state: "completed", value: null } as unknown as Outcome;
      return [
        name,
        { kind: "steps", outcome, steps: [{ kind: "calls", calls: [{ afterMs: 0, call: sent }] }] },
      ];
    }),
  );
  const simulation: Simulation = {
    dag: { name: "layered", nodes, outputs: [] } as unknown as DagProjection,
    plans,
    limits: { maxConcurrency: slots },
    overheadMs: { start: 0, step: 0, end: 0 },
    priorityOf,
    callOf: (call) => call,
    waitsWarm: () => false,
    reservedTokens: 0,
  };
  return simulateRun(simulation, { pace: "dataflow" }).durationMs;
}

const orders: readonly {
  readonly name: string;
  readonly weightOf: ((drawn: Drawn) => (name: string) => number) | null;
  readonly target?: readonly [median: number, p95: number];
}[] = [
  { name: "in order of arrival", weightOf: null },
  { name: "longest path, nothing known (depth)", weightOf: () => () => 1 },
  {
    name: "longest path, an earlier run's times",
    weightOf:
      ({ earlierMs }) =>
      (name) =>
        earlierMs[name] ?? 0,
    target: [1.02, 1.04],
  },
  {
    name: "longest path, the same times",
    weightOf:
      ({ ms }) =>
      (name) =>
        ms[name] ?? 0,
    target: [1.02, 1.04],
  },
];

const classes = [
  [2, 10],
  [4, 12],
  [6, 18],
  [10, 20],
] as const;
let met = true;
console.log(`${dags} random layered DAGs of ${nodesOfEach} agents a row, ${slots} requests at a time`);
console.log("makespan / lower bound                     layers     median     p95");
for (const widths of classes) {
  const ratios = orders.map(() => [] as number[]);
  for (let seed = 1; seed <= dags; seed++) {
    const drawn = draw(seed, widths);
    const paths = remaining(drawn.needs, (name) => drawn.ms[name] ?? 0);
    const work = Object.values(drawn.ms).reduce((sum, one) => sum + one, 0);
    const boundMs = Math.max(work / slots, ...Object.values(paths));
    for (const [index, { weightOf }] of orders.entries()) {
      const known = weightOf === null ? {} : remaining(drawn.needs, weightOf(drawn));
      ratios[index]?.push(makespanMs(drawn, (name) => known[name] ?? 0) / boundMs);
    }
  }
  for (const [index, { name, target }] of orders.entries()) {
    const [middle, high] = [percentile(ratios[index] ?? [], 0.5), percentile(ratios[index] ?? [], 0.95)];
    const ok = target === undefined || (middle <= target[0] && high <= target[1]);
    met &&= ok;
    const wanted = target === undefined ? "" : `   ≤ ${target[0]}, ≤ ${target[1]}: ${ok ? "met" : "MISSED"}`;
    console.log(
      `${name.padEnd(42)} ${widths.join(" to ").padEnd(10)} ${middle.toFixed(3)}   ${high.toFixed(3)}${wanted}`,
    );
  }
}
if (!met && process.argv.includes("--check")) process.exitCode = 1;
