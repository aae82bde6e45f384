import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { type OtlpExporterOptions, otlpExporter } from "../../src/telemetry/otlp-exporter.js";

interface Sent {
  readonly spans: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
}
type Answer = { readonly status: number; readonly body?: string };

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A collector that answers each request as it is told; `taken` are the ids of spans that it said yes to. */
async function collector(answer: (spans: readonly string[], request: number) => Answer) {
  const sent: Sent[] = [];
  const taken: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const spans = JSON.parse(body).resourceSpans[0].scopeSpans[0].spans.map(
        ({ spanId }: { spanId: string }) => spanId,
      );
      sent.push({ spans, headers: request.headers, path: request.url ?? "" });
      const { status, body: said = "{}" } = answer(spans, sent.length);
      if (status === 200) taken.push(...spans);
      response.writeHead(status).end(said);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `http://${host}`, sent, taken };
}

const dag = defineDag({ name: "sent", nodes: { a: { run: () => 1 }, b: { needs: ["a"], run: () => 2 } } });

/** Three runs, then a flush: what was told of it. */
async function threeRuns(url: string, options: Partial<OtlpExporterOptions> = {}) {
  const problems: string[] = [];
  const exporter = otlpExporter(url, { onProblem: (message) => problems.push(message), ...options });
  for (const input of ["x", "y", "z"]) await run(dag, input, { use: [exporter] });
  await exporter.flush();
  return { exporter, problems };
}

describe("sending spans to a collector", () => {
  it("puts the spans of several runs into one request", async () => {
    const { url, sent } = await collector(() => ({ status: 200 }));
    const { problems } = await threeRuns(url);
    expect(problems).toEqual([]);
    expect(sent.map(({ spans }) => spans.length)).toEqual([15]);
  });

  it.each([429, 502, 503, 504])("sends again what was answered with %i, each span once", async (status) => {
    const { url, taken } = await collector((_spans, request) => ({ status: request === 1 ? status : 200 }));
    const { exporter, problems } = await threeRuns(url);
    await exporter.flush();
    expect(taken).toHaveLength(15);
    expect(new Set(taken).size).toBe(15);
    expect(problems).toEqual([expect.stringContaining(`status ${status}`)]);
  });

  it.each([400, 401, 404, 500])("lets go of what was answered with %i, and of that alone", async (status) => {
    const { url, sent, taken } = await collector((_spans, request) => ({
      status: request === 1 ? status : 200,
    }));
    const { exporter, problems } = await threeRuns(url);
    await exporter.flush();
    expect(sent).toHaveLength(1);
    await run(dag, "later", { use: [exporter] });
    await exporter.flush();
    expect(taken).toHaveLength(5);
    expect(problems).toEqual([expect.stringContaining(`status ${status}`)]);
  });

  it("sends in smaller requests what is too large for one", async () => {
    const { url, taken } = await collector((spans) => ({ status: spans.length > 4 ? 413 : 200 }));
    const { problems } = await threeRuns(url);
    expect(problems).toEqual([]);
    expect(new Set(taken).size).toBe(15);
    expect(taken).toHaveLength(15);
  });

  it("tells of spans that were refused though the request was taken", async () => {
    const body = JSON.stringify({ partialSuccess: { rejectedSpans: "2", errorMessage: "too old" } });
    const { url } = await collector(() => ({ status: 200, body }));
    expect((await threeRuns(url)).problems).toEqual([expect.stringContaining("2 spans (too old)")]);
  });

  it("sends a user and a password as basic authorization, and never tells them", async () => {
    const { host, sent } = await collector(() => ({ status: 403 }));
    const { problems } = await threeRuns(`http://ada:pass%40word-1@${host}/v1/traces`);
    const basic = `Basic ${Buffer.from("ada:pass@word-1").toString("base64")}`;
    expect(sent[0]).toMatchObject({ path: "/v1/traces", headers: { authorization: basic } });
    expect(problems.join()).toContain("status 403");
    expect(problems.join()).not.toMatch(/pass/);
  });

  it.each(["", "{", "null", "[]", "<html>", '{"partialSuccess":7}'])(
    "takes %j for an answer",
    async (body) => {
      const { url } = await collector(() => ({ status: 200, body }));
      expect((await threeRuns(url)).problems).toEqual([]);
    },
  );
});
