// What tracing costs: processor time of runs with and without `traced`, interleaved, texts off, spans batched and dropped by
// an exporter that keeps nothing. Five agents a run against a server in a process of its own, and 256 instant functions.
// `npm run bench:tracing`
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ChatOpenAI } from "@langchain/openai";
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import { defineDag, run } from "../src/index.js";
import { traced } from "../src/telemetry/otel.js";

const rounds = Number(process.argv[2] ?? 8);
const atOnce = 25;
const nothing: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => {},
};
const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(nothing)] });
const use = [traced({ tracer: provider.getTracer("bench") })];

const server = fork(fileURLToPath(new URL("calls-server.mjs", import.meta.url)), { silent: true });
const port = await new Promise<number>((resolve) => {
  server.stdout?.once("data", (line) => resolve(Number(String(line))));
});
const instructions = "Say what stands out in the text, in a few words.";
const text = "The phone is quick and light, but its battery lasts for half a day. ".repeat(8);
const model = new ChatOpenAI({
  model: "gpt-4.1-mini",
  apiKey: "k",
  maxRetries: 0,
  configuration: { baseURL: `http://127.0.0.1:${port}/v1` },
});
const agents = defineDag({
  name: "agents",
  nodes: {
    a: { instructions },
    b: { instructions },
    c: { instructions },
    d: { instructions },
    meta: { instructions, needs: ["a", "b", "c", "d"] },
  },
});
const names = Array.from({ length: 256 }, (_, index) => `f${index}`);
const functions = defineDag({
  name: "functions",
  nodes: {
    ...Object.fromEntries(names.map((name) => [name, { run: () => 1 }])),
    end: { needs: names, run: () => 1 },
  } as Record<string, { run: () => number; needs?: string[] }>,
});

/** Milliseconds of processor time of 25 runs. */
async function measured(once: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: atOnce }, once));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const median = (values: readonly number[]) => [...values].sort((x, y) => x - y)[values.length >> 1] ?? 0;

const subjects = {
  "five agents": (traces: object) => run(agents, text, { model, ...traces }),
  "256 instant functions": (traces: object) => run(functions, "x", { topology: "dataflow", ...traces }),
};
for (const [name, once] of Object.entries(subjects)) {
  const times: [number[], number[]] = [[], []];
  for (let round = -2; round < rounds; round++) {
    for (const [at, traces] of [{}, { use }].entries()) {
      const time = await measured(() => once(traces));
      if (round >= 0) times[at as 0 | 1].push(time);
    }
  }
  const [without, traces] = times.map(median) as [number, number];
  console.log(
    `${name}: ${(without / atOnce).toFixed(2)} ms a run, traced ${(traces / atOnce).toFixed(2)} ms, ratio ${(traces / without).toFixed(3)}`,
  );
}
await provider.shutdown();
server.disconnect();
process.exit(0);
