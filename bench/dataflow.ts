/**
 * What scheduling costs: `dataflow` and `deterministic` against a hand-written LangGraph `StateGraph`, `Promise.all` and an
 * empty entrypoint, interleaved in one run. Times are medians; `--check` exits with 1 when a target is missed.
 */
import { entrypoint } from "@langchain/langgraph";
import { type DagSpec, defineDag, type RunRecord, run } from "agent-dag";
import { percentile, seeded } from "./percentile.js";
import { handWritten, type Step } from "./superstep-graphs.js";

type Nodes = Readonly<Record<string, { readonly needs?: readonly string[]; readonly run: Step }>>;

interface Row {
  readonly figure: string;
  readonly measured: string;
  readonly target: string;
  readonly met: boolean | null;
}

const rows: Row[] = [];
const median = (values: readonly number[]) => percentile(values, 0.5);
const wait =
  (ms: number): Step =>
  () =>
    new Promise((resolve) => setTimeout(resolve, ms));
const instant: Step = () => null;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** Times each contender in turn, `rounds` times, after one warm-up. */
async function interleaved<K extends string>(
  contenders: Readonly<Record<K, () => Promise<unknown>>>,
  rounds: number,
): Promise<Record<K, number>> {
  const names = Object.keys(contenders) as K[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const ms = await timed(contenders[name]);
      if (round >= 0) times[name].push(ms);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name])])) as Record<K, number>;
}

const specOf = (name: string, nodes: Nodes): DagSpec => defineDag({ name, nodes } as never) as DagSpec;
const inTopology = (spec: DagSpec, topology: "dataflow" | "deterministic") => () =>
  run(spec, "x", { topology });
const emptyEntrypoint = () => {
  const empty = entrypoint({ name: "empty" }, async () => null);
  return () => empty.invoke({});
};

function fanOut(width: number, step: Step = instant): Nodes {
  const leaves = Array.from({ length: width }, (_, index) => `n${index}`);
  return {
    ...Object.fromEntries(leaves.map((name) => [name, { run: step }])),
    join: { needs: leaves, run: instant },
  };
}

async function unevenArms(): Promise<void> {
  const nodes: Nodes = {
    A: { run: wait(100) },
    B: { needs: ["A"], run: wait(1000) },
    C: { run: wait(1000) },
    D: { needs: ["C"], run: wait(100) },
    join: { needs: ["B", "D"], run: wait(50) },
  };
  const spec = specOf("uneven", nodes);
  const ms = await interleaved(
    {
      dataflow: inTopology(spec, "dataflow"),
      byHand: handWritten(nodes),
      deterministic: inTopology(spec, "deterministic"),
    },
    3,
  );
  const ratio = ms.dataflow / 1150;
  rows.push(row("uneven arms: dataflow / 1,150 ms", ratio, "≤ 1.03", ratio <= 1.03));
  rows.push(row("uneven arms: StateGraph by hand / 1,150 ms", ms.byHand / 1150, "reported", null));
  rows.push(row("uneven arms: deterministic / 1,150 ms", ms.deterministic / 1150, "reported", null));
}

async function smallFanOut(): Promise<void> {
  const nodes = fanOut(4);
  const spec = specOf("small", nodes);
  const ms = await interleaved(
    {
      dataflow: inTopology(spec, "dataflow"),
      empty: emptyEntrypoint(),
      deterministic: inTopology(spec, "deterministic"),
      byHand: handWritten(nodes),
    },
    200,
  );
  const above = ms.dataflow - ms.empty;
  rows.push(row("fan-out 4: dataflow above an empty entrypoint, ms", above, "≤ 1", above <= 1));
  const ratio = ms.deterministic / ms.byHand;
  rows.push(row("fan-out 4: deterministic / StateGraph by hand", ratio, "≤ 1.15", ratio <= 1.15));
}

async function wideFanOut(): Promise<void> {
  const specs = { wide: specOf("wide", fanOut(1024)), wider: specOf("wider", fanOut(8192)) };
  const ms = await interleaved(
    {
      wide: inTopology(specs.wide, "dataflow"),
      wider: inTopology(specs.wider, "dataflow"),
      all: () => Promise.all(Array.from({ length: 1024 }, async () => null)),
    },
    9,
  );
  rows.push(row("fan-out 1,024: dataflow, ms", ms.wide, "≤ 60", ms.wide <= 60));
  rows.push(row("fan-out 8,192 / 1,024: dataflow", ms.wider / ms.wide, "≤ 8.5", ms.wider / ms.wide <= 8.5));
  rows.push(row("fan-out 1,024: Promise.all, ms", ms.all, "reported", null));
}

