/**
 * What layout and a warm start save: four agents and a merging one on one document, against a server of its own process
 * whose prefix cache is as OpenAI documents it (see cache-server.mjs). Rounds are interleaved, each with an empty cache.
 * Counts do not depend on the machine; wall times do. `--check` exits with 1 when a target is missed.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ChatOpenAI } from "@langchain/openai";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { defineDag, type ModelOptions, type RunOptions, type RunRecord, run } from "../src/index.js";
import { loadPriceTable } from "../src/records/price.js";
import { percentile } from "./percentile.js";

const rounds = Number(process.argv.find((argument) => /^\d+$/.test(argument)) ?? 5);
const [firstTokenMs, tokenMs, replyTokens] = [1000, 5, 60];

const server = fork(
  fileURLToPath(new URL("cache-server.mjs", import.meta.url)),
  [firstTokenMs, tokenMs, replyTokens].map(String),
  { silent: true },
);
server.stderr?.pipe(process.stderr);
const port = await new Promise<number>((resolve) => {
  server.stdout?.once("data", (line) => resolve(Number(String(line))));
});

/** A text of about so many tokens that does not repeat itself. */
function textOf(tokens: number): string {
  let text = "";
  for (let line = 1; encode(text).length < tokens; line++) {
    text += `${line}. The phone of buyer ${line * 7919} came on day ${line * 31}; it is quick, its battery lasts ${line % 17} hours.\n`;
  }
  return text;
}

type Carrier = NonNullable<ModelOptions["structured"]>;

/** Four agents that read the input, and one that reads it and their answers; `carrier`: one of the four has a schema. */
function dagOf(carrier?: Carrier) {
  const output = {
    type: "object",
    properties: { verdict: { type: "string" } },
    required: ["verdict"],
    additionalProperties: false,
  };
  return defineDag({
    name: "document",
    nodes: {
      features: { instructions: "List the features that buyers speak of, with the buyers who do." },
      sentiment: { instructions: "Say how content the buyers are, and with what." },
      risks: { instructions: "Name what could make the maker take phones back." },
      questions: {
        instructions: "Write down what a buyer would ask next.",
        ...(carrier !== undefined && { output, modelOptions: { structured: carrier } }),
      },
      summary: {
        needs: ["features", "sentiment", "risks", "questions"],
        instructions: "Write a summary for the maker of the phone.",
      },
    },
  });
}

let asked = 0;

/** One run with an empty cache. */
function once(text: string, options: RunOptions, carrier?: Carrier): Promise<RunRecord> {
  const model = new ChatOpenAI({
    model: "gpt-4.1-mini",
    // The server has a cache for each key.
    apiKey: `k${asked++}`,
    maxRetries: 0,
    configuration: { baseURL: `http://127.0.0.1:${port}/v1` },
  });
  return run(dagOf(carrier), text, { model, ...options });
}

const prices = await loadPriceTable({});

/** Share of input tokens that the cache served, and the input's price over its price without a cache. */
function figuresOf(record: RunRecord): { cached: number; cost: number } {
  const { inputTokens, cachedInputTokens = 0 } = record.usage;
  const priceOf = (cachedTokens: number) =>
    record.calls.reduce((sum, call) => {
      const usage = {
        inputTokens: call.inputTokens,
        outputTokens: 0,
        cachedInputTokens: cachedTokens === 0 ? 0 : (call.cachedInputTokens ?? 0),
      };
      return sum + (prices("openai:gpt-4.1-mini", usage) ?? Number.NaN);
    }, 0);
  return { cached: cachedInputTokens / inputTokens, cost: priceOf(1) / priceOf(0) };
}

const median = (values: readonly number[]) => percentile(values, 0.5);
const percent = (value: number) => `${(100 * value).toFixed(1)} %`.padStart(7);
let met = true;
const verdict = (ok: boolean) => {
  met &&= ok;
  return ok ? "met" : "MISSED";
};

const ways: readonly (readonly [name: string, options: RunOptions])[] = [
  ["instructions first", { layout: "instructions-first" }],
  ["data first", { layout: "data-first" }],
  ["data first, warm start", { layout: "data-first", warm: "first-token" }],
  ["auto, warm start", { warm: "first-token" }],
];

async function measure(text: string, carrier?: Carrier) {
  const seen = ways.map(() => [] as RunRecord[]);
  for (let round = 0; round < (carrier === undefined ? rounds : 1); round++) {
    for (const [index, [, options]] of ways.entries()) seen[index]?.push(await once(text, options, carrier));
  }
  return ways.map(([name], index) => {
    const records = seen[index] ?? [];
    const failed = records.find(({ state }) => state !== "completed");
    if (failed !== undefined) throw new Error(`${name}: ${JSON.stringify(failed.outcomes).slice(0, 2000)}`);
    const all = records.map(figuresOf);
    return {
      name,
      cached: median(all.map(({ cached }) => cached)),
      cost: median(all.map(({ cost }) => cost)),
      wallMs: median(records.map(({ durationMs }) => durationMs)),
      /** Of the request that went first, as the run saw it. */
      firstTokenMs: median(records.flatMap(({ calls }) => calls[0]?.firstTokenMs ?? [])),
      waited: records.flatMap(({ calls }) => calls).filter(({ waited }) => waited?.warmMs !== undefined)
        .length,
    };
  });
}

await once(textOf(100), {});
const long = textOf(10_000);
console.log(
  `document of ${encode(long).length} tokens, first token after ${firstTokenMs} ms, ${rounds} rounds; input at gpt-4.1-mini's prices`,
);
console.log("");
console.log("four agents and a merging one, all in text    from cache  input cost   wall, ms");
const text = await measure(long);
for (const { name, cached, cost, wallMs } of text) {
  const target = name.includes("warm") ? `  ≥ 75 %, ≤ 0.45: ${verdict(cached >= 0.75 && cost <= 0.45)}` : "";
  console.log(
    `${name.padEnd(46)} ${percent(cached)}      ${cost.toFixed(3)}      ${wallMs.toFixed(0).padStart(5)}${target}`,
  );
}
const [, cold, warm] = text;
const later = ((warm?.wallMs ?? 0) - (cold?.wallMs ?? 0)) / (warm?.firstTokenMs ?? 0);
console.log(
  `wall time with warm start is ${later.toFixed(2)} times to first token (${warm?.firstTokenMs.toFixed(0)} ms) longer   ≤ 1 (and 5 % for the machine): ${verdict(later <= 1.05)}`,
);

console.log("");
console.log("a schema at one of the four, warm start       from cache  input cost");
for (const carrier of ["strict", "schema", "tool", "json", "instructions"] as const) {
  for (const { name, cached, cost } of (await measure(long, carrier)).slice(2, 3))
    console.log(`${`${carrier}: ${name}`.padEnd(46)} ${percent(cached)}      ${cost.toFixed(3)}`);
}

const short = await measure(textOf(300));
const [, , shortWarm, shortAuto] = short;
console.log("");
console.log(
  `text of 300 tokens: ${(shortWarm?.waited ?? 0) + (shortAuto?.waited ?? 0)} requests waited for a first token   0: ${verdict(shortWarm?.waited === 0 && shortAuto?.waited === 0)}`,
);
console.log(
  `text of 300 tokens: wall ${short.map(({ name, wallMs }) => `${wallMs.toFixed(0)} ms (${name})`).join(", ")}`,
);
server.disconnect();
process.exit(!met && process.argv.includes("--check") ? 1 : 0);
