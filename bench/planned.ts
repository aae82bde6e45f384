/**
 * What a planner in charge costs: wall time over the ideal schedule of the same draws, planned over deterministic, and
 * the variant that passes the document on as an argument. Runs are interleaved and in real time (speed 1), several at
 * once, because they only wait on timers. `--runs N` (default 100) sets the runs of each shape, `--check` fails on a
 * missed target.
 */
import { countTokens, decode, encode } from "gpt-tokenizer/encoding/o200k_base";
import type { RunRecord } from "../src/records/record.js";
import { run } from "../src/run/run.js";
import {
  type Draws,
  drawsOf,
  keyOf,
  paceModel,
  replyMs,
  type Scripts,
  type Shape,
  shapesOf,
  specialistMs,
  tokenAtMs,
} from "./planned-world.js";

const argument = (name: string) => process.argv[process.argv.indexOf(name) + 1];
const runs = process.argv.includes("--runs") ? Number(argument("--runs")) : 100;
/** Runs under way at once: few, so that timers are kept. */
const lanes = process.argv.includes("--lanes") ? Number(argument("--lanes")) : 8;

/** A text of 350 words, as the review that the variant copies into every call. */
const document = Array.from(
  { length: 350 },
  (_, i) => ["the", "battery", "lasts", "long", "and", "its", "screen", "shines"][i % 8],
).join(" ");
const pieces = (text: string) => encode(text).map((token) => decode([token]));

type Variant = "deterministic" | "planned" | "planned-argument" | "planned-dag";
const variants: readonly Variant[] = ["deterministic", "planned", "planned-argument", "planned-dag"];

function scriptsOf(shape: Shape, variant: Variant): Scripts {
  const lines = shape.plan.map((name, i) => `${i + 1}. ${name}()\n`);
  const args = variant === "planned-argument" ? JSON.stringify({ input: document }) : "{}";
  return {
    plan: pieces(`${lines.join("")}join()`),
    calls: shape.plan.map((name) => ({ name, args: pieces(args) })),
  };
}

/** When each call's line, or its arguments, have streamed; and when the whole message has. */
function planTimes(draws: Draws, scripts: Scripts): { calls: number[]; end: number } {
  const ttft = draws.ttftMs(keyOf("$planner"));
  const calls: number[] = [];
  let text = "";
  scripts.plan.forEach((piece, i) => {
    text += piece;
    if (piece.includes(")") && text.match(/\d+\. \w+\(\)/g)?.length === calls.length + 1) {
      calls.push(tokenAtMs(ttft, i));
    }
  });
  return { calls, end: tokenAtMs(ttft, scripts.plan.length - 1) };
}

/** Zero overhead, every call at the earliest moment that its plan line and its needs allow; then the joiner. */
function idealMs(shape: Shape, draws: Draws, scripts: Scripts, streamed: boolean): number {
  const plan = planTimes(draws, scripts);
  const ends = new Map<string, number>();
  const endOf = (name: string): number => {
    const known = ends.get(name);
    if (known !== undefined) return known;
    const node = shape.spec.nodes[name];
    const at = streamed ? (plan.calls[shape.plan.indexOf(name)] ?? 0) : plan.end;
    const start = Math.max(at, ...(node?.needs ?? []).map(endOf));
    const end = start + durationOf(shape, draws, name);
    ends.set(name, end);
    return end;
  };
  const settled = Math.max(plan.end, ...shape.plan.map(endOf));
  return settled + replyMs(draws.ttftMs(keyOf("$joiner")), shape.answerTokens);
}

function durationOf(shape: Shape, draws: Draws, name: string): number {
  const node = shape.spec.nodes[name];
  if (node?.instructions !== undefined) return specialistMs(draws, name);
  return /^(movie|search)/.test(name) ? draws.searchMs(name) : 0;
}

interface Sample {
  readonly shape: string;
  readonly variant: Variant;
  readonly seed: number;
  readonly record: RunRecord;
  readonly ideal: number;
  readonly idealWhole: number;
}

async function sample(name: string, variant: Variant, seed: number): Promise<Sample> {
  const draws = drawsOf(seed);
  const shape = shapesOf(() => draws).find((one) => one.name === name) as Shape;
  const scripts = scriptsOf(shape, variant);
  const record = (await run(shape.spec, document as never, {
    topology: variant === "planned-argument" ? "planned" : variant,
    model: paceModel(shape, draws, scripts),
    ...(variant === "planned-argument" && { planner: { toolInput: "argument" as const } }),
  })) as RunRecord;
  if (record.state !== "completed") throw new Error(`${name} ${variant}: ${JSON.stringify(record.error)}`);
  return {
    shape: name,
    variant,
    seed,
    record,
    ideal: idealMs(shape, draws, scripts, true),
    idealWhole: idealMs(shape, draws, scripts, false),
  };
}

