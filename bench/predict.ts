/**
 * How near `predict` comes: random layered DAGs of 5 to 10 agents, one record of each, and from it the wall time of five
 * topologies under limits, against real runs with the same draws (simulated latency of gpt-4.1-mini). The runs are the
 * program's own; by default on a clock that jumps to the next timer, so that a busy machine is not measured with them.
 * Arguments: `--dags N` (default 200), `--from TOPOLOGY` of the record (default dataflow), `--clock virtual|machine` (default
 * virtual); on the machine's clock also `--speed S` (default 1), `--lanes L` runs at once (default 8), `--minutes M` at most
 * (all), and no limits a minute. `--check` exits with 1 on a missed target.
 */
import { setMaxListeners } from "node:events";
import { predict } from "../src/compare/predict.js";
import { defineDag, type RunOptions, type RunRecord, run, type Topology } from "../src/index.js";
import type { Model } from "../src/models/port.js";
import { simulateLatency } from "../src/models/simulate-latency.js";
import type { DagSpec, Node } from "../src/spec/shape.js";
import { percentile, seeded } from "./percentile.js";
import { installVirtualClock } from "./virtual-clock.js";

const said = (name: string) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const given = (name: string, otherwise: number) => Number(said(name) ?? otherwise);
const isVirtual = said("clock") !== "machine";
const dags = given("dags", 200);
const speed = given("speed", 1);
const lanes = isVirtual ? 1 : given("lanes", 8);
const from = (said("from") ?? "dataflow") as Topology;
const minutes = given("minutes", Infinity);
setMaxListeners(0);

const topologies: readonly Topology[] = ["sequential", "deterministic", "dataflow", "planned", "planned-dag"];
const limits: readonly { readonly name: string; readonly limits: NonNullable<RunOptions["limits"]> }[] = [
  { name: "no limit", limits: {} },
  { name: "2 at a time", limits: { maxConcurrency: 2 } },
  { name: "3 at a time", limits: { maxConcurrency: 3 } },
  ...(isVirtual
    ? [
        { name: "6 requests a minute", limits: { requestsPerMinute: 6 } },
        { name: "2,500 tokens a minute", limits: { tokensPerMinute: 2500 } },
      ]
    : []),
];

function dagOf(seed: number): { readonly spec: DagSpec; readonly words: Readonly<Record<string, number>> } {
  const random = seeded(seed);
  const between = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  const nodes: Record<string, Node> = {};
  const words: Record<string, number> = {};
  const size = between(5, 10);
  let before: string[] = [];
  for (let made = 0; made < size - 1; ) {
    const layer = Array.from({ length: Math.min(between(1, 4), size - 1 - made) }, (_, i) => `n${made + i}`);
    for (const name of layer) {
      const needs = before.filter(() => random() < 0.5);
      nodes[name] = { instructions: `Do ${name}.`, ...(needs.length > 0 && { needs }) };
      words[name] = between(10, 60);
    }
    before = layer;
    made += layer.length;
  }
  const needed = new Set(Object.values(nodes).flatMap(({ needs = [] }) => needs));
  const open = Object.keys(nodes).filter((name) => !needed.has(name));
  nodes.end = { needs: open, instructions: "Sum up." };
  words.end = between(10, 60);
  return { spec: defineDag({ name: `random-${seed}`, nodes } as never) as DagSpec, words };
}

/** Answers as long as drawn; as the planner it calls every node but the last, which it answers itself. */
function modelOf({ spec, words }: ReturnType<typeof dagOf>): Model {
  const others = Object.keys(spec.nodes).filter((name) => name !== "end");
  const answer = (name: string) => "word ".repeat(words[name] ?? words.end ?? 10).trim();
  return {
    id: "bench:model",
    async *call({ node, tools, turn }) {
      if (node === "$planner" && tools.length > 0 && turn === 0) {
        for (const [index, name] of others.entries())
          yield { type: "tool-call", index, id: `call_${index}`, name, args: "{}" };
      } else if (node === "$planner" && tools.length === 0) {
        yield { type: "text", text: `${others.map((name, i) => `${i + 1}. ${name}()\n`).join("")}join()` };
      } else yield { type: "text", text: answer(node) };
      yield { type: "finish", reason: "stop" };
    },
  };
}

interface Pair {
  readonly topology: Topology;
  readonly limit: string;
  readonly dag: number;
  readonly realMs: number;
  readonly predictedMs: number;
}

