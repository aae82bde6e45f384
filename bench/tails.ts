/**
 * What hedging does to a fan-out's tail: eight requests side by side, gpt-4o-mini's first-token times (median 536 ms,
 * log-normal with σ 0.28, and a slow mode of 2 % at 4 to 8 times the median), time to the last first token. Real timers,
 * 10 times as fast; both variants are interleaved and draw from the same seed.
 */
import { createHedgeStatistics } from "../src/limits/hedge-statistics.js";
import { createLimiter } from "../src/limits/limiter.js";
import { hedgeCalls } from "../src/models/hedge-calls.js";
import { limitCalls } from "../src/models/limit-calls.js";
import type { Model, ModelRequest } from "../src/models/port.js";
import { percentile, seeded } from "./percentile.js";

const speed = 10;
const fanOut = 8;
const rounds = 3000;
const lanes = 12;
const medianMs = 536;
const sigma = 0.28;
const slowShare = 0.02;

function firstTokenMs(random: () => number): number {
  if (random() < slowShare) return medianMs * (4 + 4 * random());
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return medianMs * Math.exp(sigma * normal);
}

function simulated(seed: number): Model & { sent: number } {
  const random = seeded(seed);
  return {
    id: "simulated:gpt-4o-mini",
    sent: 0,
    async *call({ signal }) {
      this.sent++;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, firstTokenMs(random) / speed);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(signal.reason);
        });
      });
      yield { type: "text", text: "x" };
    },
  };
}

const request = (): ModelRequest => ({
  messages: [],
  tools: [],
  schema: null,
  modelOptions: {},
  node: "bench",
  item: null,
  invocation: null,
  turn: 0,
  attempt: 1,
  signal: new AbortController().signal,
});

function variant(hedged: boolean) {
  const model = simulated(11);
  const limited = limitCalls(model, {
    limiter: createLimiter(),
    budget: null,
    prices: async () => () => null,
    remainingMs: () => Infinity,
  });
  const called = hedged ? hedgeCalls(limited, { after: "p95" }, createHedgeStatistics()) : limited;
  const lastFirstTokens: number[] = [];
  const firstToken = async () => {
    for await (const _ of called.call(request())) break;
  };
  return {
    model,
    lastFirstTokens,
    async round() {
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: fanOut }, firstToken));
      lastFirstTokens.push((performance.now() - startedAt) * speed);
    },
  };
}

const plain = variant(false);
const hedged = variant(true);
let next = 0;
const lane = async () => {
  while (next++ < rounds) await Promise.all([plain.round(), hedged.round()]);
};
await Promise.all(Array.from({ length: lanes }, lane));

const ms = (value: number) => value.toFixed(0).padStart(7);
console.log(`fan-out of ${fanOut}, ${rounds} rounds; time to the last first token, simulated ms`);
console.log("variant      p50      p95      p99    requests   extra");
for (const [name, { model, lastFirstTokens }] of [
  ["plain", plain],
  ["hedged", hedged],
] as const) {
  const extra = model.sent / (rounds * fanOut) - 1;
  const columns = [0.5, 0.95, 0.99].map((at) => ms(percentile(lastFirstTokens, at)));
  console.log(
    `${name.padEnd(8)} ${columns.join("  ")}  ${String(model.sent).padStart(9)}   ${(extra * 100).toFixed(2)} %`,
  );
}
const gain = percentile(plain.lastFirstTokens, 0.99) / percentile(hedged.lastFirstTokens, 0.99);
const extra = hedged.model.sent / (rounds * fanOut) - 1;
const met = gain >= 2 && (hedged.model.sent - rounds * fanOut) * 20 <= rounds * fanOut;
console.log(
  `p99 is ${gain.toFixed(2)} times shorter (target ≥ 2.0) at ${(extra * 100).toFixed(2)} % extra requests (target ≤ 5 %): ${met ? "met" : "MISSED"}`,
);
if (!met && process.argv.includes("--check")) process.exitCode = 1;
