import { RunnableLambda } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { z } from "zod";
import { type Topology, topologyNames } from "../../graphs/topology.js";
import { faults } from "../../src/models/faults.js";
import type { RunRecord } from "../../src/records/record.js";
import { resume, run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import type { DagSpec } from "../../src/spec/shape.js";
import { type KeptSpan, spansOf } from "../../src/telemetry/kept-spans.js";
import { traced } from "../../src/telemetry/otel.js";
import fc from "../support/drawn.js";
import { replyModel } from "../support/reply-model.js";

/** What of a trace is not as it has to be, summed over random runs. */
export interface TraceFaults {
  runs: number;
  spans: number;
  outside: number;
  lost: number;
  doubled: number;
}

const kinds = [
  "agent",
  "function",
  "map",
  "loop",
  "graph",
  "flaky",
  "hedged",
  "approval",
  "ask",
  "tool",
  "runnable",
  "slow",
] as const;
/** A run as it is drawn. */
export const drawn = fc.record({
  topology: fc.constantFrom<Topology>(...topologyNames),
  seed: fc.nat(10_000),
  abortMs: fc.option(fc.nat(12), { freq: 4 }),
  nodes: fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      needs: fc.array(fc.nat(6), { maxLength: 2 }),
      join: fc.constantFrom("all" as const, "settled" as const, "any" as const),
    }),
    { minLength: 2, maxLength: 7 },
  ),
});

const inner = defineDag({
  name: "inner",
  nodes: { ask: { instructions: "Ask." }, end: { needs: ["ask"], run: ({ needs }) => needs.ask } },
});

function nodeOf(kind: (typeof kinds)[number], seed: number): object {
  if (kind === "agent") return { instructions: "Say." };
  if (kind === "hedged") return { instructions: "Say.", policy: { hedge: { after: 1, maxExtraShare: 1 } } };
  if (kind === "map") return { forEach: { input: true }, instructions: "Each." };
  if (kind === "graph") return { dag: inner, input: "x" };
  if (kind === "loop") {
    return {
      dag: inner,
      input: "x",
      repeat: { until: ({ round }: { round: number }) => round > seed % 3, maxRounds: 3 },
    };
  }
  if (kind === "approval") return { approve: { message: "Go on?" } };
  if (kind === "flaky") {
    return {
      run: ({ attempt }: { attempt: number }) => {
        if (attempt <= seed % 3) throw new Error("not yet");
        return attempt;
      },
      policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
    };
  }
  if (kind === "ask") return { run: ({ ask }: { ask: (prompt: string) => Promise<unknown> }) => ask("Say.") };
  if (kind === "tool") {
    let calls = 0;
    const fails = () => {
      if (++calls <= seed % 3) throw new Error("not yet");
      return "ok";
    };
    return {
      tool: tool(fails, { name: "fails", description: "Fails at first.", schema: z.object({}) }),
      args: {},
      policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
    };
  }
  if (kind === "runnable") return { runnable: RunnableLambda.from(() => "ran"), input: () => "x" };
  if (kind === "slow") {
    return {
      run: () => new Promise((done) => setTimeout(() => done(1), seed % 9)),
      policy: { timeoutMs: 4 },
    };
  }
  return { run: () => seed };
}

/** The DAG of a drawn run; its input is a list of texts. */
export function specOf(
  nodes: readonly { kind: (typeof kinds)[number]; needs: readonly number[]; join: string }[],
  seed: number,
) {
  const all: Record<string, object> = {};
  nodes.forEach(({ kind, needs, join }, index) => {
    const names = [...new Set(needs.filter((need) => need < index))].map((need) => `n${need}`);
    all[`n${index}`] = { ...nodeOf(kind, seed + index), ...(names.length > 0 && { needs: names, join }) };
  });
  const inputs = { type: "array", items: { type: "string" } } as const;
  return defineDag({ name: "random", input: inputs as never, nodes: all as never }) as DagSpec;
}

