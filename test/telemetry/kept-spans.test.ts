import { describe, expect, it } from "@jest/globals";
import { topologyNames } from "../../graphs/topology.js";
import type { RunRecord } from "../../src/records/record.js";
import { run } from "../../src/run/run.js";
import { defineDag } from "../../src/spec/define.js";
import { type KeptSpan, spansOf } from "../../src/telemetry/kept-spans.js";
import { otlpTrace } from "../../src/telemetry/otlp.js";
import { perfettoTrace } from "../../src/telemetry/perfetto.js";
import { replyModel } from "../support/reply-model.js";

const inner = defineDag({
  name: "inner",
  nodes: { ask: { instructions: "Ask." }, end: { needs: ["ask"], run: () => 1 } },
});
const dag = defineDag({
  name: "kept",
  nodes: {
    list: { run: () => [1, 2, 3] },
    each: { needs: ["list"], forEach: { node: "list" }, instructions: "Each." },
    graph: { dag: inner, input: "x" },
    flaky: {
      run: ({ attempt }) => {
        if (attempt < 2) throw new Error("first");
        return attempt;
      },
      policy: { retry: { maxAttempts: 2, initialIntervalMs: 1 } },
    },
    end: { needs: ["each", "graph", "flaky"], instructions: "End." },
  },
});
const recorded = (topology: (typeof topologyNames)[number] = "deterministic") =>
  run(dag, "x", {
    topology,
    ...(topology.startsWith("planned") ? {} : { model: replyModel(() => "Yes.") }),
    texts: true,
  });
const nameOf = (span: KeptSpan | null) => span?.name ?? null;

describe("spansOf", () => {
  it.each(topologyNames)(
    "gives a record's work and requests each one span inside its own in %s",
    async (topology) => {
      const record = await recorded(topology);
      const spans = spansOf(record);
      expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
      expect(spans.filter(({ kind }) => kind === "client")).toHaveLength(record.calls.length);
      const started = record.events.filter(({ type }) => type === "node-started");
      const works = spans.filter(({ attributes }) => attributes["agent_dag.node.kind"] !== undefined);
      expect(works).toHaveLength(started.length);
      for (const span of spans) {
        if (span.parent === null) continue;
        expect(span.startedAtMs).toBeGreaterThanOrEqual(span.parent.startedAtMs);
        expect(span.endedAtMs).toBeLessThanOrEqual(span.parent.endedAtMs);
      }
      expect(spans.filter(({ parent }) => parent === null).map(nameOf)).toEqual(["invoke_workflow kept"]);
    },
  );

  it("gives the same spans for the same record", async () => {
    const record = await recorded();
    const ids = (one: RunRecord) => spansOf(one).map(({ spanId }) => spanId);
    expect(ids(JSON.parse(JSON.stringify(record)))).toEqual(ids(record));
    expect(spansOf(record)[0]?.traceId).toBe(record.id.replaceAll("-", ""));
  });

  it("tells each attempt with its error", async () => {
    const attempts = spansOf(await recorded()).filter(({ name }) => name.startsWith("attempt"));
    const flaky = attempts.filter(({ parent }) => parent?.name === "invoke_node flaky");
    expect(flaky.map(({ name, error }) => [name, error?.message ?? null])).toEqual([
      ["attempt 1", "first"],
      ["attempt 2", null],
    ]);
  });
});

describe("otlpTrace", () => {
  it("is a request as OTLP/HTTP takes it", async () => {
    const record = await recorded();
    const request = JSON.parse(JSON.stringify(otlpTrace(record, { version: "1.2.3" })));
    const [{ scopeSpans }] = request.resourceSpans;
    const { scope, spans } = scopeSpans[0];
    expect(scope).toEqual({ name: "agent-dag", version: "1.2.3" });
    const startedAt = BigInt(Date.parse(record.startedAt)) * 1_000_000n;
    for (const span of spans) {
      expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(BigInt(span.startTimeUnixNano)).toBeGreaterThanOrEqual(startedAt);
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
    }
    const call = spans.find((span: { kind: number }) => span.kind === 3);
    const attribute = (key: string) => call.attributes.find((one: { key: string }) => one.key === key)?.value;
    expect(attribute("gen_ai.operation.name")).toEqual({ stringValue: "chat" });
    expect(attribute("gen_ai.usage.input_tokens")).toEqual({ intValue: expect.stringMatching(/^\d+$/) });
    expect(attribute("gen_ai.response.finish_reasons")).toEqual({
      arrayValue: { values: [{ stringValue: "stop" }] },
    });
    expect(JSON.stringify(request)).not.toContain("Each.");
    expect(JSON.stringify(otlpTrace(record, { texts: true }))).toContain("Each.");
  });
});

describe("perfettoTrace", () => {
  it("lays spans that overlap on tracks of their own, one inside another on the same", async () => {
    const { traceEvents } = perfettoTrace(await recorded()) as { traceEvents: Slice[] };
    const slices = traceEvents.filter(({ ph }) => ph === "X");
    for (const [index, a] of slices.entries())
      for (const b of slices.slice(index + 1)) {
        if (a.tid !== b.tid) continue;
        const apart = a.ts + a.dur <= b.ts || b.ts + b.dur <= a.ts;
        const within =
          (b.ts >= a.ts && b.ts + b.dur <= a.ts + a.dur) || (a.ts >= b.ts && a.ts + a.dur <= b.ts + b.dur);
        expect(apart || within).toBe(true);
      }
    expect(slices.length).toBeGreaterThan(10);
    const starts = traceEvents.filter(({ ph }) => ph === "s").length;
    expect(starts).toBeGreaterThanOrEqual(4);
    expect(traceEvents.filter(({ ph }) => ph === "f")).toHaveLength(starts);
  });
});

interface Slice {
  readonly ph: string;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
}