const pairs: Pair[] = [];
const failures: string[] = [];
const stopAt = performance.now() + minutes * 60_000;

async function tryDag(seed: number): Promise<void> {
  const world = dagOf(seed);
  const options = (more: RunOptions): RunOptions => ({
    model: modelOf(world),
    use: [simulateLatency("gpt-4.1-mini", { seed, speed })],
    ...more,
  });
  const record = (await run(world.spec, "A text.", options({ topology: from }))) as RunRecord;
  for (const { name, limits: limited } of limits) {
    const prediction = await predict(record, { topologies, limits: limited });
    for (const [index, topology] of topologies.entries()) {
      if (performance.now() > stopAt) return;
      const real = (await run(
        world.spec,
        "A text.",
        // The real runs know the times of the record, as the prediction does.
        options({ topology, limits: limited, times: record }),
      )) as RunRecord;
      if (real.state !== "completed") failures.push(`${seed} ${topology} ${name}: ${real.state}`);
      const predictedMs = prediction.topologies[index]?.wallMs.median ?? Number.NaN;
      pairs.push({ topology, limit: name, dag: seed, realMs: real.durationMs, predictedMs });
    }
  }
}

const uninstall = isVirtual ? installVirtualClock() : () => {};
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
let next = 1;
await Promise.all(
  Array.from({ length: lanes }, async () => {
    while (next <= dags && performance.now() < stopAt) await tryDag(next++);
  }),
);
uninstall();
const { user, system } = process.cpuUsage(cpuBefore);
const busy = (user + system) / 1000 / (performance.now() - startedAt);

const errorOf = ({ realMs, predictedMs }: Pair) => Math.abs(predictedMs - realMs) / realMs;
const percent = (value: number) => `${(100 * value).toFixed(2)} %`.padStart(8);
let met = true;
const verdict = (ok: boolean) => {
  met &&= ok;
  return ok ? "met" : "MISSED";
};
const line = (name: string, some: readonly Pair[], target = false) => {
  const errors = some.map(errorOf);
  const [middle, high] = [percentile(errors, 0.5), percentile(errors, 0.95)];
  const wanted = target ? `   ≤ 2 %, ≤ 5 %: ${verdict(middle <= 0.02 && high <= 0.05)}` : "";
  console.log(
    `${name.padEnd(34)} ${String(some.length).padStart(5)}  ${percent(middle)}  ${percent(high)}${wanted}`,
  );
};
console.log(
  `${new Set(pairs.map(({ dag }) => dag)).size} random DAGs, from a record of ${from}, ${isVirtual ? "virtual clock" : `speed ${speed}, ${lanes} runs at once`}; this process used ${(100 * busy).toFixed(0)} % of a core; ${failures.length} runs failed`,
);
for (const failure of failures.slice(0, 5)) console.log(failure);
console.log("error of wall time                  runs    median       p95");
line("all", pairs, true);
for (const topology of topologies)
  line(
    topology,
    pairs.filter((pair) => pair.topology === topology),
  );
for (const { name } of limits)
  line(
    name,
    pairs.filter(({ limit }) => limit === name),
  );

/** Cases in which one topology leads by more than 3 %, and those of them in which it was predicted. */
function named(among: readonly Topology[]): { readonly led: number; readonly right: number } {
  const cases = new Map<string, Pair[]>();
  for (const pair of pairs.filter(({ topology }) => among.includes(topology))) {
    const key = `${pair.dag} ${pair.limit}`;
    cases.set(key, [...(cases.get(key) ?? []), pair]);
  }
  let [led, right] = [0, 0];
  for (const some of cases.values()) {
    if (some.length < among.length) continue;
    const [first, second] = some.toSorted((a, b) => a.realMs - b.realMs);
    if (first === undefined || second === undefined || second.realMs / first.realMs <= 1.03) continue;
    led++;
    const [guessed] = some.toSorted((a, b) => a.predictedMs - b.predictedMs);
    if (guessed?.topology === first.topology) right++;
  }
  return { led, right };
}
const all = named(topologies);
console.log(
  `fastest of five topologies named, where it leads by more than 3 %: ${all.right} of ${all.led}, ${percent(all.right / all.led).trim()}   ≥ 95 %: ${verdict(all.right / all.led >= 0.95)}`,
);
if (!met && process.argv.includes("--check")) process.exitCode = 1;
