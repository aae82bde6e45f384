import { afterAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { tool } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import { context, type Span, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { z } from "zod";
import { compile } from "../../graphs/compile.js";
import { topologyNames } from "../../graphs/topology.js";
import type { Model } from "../../src/models/port.js";
import { resume, run } from "../../src/run/run.js";
import { stream } from "../../src/run/stream.js";
import { defineDag } from "../../src/spec/define.js";
import { traced } from "../../src/telemetry/otel.js";
import { scriptedModel } from "../../src/testing/index.js";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer("test");
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

beforeEach(() => exporter.reset());
afterAll(() => {
  context.disable();
  return provider.shutdown();
});

const spans = () => exporter.getFinishedSpans();
const named = (name: string) => spans().filter((span) => span.name === name);
const one = (name: string): ReadableSpan => {
  const found = named(name);
  if (found.length !== 1) throw new Error(`${found.length} spans "${name}" of ${spans().map((s) => s.name)}`);
  return found[0] as ReadableSpan;
};
const parentOf = (span: ReadableSpan) =>
  spans().find((other) => other.spanContext().spanId === span.parentSpanContext?.spanId)?.name;
const ms = ([seconds, nanos]: readonly [number, number]) => seconds * 1000 + nanos / 1e6;

const double = tool(({ n }) => String(n * 2), {
  name: "double",
  description: "Doubles.",
  schema: z.object({ n: z.number() }),
});

const dag = defineDag({
  name: "traced",
  nodes: {
    data: { run: () => [1, 2] },
    each: { needs: ["data"], forEach: { node: "data" }, run: ({ item }) => (item as number) + 1 },
    asks: { needs: ["data"], instructions: "Double it.", tools: [double] },
    sum: { needs: ["each", "asks"], run: ({ needs }) => JSON.stringify(needs) },
  },
});
const model = () =>
  scriptedModel({ asks: [{ toolCalls: [{ name: "double", args: { n: 4 } }] }, "It is 8."] });

describe("traced", () => {
  it("makes one tree: run, node, item, attempt, model request, tool call", async () => {
    const record = await run(dag, "x", { model: model(), use: [traced({ tracer })] });
    expect(record.state).toBe("completed");
    const root = one("invoke_workflow traced");
    expect(root.parentSpanContext).toBeUndefined();
    expect(root.attributes).toMatchObject({
      "gen_ai.operation.name": "invoke_workflow",
      "gen_ai.workflow.name": "traced",
      "openinference.span.kind": "CHAIN",
      "agent_dag.topology": "deterministic",
      "agent_dag.run.id": record.id,
      "agent_dag.state": "completed",
    });
    expect(parentOf(one("invoke_agent asks"))).toBe("invoke_workflow traced");
    expect(
      spans()
        .filter(({ name }) => name.startsWith("chat "))
        .map(parentOf),
    ).toEqual(["invoke_agent asks", "invoke_agent asks"]);
    expect(parentOf(one("execute_tool double"))).toBe("invoke_agent asks");
    expect(parentOf(one("invoke_node each [0]"))).toBe("invoke_node each");
    expect(named("attempt 1").map(parentOf).sort()).toEqual([
      "invoke_node data",
      "invoke_node each [0]",
      "invoke_node each [1]",
      "invoke_node sum",
    ]);
    const [call] = spans().filter((span) => span.name.startsWith("chat "));
    const [kept] = record.calls;
    expect(call?.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.usage.input_tokens": kept?.inputTokens,
      "gen_ai.usage.output_tokens": kept?.outputTokens,
      "openinference.span.kind": "LLM",
    });
    expect(spans()).toHaveLength(1 + 4 + 2 + 4 + 2 + 1);
  });

  it("links a node to what it needed", async () => {
    await run(dag, "x", { model: model(), use: [traced({ tracer })] });
    const needed = one("invoke_node sum").links.map(({ context: { spanId }, attributes }) => [
      spans().find((span) => span.spanContext().spanId === spanId)?.name,
      attributes?.["agent_dag.edge"],
    ]);
    expect(needed).toEqual([
      ["invoke_node each", "needs"],
      ["invoke_agent asks", "needs"],
    ]);
  });

  it("stands under the span that is active where the run is started, and is active where user code runs", async () => {
    const inner = defineDag({
      name: "inner",
      nodes: {
        work: {
          run: async () => {
            await new Promise((resolve) => setTimeout(resolve, 2));
            tracer.startSpan("query").end();
            return 1;
          },
        },
      },
    });
    await tracer.startActiveSpan("request", async (span: Span) => {
      await run(inner, "x", { use: [traced({ tracer })] });
      span.end();
    });
    expect(parentOf(one("invoke_workflow inner"))).toBe("request");
    expect(parentOf(one("query"))).toBe("attempt 1");
  });

  it("is active around model requests and an agent's tools", async () => {
    const seen: (string | undefined)[] = [];
    const look = () => {
      const span = trace.getActiveSpan() as unknown as ReadableSpan | undefined;
      seen.push(span?.name.split(" ")[0]);
    };
    const looking = tool(
      () => {
        look();
        return "ok";
      },
      { name: "looking", description: "Looks.", schema: z.object({}) },
    );
    const watching = defineDag({ name: "w", nodes: { a: { instructions: "A", tools: [looking] } } });
    const scripted = scriptedModel({ a: [{ toolCalls: [{ name: "looking", args: {} }] }, "done"] });
    await run(watching, "x", {
      use: [
        traced({ tracer }),
        (inner) => ({
          ...inner,
          async *call(request) {
            look();
            yield* inner.call(request);
            look();
          },
        }),
      ],
      model: scripted,
    });
    expect(seen).toEqual(["chat", "chat", "execute_tool", "chat", "chat"]);
  });

  it("counts once wherever it was given", async () => {
    const t = traced({ tracer });
    const events: string[] = [];
    await run(dag, "x", { model: model(), use: [t], onEvent: t });
    await run(dag, "x", { model: model(), ...t, onEvent: (event) => events.push(event.type) });
    await run(dag, "x", { model: model(), use: [t.middleware], onEvent: t.onEvent });
    const { record } = stream(dag, "x", { model: model(), use: [t] });
    await record;
    await compile(dag, { model: model(), use: [t] }).invoke({ input: "x" });
    expect(named("invoke_workflow traced")).toHaveLength(5);
    expect(named("execute_tool double")).toHaveLength(5);
    expect(new Set(spans().map((span) => span.spanContext().traceId)).size).toBe(5);
    expect(events).toContain("run-ended");
  });

  it("keeps runs at once apart", async () => {
    const t = traced({ tracer });
    await Promise.all([1, 2, 3].map(() => run(dag, "x", { model: model(), use: [t] })));
    const ids = spans().map((span) => span.spanContext().traceId);
    expect([...new Set(ids)].map((id) => ids.filter((other) => other === id).length)).toEqual([14, 14, 14]);
    expect(spans()).toHaveLength(42);
  });

  it("tells failures by their code, each attempt with its own, and no tokens where none were told of", async () => {
    let tries = 0;
    const failing = defineDag({
      name: "failing",
      nodes: {
        flaky: {
          run: () => {
            if (++tries < 3) throw new Error("not yet");
            return "ok";
          },
          policy: { retry: { maxAttempts: 3, initialIntervalMs: 1 } },
        },
        broken: { instructions: "Fail." },
      },
    });
    await run(failing, "x", {
      use: [traced({ tracer })],
      model: {
        id: "openai:gpt-4.1-mini",
        // biome-ignore lint/correctness/useYield: it fails before it says anything
        async *call() {
          throw new Error("no");
        },
      },
    });
    expect(["attempt 1", "attempt 2", "attempt 3"].map((name) => one(name).status.code)).toEqual([
      SpanStatusCode.ERROR,
      SpanStatusCode.ERROR,
      SpanStatusCode.UNSET,
    ]);
    expect(one("attempt 1").attributes["error.type"]).toBe("ERROR");
    const call = one("chat gpt-4.1-mini");
    expect(call.attributes["error.type"]).toBeDefined();
    expect(call.attributes).not.toHaveProperty("gen_ai.usage.input_tokens");
    expect(call.attributes["gen_ai.response.finish_reasons"]).toEqual(["error"]);
    expect(one("invoke_agent broken").status.code).toBe(SpanStatusCode.ERROR);
  });

  it("tells rounds, inner graphs and what was skipped", async () => {
    const step = defineDag({ name: "step", nodes: { count: { run: ({ input }) => Number(input) } } });
    const loop = defineDag({
      name: "loop",
      nodes: {
        rounds: {
          dag: step,
          input: ({ round }) => String(round),
          repeat: { until: { node: "count", equals: 3 }, maxRounds: 5 },
        },
        never: { run: () => 1, needs: ["rounds"], when: { node: "rounds", equals: 7 } },
        last: { run: () => 1, needs: ["rounds", "never"], join: "settled" },
      },
    });
    await run(loop, "x", { use: [traced({ tracer })] });
    expect([1, 2, 3].map((n) => parentOf(one(`round ${n}`)))).toEqual(
      Array(3).fill("invoke_workflow rounds"),
    );
    expect(named("invoke_node count").map(parentOf)).toEqual(["round 1", "round 2", "round 3"]);
    expect(one("invoke_workflow loop").events).toEqual([
      expect.objectContaining({
        name: "node skipped",
        attributes: expect.objectContaining({ "agent_dag.node": "never", "agent_dag.reason": "condition" }),
      }),
    ]);
  });

  it.each(topologyNames)("puts every child inside its parent in %s", async (topology) => {
    const plan = topology.startsWith("planned") ? { model: "offline" as const } : { model: model() };
    await run(dag, "x", { ...plan, topology, use: [traced({ tracer })] });
    expect(outside(spans())).toEqual([]);
    if (topology.startsWith("planned"))
      expect(spans().some(({ name }) => name.startsWith("plan "))).toBe(true);
  });

  it("makes no second span of what a resumed run had done", async () => {
    const asking = defineDag({
      name: "asking",
      nodes: {
        work: { run: () => 1 },
        ok: { needs: ["work"], approve: { message: "Go on?" } },
        rest: { needs: ["ok"], run: () => 2 },
      },
    });
    const kept = { checkpointer: new MemorySaver(), thread: "t" };
    await run(asking, "x", { ...kept, use: [traced({ tracer })] });
    await resume(asking, { ...kept, answer: true, use: [traced({ tracer })] });
    expect(named("invoke_node work")).toHaveLength(1);
    expect(named("invoke_node rest")).toHaveLength(1);
    expect(named("invoke_workflow asking").map(({ attributes }) => attributes["agent_dag.state"])).toEqual([
      "interrupted",
      "completed",
    ]);
    expect(outside(spans())).toEqual([]);
    const [first, second] = named("invoke_workflow asking");
    expect(ms(second?.startTime ?? [0, 0])).toBeGreaterThanOrEqual(ms(first?.endTime ?? [0, 0]));
  });

  it("tells which model answered, what of the tokens was cached, and the thread at each agent and request", async () => {
    const answering: Model = {
      id: "openai:gpt-4.1-mini",
      async *call() {
        yield { type: "text", text: "Yes." };
        yield { type: "finish", reason: "stop", model: "gpt-4.1-mini-2025-04-14" };
        yield { type: "usage", inputTokens: 20, outputTokens: 9, cachedInputTokens: 8, cacheWriteTokens: 4 };
      },
    };
    const says = defineDag({ name: "says", nodes: { a: { instructions: "Say yes." } } });
    const kept = { checkpointer: new MemorySaver(), thread: "t" };
    const record = await run(says, "x", { ...kept, model: answering, use: [traced({ tracer })] });
    expect(record.calls[0]?.responseModel).toBe("gpt-4.1-mini-2025-04-14");
    const thread = { "gen_ai.conversation.id": "t", "session.id": "t" };
    expect(one("invoke_agent a").attributes).toMatchObject(thread);
    expect(one("chat gpt-4.1-mini").attributes).toMatchObject({
      ...thread,
      "gen_ai.request.model": "gpt-4.1-mini",
      "gen_ai.request.stream": true,
      "gen_ai.response.model": "gpt-4.1-mini-2025-04-14",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.cache_read.input_tokens": 8,
      "gen_ai.usage.cache_write.input_tokens": 4,
      "gen_ai.usage.cache_creation.input_tokens": 4,
      "llm.model_name": "gpt-4.1-mini-2025-04-14",
      "llm.system": "openai",
      "llm.token_count.prompt_details.cache_read": 8,
    });
  });

  it("keeps to the clock of the day, however far the process's own has fallen behind", async () => {
    const behind = jest.spyOn(performance, "timeOrigin", "get").mockReturnValue(0);
    const before = Date.now();
    try {
      await run(dag, "x", { model: model(), use: [traced({ tracer })] });
    } finally {
      behind.mockRestore();
    }
    expect(ms(one("invoke_workflow traced").startTime)).toBeGreaterThanOrEqual(before - 1);
  });

  it("tells texts only when asked, and never a key", async () => {
    const key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH";
    const saying = () => scriptedModel({ asks: [`The key is ${key}.`] });
    await run(dag, "a secret question", { model: saying(), use: [traced({ tracer })] });
    expect(JSON.stringify(spans().map(({ attributes }) => attributes))).not.toContain("Double it.");
    exporter.reset();
    await run(dag, "a secret question", { model: saying(), use: [traced({ tracer, texts: true })] });
    const told = JSON.stringify(spans().map(({ attributes }) => attributes));
    expect(told).toContain("Double it.");
    expect(told).toContain("a secret question");
    expect(told).not.toContain(key);
    const call = spans().find(({ name }) => name.startsWith("chat "));
    expect(JSON.parse(String(call?.attributes["gen_ai.system_instructions"]))[0].content).toContain(
      "Double it.",
    );
  });

  it("fills the histograms of the conventions", async () => {
    const kept = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: kept, exportIntervalMillis: 100_000 });
    const meters = new MeterProvider({ readers: [reader] });
    await run(dag, "x", { model: model(), use: [traced({ tracer, meter: meters.getMeter("test") })] });
    await meters.forceFlush();
    const told = kept
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    expect(told.map(({ descriptor }) => [descriptor.name, descriptor.unit])).toEqual([
      ["gen_ai.client.operation.duration", "s"],
      ["gen_ai.client.token.usage", "{token}"],
      ["gen_ai.client.inference.duration", "s"],
      ["gen_ai.client.inference.operation.input_tokens", "{token}"],
      ["gen_ai.client.inference.operation.output_tokens", "{token}"],
    ]);
    const points = told[1]?.dataPoints.map(({ attributes }) => attributes["gen_ai.token.type"]);
    expect(points?.sort()).toEqual(["input", "output"]);
    await meters.shutdown();
  });

  it("makes one span of a request of a run inside a function, whether that run is traced or not", async () => {
    const inner = defineDag({ name: "inner", nodes: { q: { instructions: "Ask." } } });
    const calls = async (use: object) => {
      exporter.reset();
      const outer = defineDag({
        name: "outer",
        nodes: { a: { run: async () => (await run(inner, "x", { model: replies(), ...use })).output } },
      });
      const record = await run(outer, "x", { use: [traced({ tracer })] });
      expect(record.calls.map(({ node }) => node)).toEqual(["a/q"]);
      expect(outside(spans())).toEqual([]);
      return spans().flatMap((span) => (span.name.startsWith("chat ") ? [parentOf(span)] : []));
    };
    const replies = () => scriptedModel({ q: ["Yes."] });
    expect(await calls({ use: [traced({ tracer })] })).toEqual(["invoke_agent q"]);
    expect(await calls({})).toEqual(["attempt 1"]);
  });

  it("never changes a run whose tracer fails", async () => {
    const failing = {
      startSpan: () => {
        throw new Error("no tracer");
      },
    };
    const record = await run(dag, "x", { model: model(), use: [traced({ tracer: failing as never })] });
    expect(record.state).toBe("completed");
  });
});

/** Spans that begin before or end after the one that they are in. */
function outside(all: readonly ReadableSpan[]): string[] {
  const byId = new Map(all.map((span) => [span.spanContext().spanId, span]));
  return all.flatMap((span) => {
    const parent = byId.get(span.parentSpanContext?.spanId ?? "");
    if (parent === undefined)
      return span.parentSpanContext === undefined ? [] : [`${span.name}: parent lost`];
    const isInside =
      ms(span.startTime) >= ms(parent.startTime) - 1e-3 && ms(span.endTime) <= ms(parent.endTime) + 1e-3;
    return isInside ? [] : [`${span.name} in ${parent.name}`];
  });
}
