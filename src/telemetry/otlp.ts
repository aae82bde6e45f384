import type { RunRecord } from "../records/record.js";
import type { Attributes, AttributeValue } from "./attributes.js";
import { type KeptSpan, spansOf } from "./kept-spans.js";
import type { RunSpansOptions } from "./run-spans.js";

/** Version of the package, for the name of the instrumentation. */
export interface OtlpOptions extends RunSpansOptions {
  readonly version?: string;
}

/**
 * A record's trace as an `ExportTraceServiceRequest` in JSON, as OTLP/HTTP takes it at `/v1/traces` (OpenTelemetry protocol
 * 1.x: ids in hexadecimal, 64-bit integers as text).
 */
export function otlpTrace(record: RunRecord, options: OtlpOptions = {}): object {
  const startedAt = Date.parse(record.startedAt);
  return traceRequest(
    spansOf(record, options).map((span) => ({ span, startedAt })),
    options,
  );
}

/** A span, and when its run's clock was at 0, in milliseconds since 1970. */
export interface TimedSpan {
  readonly span: KeptSpan;
  readonly startedAt: number;
}

/** @param resource Who sends, beside the service's name. */
export function traceRequest(
  spans: readonly TimedSpan[],
  { version, resource = {} }: { readonly version?: string | undefined; readonly resource?: Attributes },
): object {
  const nanosFrom = (startedAt: number) => (ms: number) =>
    (BigInt(Math.round(startedAt)) * 1_000_000n + BigInt(Math.round(ms * 1e6))).toString();
  return {
    resourceSpans: [
      {
        resource: { attributes: listOf({ "service.name": "agent-dag", ...resource }) },
        scopeSpans: [
          {
            scope: { name: "agent-dag", ...(version !== undefined && { version }) },
            spans: spans.map(({ span, startedAt }) => spanOf(span, nanosFrom(startedAt))),
          },
        ],
      },
    ],
  };
}

function spanOf(span: KeptSpan, nanos: (ms: number) => string): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId !== null && { parentSpanId: span.parentSpanId }),
    ...(span.traceState !== "" && { traceState: span.traceState }),
    name: span.name,
    kind: span.kind === "client" ? 3 : 1,
    startTimeUnixNano: nanos(span.startedAtMs),
    endTimeUnixNano: nanos(span.endedAtMs),
    attributes: listOf(span.attributes),
    events: span.events.map(({ name, atMs, attributes }) => ({
      name,
      timeUnixNano: nanos(atMs),
      attributes: listOf(attributes),
    })),
    links: span.links.map(({ traceId, spanId }) => ({
      traceId,
      spanId,
      attributes: listOf({ "agent_dag.edge": "needs" }),
    })),
    status: span.error === null ? {} : { code: 2, message: span.error.message },
  };
}

function listOf(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map((one) => ({ stringValue: one })) } };
}
