// What tracing costs: processor time of runs with and without `traced`, interleaved, texts off, spans batched and dropped by
// an exporter that keeps nothing. Five agents a run against a server in a process of its own, and 256 instant functions.
// `npm run bench:tracing`
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import { defineDag, run } from "agent-dag";
import { traced } from "agent-dag/otel";
import { atOnce, fiveAgents, processorMs, startModel, text } from "./five-agents.js";

const rounds = Number(process.argv[2] ?? 8);
const nothing: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => {},
};
const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(nothing)] });
const use = [traced({ tracer: provider.getTracer("bench") })];

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

const subjects = {
  "five agents": (traces: object) => run(fiveAgents, text, { model, ...traces }),
  "256 instant functions": (traces: object) => run(functions, "x", { topology: "dataflow", ...traces }),
};
for (const [name, once] of Object.entries(subjects)) {
  const times: [number[], number[]] = [[], []];
  for (let round = -2; round < rounds; round++) {
    for (const [at, traces] of [{}, { use }].entries()) {
      const time = await processorMs(() => once(traces));
      if (round >= 0) times[at as 0 | 1].push(time);
    }
  }
  const [without, traces] = times.map(median) as [number, number];
  console.log(
    `${name}: ${(without / atOnce).toFixed(2)} ms a run, traced ${(traces / atOnce).toFixed(2)} ms, ratio ${(traces / without).toFixed(3)}`,
  );
}
await provider.shutdown();
end();
process.exit(0);
