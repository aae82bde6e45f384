import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { MemorySaver } from "@langchain/langgraph";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { createHandler } from "../../src/serve/handler.js";
import { serve } from "../../src/serve/serve.js";
import { defineDag } from "../../src/spec/define.js";
import { traced } from "../../src/telemetry/otel.js";
import { otlpExporter } from "../../src/telemetry/otlp-exporter.js";
import { parseTraceContext } from "../../src/telemetry/trace-context.js";
import { startCollector } from "../support/collector.js";
import { gate, get, post } from "./client.js";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";
const traceparent = `00-${traceId}-${spanId}-01`;
const headers = { traceparent, tracestate: "vendor=abc,other=1" };

const shout = defineDag({ name: "shout", nodes: { loud: { run: ({ input }) => `${input}!` } } });
const letter = defineDag({
  name: "letter",
  nodes: {
    check: { approve: { message: "May it go out?" } },
    send: { needs: ["check"], run: () => "sent" },
  },
});

let collector: Awaited<ReturnType<typeof startCollector>>;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  collector = await startCollector();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  collector.spans.length = 0;
});
afterAll(() => collector.close());

const problems: string[] = [];
const exporter = () => otlpExporter(collector.url, { onProblem: (message) => problems.push(message) });
const roots = () => collector.spans.filter(({ name }) => name.startsWith("invoke_workflow"));