/** Runs random DAGs with failures, maps, loops, planners, hedges, aborts and resumes, each traced, and looks at its spans. */
export async function checkRandomTraces(count: number): Promise<TraceFaults> {
  const found: TraceFaults = { runs: 0, spans: 0, outside: 0, lost: 0, doubled: 0 };
  await fc.assert(
    fc.asyncProperty(drawn, async ({ topology, seed, nodes, abortMs }) => {
      const exporter = new InMemorySpanExporter();
      const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      const spec = specOf(nodes, seed);
      const controller = new AbortController();
      const options = {
        topology,
        model: topology.startsWith("planned")
          ? ("offline" as const)
          : replyModel(() => "Yes.", { delayMs: () => seed % 4 }),
        checkpointer: new MemorySaver(),
        thread: "t",
        use: [
          traced({ tracer: provider.getTracer("test") }),
          faults(
            [
              { fault: "server-error", rate: 0.2 },
              { fault: "stream-cut", rate: 0.3 },
            ],
            { seed },
          ),
        ],
        policy: { retry: { maxAttempts: 2, initialIntervalMs: 1, maxIntervalMs: 2 } },
      };
      const timer = abortMs === null ? undefined : setTimeout(() => controller.abort(), abortMs);
      let record = await run(spec, ["a", "b"], { ...options, signal: controller.signal });
      clearTimeout(timer);
      const states = [record.state];
      let resumed = 0;
      while ((record.state === "interrupted" || record.state === "cancelled") && resumed++ < 9) {
        const answer = Object.fromEntries(record.interrupts.map(({ node }) => [node, true]));
        record = await resume(spec, { ...options, ...(record.interrupts.length > 0 && { answer }) });
        states.push(record.state);
      }
      look(exporter.getFinishedSpans(), record, states.length, found);
      lookKept(record, found);
      await provider.shutdown();
    }),
    { numRuns: count, seed: 7 },
  );
  return found;
}

/** The spans of the run's record, as `export` prints them. */
function lookKept(record: RunRecord, found: TraceFaults): void {
  const spans = spansOf(record);
  found.spans += spans.length;
  const isInside = ({ parent, startedAtMs, endedAtMs }: KeptSpan) =>
    parent === null || (startedAtMs >= parent.startedAtMs && endedAtMs <= parent.endedAtMs);
  found.outside += spans.filter((span) => !spans.includes(span.parent ?? span) || !isInside(span)).length;
  found.doubled += spans.length - new Set(spans.map(({ spanId }) => spanId)).size;
  const calls = spans.filter(({ kind }) => kind === "client").length;
  found.lost += Math.max(0, record.calls.length - calls);
  found.doubled += Math.max(0, calls - record.calls.length);
}

function look(spans: readonly ReadableSpan[], record: RunRecord, runs: number, found: TraceFaults): void {
  found.runs++;
  found.spans += spans.length;
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]));
  const nanos = ([seconds, rest]: readonly [number, number]) =>
    BigInt(seconds) * 1_000_000_000n + BigInt(rest);
  for (const span of spans) {
    const id = span.parentSpanContext?.spanId;
    if (id === undefined) continue;
    const parent = byId.get(id);
    // A microsecond for the conversion of milliseconds.
    const isInside =
      parent !== undefined &&
      nanos(span.startTime) + 1000n >= nanos(parent.startTime) &&
      nanos(span.endTime) <= nanos(parent.endTime) + 1000n;
    if (!isInside) found.outside++;
  }
  const roots = spans.filter((span) => span.parentSpanContext === undefined).length;
  found.lost += Math.max(0, runs - roots);
  found.doubled += Math.max(0, roots - runs);
  const calls = spans.filter((span) => span.attributes["gen_ai.operation.name"] === "chat").length;
  found.lost += Math.max(0, record.calls.length - calls);
  found.doubled += Math.max(0, calls - record.calls.length);
}
