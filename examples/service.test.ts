import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { listen } from "./service.js";

let service: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  service = await listen(0, { model: "offline" });
});
afterAll(() => service.close());

const send = async (path: string, body: unknown): Promise<any> => {
  const response = await fetch(`${service.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-tenant": "ada" },
    body: JSON.stringify(body),
  });
  return response.json();
};

it("publishes what a person has approved over HTTP", async () => {
  const asked = await send("runs", { dag: "notice", input: { message: "The lift is back." } });
  expect([asked.state, asked.interrupts[0].message]).toEqual(["interrupted", "May this be published?"]);
  const waiting = await (await fetch(`${service.url}runs?state=interrupted`)).json();
  expect(waiting).toMatchObject([{ id: asked.id, interrupts: [{ show: { summary: "The lift is back." } }] }]);
  const done = await send(`runs/${asked.id}/answer`, { answer: { approve: true, by: "ada" } });
  expect(done).toMatchObject({ state: "completed", output: "The lift is back. (published for ada)" });
});

it("is traced under the span of whoever asks, in a provider of the process", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  try {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const asked = await fetch(`${service.url}runs`, {
      method: "POST",
      headers: { "content-type": "application/json", traceparent: `00-${traceId}-b7ad6b7169203331-01` },
      body: JSON.stringify({ dag: "notice", input: { message: "The lift is back." } }),
    });
    expect(await asked.json()).toMatchObject({ state: "interrupted" });
    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["chat offline", "invoke_agent summary", "invoke_workflow notice"]),
    );
    expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));
  } finally {
    trace.disable();
    await provider.shutdown();
  }
});

it("shows its pages", async () => {
  for (const page of ["chat", "ag-ui", ""])
    expect((await fetch(`${service.url}${page}`)).headers.get("content-type")).toMatch(/^text\/html/);
});