describe("a request's traceparent", () => {
  it("is continued by the run's spans, with its tracestate; each run under its own", async () => {
    const sent = exporter();
    const handler = createHandler([shout], { use: [sent] });
    ends.push(() => handler.close());
    const other = { traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01` };
    await Promise.all([
      handler(post("/runs", { input: "a" }, headers)),
      handler(post("/runs", { input: "b" }, other)),
      handler(post("/runs", { input: "c" })),
    ]);
    await sent.flush();
    expect(problems).toEqual([]);
    expect(roots()).toHaveLength(3);
    const under = roots().find((span) => span.parentSpanId === spanId);
    expect(under).toMatchObject({ traceId, traceState: "vendor=abc,other=1" });
    expect(collector.spans.filter((span) => span.traceId === traceId)).toHaveLength(3);
    expect(roots().find((span) => span.parentSpanId === "cd".repeat(8))?.traceId).toBe("ab".repeat(16));
    expect(roots().filter((span) => span.parentSpanId === undefined)).toHaveLength(1);
  });

  it("is continued through `traced`, given in `use` or as `onEvent`", async () => {
    for (const place of ["use", "onEvent"] as const) {
      const memory = new InMemorySpanExporter();
      const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] });
      const tracing = traced({ tracer: provider.getTracer("t") });
      const handler = createHandler([shout], place === "use" ? { use: [tracing] } : { onEvent: tracing });
      await handler(post("/runs", { input: "a" }, headers));
      await handler.close();
      const root = memory.getFinishedSpans().find(({ name }) => name === "invoke_workflow shout");
      expect(memory.getFinishedSpans()).toHaveLength(3);
      expect(root?.spanContext().traceId).toBe(traceId);
      expect(root?.parentSpanContext).toMatchObject({ spanId, isRemote: true });
      expect(root?.spanContext().traceState?.serialize()).toBe("vendor=abc,other=1");
    }
  });

  it("holds for what follows an answer too, unless that comes with its own", async () => {
    const sent = exporter();
    const handler = createHandler([letter], { use: [sent] });
    ends.push(() => handler.close());
    for (const own of [{}, { traceparent: `00-${traceId}-${"cd".repeat(8)}-01` }]) {
      const asked = (await (await handler(post("/runs", { input: "a" }, headers))).json()) as { id: string };
      await handler(post(`/runs/${asked.id}/answer`, { answer: true }, own));
    }
    await sent.flush();
    expect(roots().map((span) => [span.traceId, span.parentSpanId])).toEqual([
      [traceId, spanId],
      [traceId, spanId],
      [traceId, spanId],
      [traceId, "cd".repeat(8)],
    ]);
    expect(new Set(collector.spans.map((span) => span.spanId)).size).toBe(collector.spans.length);
  });

  it("is kept in a store: it holds in the next service, for what goes on and for what is answered there", async () => {
    const checkpointer = new MemorySaver();
    const sent = exporter();
    const begun = gate();
    let isClosed = false;
    const endless = defineDag({
      name: "endless",
      nodes: {
        wait: {
          run: ({ signal }) => {
            if (isClosed) return "done";
            begun.open();
            return new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason)));
          },
        },
      },
    });
    const first = createHandler([letter, endless], { use: [sent], checkpointer });
    const asked = (await (await first(post("/runs", { dag: "letter", input: "a" }, headers))).json()) as {
      id: string;
    };
    await first(post("/runs", { dag: "endless", input: "a" }, { ...headers, prefer: "respond-async" }));
    await begun.passed;
    isClosed = true;
    await first.close({ drainMs: 0 });
    await sent.flush();
    const before = collector.spans.length;
    const second = createHandler([letter, endless], { use: [sent], checkpointer });
    ends.push(() => second.close());
    await second.ready;
    await second.ready;
    await second(post(`/runs/${asked.id}/answer`, true));
    await second.close();
    await sent.flush();
    const after = collector.spans.slice(before).filter(({ name }) => name.startsWith("invoke_workflow"));
    expect(after.map(({ name }) => name).sort()).toEqual([
      "invoke_workflow endless",
      "invoke_workflow letter",
    ]);
    for (const root of after)
      expect(root).toMatchObject({ traceId, parentSpanId: spanId, traceState: "vendor=abc,other=1" });
    const listed = (await (
      await createHandler([letter, endless], { checkpointer })(get("/runs"))
    ).json()) as object[];
    expect(Object.keys(listed[0] ?? {})).not.toContain("caller");
  });

  it("holds for a call over MCP, by its header and by what the protocol's `_meta` says", async () => {
    const sent = exporter();
    const service = await serve([shout], { use: [sent] });
    const client = new Client({ name: "test", version: "1" });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${service.url}mcp`), { requestInit: { headers } }),
    );
    ends.push(
      () => service.close({ drainMs: 0 }),
      () => client.close(),
    );
    await client.callTool({ name: "shout", arguments: { input: "a" } });
    await client.callTool({
      name: "shout",
      arguments: { input: "a" },
      _meta: { traceparent: `00-${traceId}-${"cd".repeat(8)}-01` },
    });
    await sent.flush();
    expect(roots().map((span) => span.parentSpanId)).toEqual([spanId, "cd".repeat(8)]);
  });

  it("sends nothing of a run that its caller does not record", async () => {
    const sent = exporter();
    const handler = createHandler([shout], { use: [sent] });
    ends.push(() => handler.close());
    const quiet = { traceparent: `00-${traceId}-${spanId}-00` };
    expect((await handler(post("/runs", { input: "a" }, quiet))).status).toBe(200);
    await sent.flush();
    expect(collector.spans).toEqual([]);
  });

  it.each([
    "",
    "00",
    `ff-${traceId}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}`,
  ])("is as if it had not come where it is none: %j", (text) => {
    expect(parseTraceContext(text)).toBeNull();
  });

  it("is read of later versions as far as it is known", () => {
    expect(parseTraceContext(`01-${traceId}-${spanId}-03-more`, "no list")).toEqual({
      traceId,
      spanId,
      isSampled: true,
      state: "",
    });
  });
});

it("`serve --otlp` sends the spans of its runs, the last ones as it ends", async () => {
  const args = [
    "serve",
    "examples/review.yaml",
    "--model",
    "offline",
    "--port",
    "0",
    "--otlp",
    collector.url,
  ];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [resolve("dist/src/cli/main.js"), ...args], { env });
  ends.push(() => child.kill("SIGKILL"));
  const [url] = (await once(child.stdout, "data")) as [Buffer];
  const response = await fetch(`${String(url).trim()}runs`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ input: { review: "The lamp is bright." } }),
  });
  expect(await response.json()).toMatchObject({ state: "completed" });
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(roots()).toMatchObject([{ traceId, parentSpanId: spanId }]);
  expect(collector.spans.filter(({ name }) => name.startsWith("chat "))).toHaveLength(5);
});