const quantile = (values: readonly number[], q: number) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
};
const median = (values: readonly number[]) => quantile(values, 0.5);

const names = shapesOf(() => drawsOf(1)).map((shape) => shape.name);
const jobs: [string, Variant, number][] = [];
for (let seed = 1; seed <= runs; seed++) {
  for (const name of names) {
    for (const variant of variants) {
      if (variant !== "planned-argument" || name === "review") jobs.push([name, variant, seed]);
    }
  }
}
for (const variant of variants) await sample("review", variant, 0); // Loads what is loaded lazily.
const samples: Sample[] = [];
let at = 0;
await Promise.all(
  Array.from({ length: lanes }, async () => {
    for (let job = jobs[at++]; job !== undefined; job = jobs[at++]) samples.push(await sample(...job));
  }),
);

const of = (shape: string, variant: Variant) =>
  samples.filter((one) => one.shape === shape && one.variant === variant).sort((a, b) => a.seed - b.seed);
const wall = (one: Sample) => one.record.durationMs;
/** Medians of ratios of runs with the same draws. */
const ratio = (shape: string, a: Variant, b: Variant) => {
  const others = of(shape, b);
  return median(of(shape, a).map((one, i) => wall(one) / wall(others[i] as Sample)));
};

const rows: { figure: string; value: string; target: string; met: boolean | null }[] = [];
const add = (figure: string, value: number, target: number | null, digits = 3, unit = "") =>
  rows.push({
    figure,
    value: `${value.toFixed(digits)}${unit}`,
    target: target === null ? "reported" : `<= ${target}${unit}`,
    met: target === null ? null : value <= target,
  });

for (const name of names) {
  const ratios = of(name, "planned-dag").map((one) => wall(one) / one.ideal);
  add(`planned-dag / ideal, ${name}, median`, median(ratios), 1.02, 4);
  add(`planned-dag / ideal, ${name}, p99`, quantile(ratios, 0.99), 1.05, 4);
}
add("planned / deterministic, review", ratio("review", "planned", "deterministic"), 1.35);
add("planned / toolInput argument, review of 350 words", ratio("review", "planned", "planned-argument"), 0.4);
const plannerTokens = (variant: Variant) => {
  const { calls } = scriptsOf(shapesOf(() => drawsOf(1))[0] as Shape, variant);
  return calls.reduce((sum, call) => sum + countTokens(call.name) + call.args.length, 0);
};
add(
  "planner output tokens, planned / argument",
  plannerTokens("planned") / plannerTokens("planned-argument"),
  0.1,
  4,
);
const lags = samples
  .filter(({ variant }) => variant !== "deterministic")
  .flatMap(({ record }) =>
    Object.entries(record.outcomes).flatMap(([name, { readyAtMs, startedAtMs }]) =>
      name === "answer" || readyAtMs === null || startedAtMs === null ? [] : [startedAtMs - readyAtMs],
    ),
  );
add("ready -> start lag, p99", quantile(lags, 0.99), 2, 2, " ms");
const lineTokens = names.flatMap((name) => {
  const shape = shapesOf(() => drawsOf(1)).find((one) => one.name === name) as Shape;
  return shape.plan.map((node, i) => countTokens(`${i + 1}. ${node}()\n`));
});
add("canonical plan line, median", median(lineTokens), 12, 0, " tokens");
for (const name of names) {
  const gain = median(of(name, "planned-dag").map((one) => one.idealWhole / wall(one)));
  add(`gain of dispatching while the plan streams, ${name} (ideal without / measured with)`, gain, null);
}
for (const name of names.filter((one) => one !== "review")) {
  add(
    `planned-dag / deterministic, ${name} (published system on movie: 1.99)`,
    ratio(name, "planned-dag", "deterministic"),
    null,
  );
}

const width = Math.max(...rows.map((row) => row.figure.length));
console.log(`${runs} runs of each shape and variant, interleaved, ${lanes} at once, real time (speed 1)\n`);
for (const { figure, value, target, met } of rows) {
  const verdict = met === null ? "" : met ? "met" : "MISSED";
  console.log(`${figure.padEnd(width)}  ${value.padStart(12)}  ${target.padStart(10)}  ${verdict}`);
}
if (process.argv.includes("--check") && rows.some((row) => row.met === false)) process.exitCode = 1;