/** Random layered DAGs whose nodes take as long as gpt-4.1-mini's replies, at a tenth of the time. */
async function layered(): Promise<void> {
  const random = seeded(11);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const draw = () => {
    const firstTokenMs = 661 * Math.exp(0.3 * gauss()) * (random() < 0.02 ? 4 + 4 * random() : 1);
    return (firstTokenMs + ((80 + 170 * random()) / 70) * 1000) / 10;
  };
  const ratios: Record<"dataflow" | "deterministic", number[]> = { dataflow: [], deterministic: [] };
  for (let round = 0; round < 30; round++) {
    const nodes: Record<string, { needs?: string[]; run: Step }> = {};
    let before: string[] = [];
    for (let layer = 0; layer < 4; layer++) {
      const names = Array.from({ length: 2 + Math.floor(random() * 5) }, (_, index) => `l${layer}n${index}`);
      for (const name of names) {
        const needs = before.filter(() => random() < 0.5);
        nodes[name] = { ...(needs.length > 0 && { needs }), run: wait(draw()) };
      }
      before = names;
    }
    const spec = specOf("layered", nodes);
    for (const topology of ["dataflow", "deterministic"] as const) {
      const record = (await run(spec, "x", { topology })) as RunRecord;
      ratios[topology].push(record.durationMs / record.criticalPathMs);
    }
  }
  const p50 = median(ratios.dataflow);
  const p99 = percentile(ratios.dataflow, 0.99);
  rows.push(row("layered DAGs: dataflow wall / critical path, p50", p50, "≤ 1.02", p50 <= 1.02));
  rows.push(row("layered DAGs: dataflow wall / critical path, p99", p99, "≤ 1.05", p99 <= 1.05));
  rows.push(row("layered DAGs: deterministic, p50", median(ratios.deterministic), "reported", null));
}

async function heap(): Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) {
    rows.push({
      figure: "heap of 8,192 nodes × 1 kB",
      measured: "not measured: run with --expose-gc",
      target: "≤ 64 MB",
      met: null,
    });
    return;
  }
  const used = () => {
    gc();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  await run(specOf("one", { only: { run: instant } }), "x", { topology: "dataflow" });
  const before = used();
  const kilobyte =
    (index: number): Step =>
    () =>
      `${index}`.padEnd(1024, "x");
  const nodes = Object.fromEntries(
    Array.from({ length: 8192 }, (_, index) => [`n${index}`, { run: kilobyte(index) }]),
  );
  const record = await run(specOf("heap", nodes), "x", { topology: "dataflow" });
  const grown = used() - before;
  rows.push(
    row(`heap of ${Object.keys(record.outcomes).length} nodes × 1 kB, MB`, grown, "≤ 64", grown <= 64),
  );
}

function row(figure: string, value: number, target: string, met: boolean | null): Row {
  return { figure, measured: value.toFixed(value < 10 ? 3 : 1), target, met };
}

let warnings = 0;
process.on("warning", ({ name }) => {
  if (name === "MaxListenersExceededWarning") warnings++;
});
await smallFanOut();
await wideFanOut();
await heap();
await unevenArms();
await layered();
await new Promise((resolve) => setTimeout(resolve, 50));
rows.push(row("MaxListenersExceededWarning", warnings, "0", warnings === 0));
// Last, because a StateGraph so wide makes LangGraph itself warn of too many listeners.
const byHand = await timed(handWritten(fanOut(1024)));
rows.push(row("fan-out 1,024: StateGraph by hand, once, ms", byHand, "reported", null));
for (const { figure, measured, target, met } of rows) {
  console.log(
    `${figure.padEnd(52)} ${measured.padStart(10)}  target ${target.padEnd(9)} ${met === null ? "" : met ? "met" : "MISSED"}`,
  );
}
if (process.argv.includes("--check") && rows.some(({ met }) => met === false)) process.exitCode = 1;
