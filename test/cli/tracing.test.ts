import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { cli } from "./cli-run.js";

const folder = mkdtempSync(join(tmpdir(), "agent-dag-tracing-"));
const received: { path: string; headers: Record<string, unknown>; resource: unknown; spans: Span[] }[] = [];
let status = 200;
let server: Server;
let url: string;

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const { resourceSpans } = JSON.parse(body);
      const { spans } = resourceSpans[0].scopeSpans[0];
      const resource = resourceSpans[0].resource.attributes;
      received.push({ path: request.url ?? "", headers: request.headers, resource, spans });
      response.writeHead(status).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await new Promise((resolve) => server.close(resolve));
});

describe("--otlp", () => {
  it("sends a run's spans to the collector, under the caller's span", async () => {
    received.length = 0;
    const parent = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
    const { exitCode, stderr } = await cli(
      ["run", "examples/review.yaml", "--model", "offline", "--otlp", url],
      "",
      {
        TRACEPARENT: `00-${parent.traceId}-${parent.spanId}-01`,
        OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b,other=1",
      },
    );
    expect({ exitCode, sent: stderr.includes("cannot be sent") }).toEqual({ exitCode: 0, sent: false });
    const spans = received.flatMap((one) => one.spans);
    expect(received[0]?.path).toBe("/v1/traces");
    expect(received[0]?.headers).toMatchObject({ "x-key": "a b", other: "1" });
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([parent.traceId]));
    const root = spans.find(({ name }) => name.startsWith("invoke_workflow"));
    expect(root?.parentSpanId).toBe(parent.spanId);
    expect(spans.filter(({ name }) => name.startsWith("chat "))).toHaveLength(5);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  });

  it("says who sends as the environment says, and takes what is not of its form as it is", async () => {
    received.length = 0;
    const { exitCode } = await cli(["run", "examples/review.yaml", "--model", "offline", "--otlp", url], "", {
      OTEL_SERVICE_NAME: "reviews",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test%20one,service.name=other",
      OTEL_EXPORTER_OTLP_HEADERS: "x-rate=100%,x-key=a",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-key=b",
    });
    expect(exitCode).toBe(0);
    expect(received[0]?.headers).toMatchObject({ "x-rate": "100%", "x-key": "b" });
    expect(received[0]?.resource).toEqual([
      { key: "service.name", value: { stringValue: "reviews" } },
      { key: "deployment.environment.name", value: { stringValue: "test one" } },
    ]);
  });

  it("works for every run of a comparison", async () => {
    received.length = 0;
    await cli([
      "compare",
      "examples/review.yaml",
      "--topologies",
      "sequential,dataflow",
      "--otlp",
      `${url}/v1/traces`,
    ]);
    const roots = received
      .flatMap(({ spans }) => spans)
      .filter(({ name }) => name.startsWith("invoke_workflow"));
    expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(2);
  });

  it("never fails a run: a collector that refuses or is away is told of once", async () => {
    status = 503;
    const refused = await cli(["run", "examples/review.yaml", "--model", "offline", "--otlp", url]);
    status = 200;
    expect(refused.exitCode).toBe(0);
    expect(refused.stderr.match(/cannot be sent/g)).toHaveLength(1);
    expect(refused.stderr).toContain("status 503");
    const away = await cli([
      "run",
      "examples/review.yaml",
      "--model",
      "offline",
      "--otlp",
      "http://127.0.0.1:9",
    ]);
    expect(away.exitCode).toBe(0);
    expect(away.stderr).toContain("Traces cannot be sent to http://127.0.0.1:9/v1/traces");
  });

  it.each(["collector", "ftp://x", ""])("refuses the address %j", async (address) => {
    const { exitCode, stderr } = await cli(["run", "examples/review.yaml", "--otlp", address]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("the address of a collector is expected");
  });
});

describe("export", () => {
  const file = join(folder, "record.json");
  beforeAll(async () => {
    const { stdout } = await cli(["run", "examples/review.yaml", "--model", "offline", "--json"]);
    writeFileSync(file, stdout);
  });

  it("prints a record for a collector", async () => {
    const { stdout, exitCode } = await cli(["export", file, "--format", "otlp"]);
    expect(exitCode).toBe(0);
    const { spans } = JSON.parse(stdout).resourceSpans[0].scopeSpans[0];
    expect(spans.filter((span: Span) => span.name.startsWith("chat "))).toHaveLength(5);
  });

  it("prints a record for Perfetto", async () => {
    const { stdout } = await cli(["export", file, "--format", "perfetto"]);
    const { traceEvents } = JSON.parse(stdout);
    expect(traceEvents.filter(({ ph }: { ph: string }) => ph === "X").length).toBeGreaterThan(10);
  });

  it.each([
    [["export", file], "Add --format otlp or --format perfetto"],
    [["export", file, "--format", "xml"], "Allowed choices are otlp, perfetto"],
    [["export", join(folder, "none.json"), "--format", "otlp"], "no such file"],
    [["export", "examples/review.yaml", "--format", "otlp"], "not JSON"],
  ])("refuses %j", async (args, told) => {
    const { exitCode, stderr } = await cli(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(told);
  });
});
