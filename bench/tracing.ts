// What tracing costs: runs with and without `traced`, interleaved, texts off, spans batched and dropped by an exporter that
// keeps nothing. Processor time of five agents a run against a server in a process of its own, and of 256 instant functions;
// time on the wall of a layered graph whose nodes take 5 to 25 ms, as in bench/dataflow.ts. Processor time is also told with a
// tracer whose spans do nothing: what is left of the cost then is this library's own, the rest is the SDK's.
// `npm run bench:tracing`
import { INVALID_SPAN_CONTEXT, type Tracer, trace } from "@opentelemetry/api";
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import { defineDag, run } from "agent-dag";
import { traced } from "agent-dag/otel";
import { atOnce, fiveAgents, processorMs, startModel, text } from "./five-agents.js";

const rounds = Number(process.argv[2] ?? 40);
/** Rounds before the first that counts: V8 is still compiling then. */
const warmUp = 20;
const nothing: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => {},
};
const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(nothing)] });
const idle = trace.wrapSpanContext({
  ...INVALID_SPAN_CONTEXT,
  traceId: "1".repeat(32),
  spanId: "1".repeat(16),
});
const idleTracer = { startSpan: () => idle } as Partial<Tracer> as Tracer;
const use = [traced({ tracer: provider.getTracer("bench") })];
const useIdle = [traced({ tracer: idleTracer })];

const { model, end } = await startModel();
const names = Array.from({ length: 256 }, (_, index) => `f${index}`);
const functions = defineDag({
  name: "functions",
  nodes: {
    ...Object.fromEntries(names.map((name) => [name, { run: () => 1 }])),
    end: { needs: names, run: () => 1 },
  } as Record<string, { run: () => number; needs?: string[] }>,
});

const median = (values: readonly number[]) => [...values].sort((x, y) => x - y)[values.length >> 1] ?? 0;

/** Five layers of eight nodes, each of which needs three of the layer above. */
const layered = defineDag({
  name: "layered",
  nodes: Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => {
      const above = Math.floor(at / 8) * 8 - 8;
      const needs = above < 0 ? [] : [0, 3, 5].map((step) => `n${above + ((at + step) % 8)}`);
      const ms = 5 + ((at * 7) % 21);
      return [`n${at}`, { needs, run: () => new Promise<number>((done) => setTimeout(done, ms, at)) }];
    }),
  ),
});

const subjects = {
  "five agents": (traces: object) => run(fiveAgents, text, { model, ...traces }),
  "256 instant functions": (traces: object) => run(functions, "x", { topology: "dataflow", ...traces }),
};
/** What `measure` says of runs without and with tracing, in turn: the medians and the medians of the ratios. */
async function compared(measure: (traces: object) => Promise<number>, divisor: number): Promise<string> {
  const options = { without: {}, traced: { use }, idle: { use: useIdle } };
  const names = Object.keys(options) as (keyof typeof options)[];
  const turns: Record<keyof typeof options, number>[] = [];
  for (let round = -warmUp; round < rounds; round++) {
    const turn = { without: 0, traced: 0, idle: 0 };
    for (const at of names.keys()) {
      const which = names[(at + round + warmUp) % names.length] ?? "without";
      turn[which] = await measure(options[which]);
    }
    if (round >= 0) turns.push(turn);
  }
  const runMs = (which: keyof typeof options) =>
    (median(turns.map((turn) => turn[which])) / divisor).toFixed(2);
  const ratio = (which: "traced" | "idle") =>
    median(turns.map((turn) => turn[which] / turn.without)).toFixed(3);
  return `${runMs("without")} ms a run, traced ${runMs("traced")} ms; median of ${rounds} ratios ${ratio("traced")}, with spans that do nothing ${ratio("idle")}`;
}

for (const [name, once] of Object.entries(subjects)) {
  const told = await compared((traces) => processorMs(() => once(traces)), atOnce);
  console.log(`${name}, processor time: ${told}`);
}
const wallMs = async (traces: object) => {
  const startedAt = performance.now();
  await run(layered, "x", { topology: "dataflow", ...traces });
  return performance.now() - startedAt;
};
console.log(`layered graph, time on the wall: ${await compared(wallMs, 1)}`);
await provider.shutdown();
end();
process.exit(0);
