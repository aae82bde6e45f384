import { createHash } from "node:crypto";
import type { RemoteSpan } from "../../nodes/engine/instrument.js";
import type { RunEvent, RunEventOf } from "../records/events.js";
import type { OutcomeError } from "../records/outcome.js";
import type { RunRecord } from "../records/record.js";
import type { Attributes } from "./attributes.js";
import { RunSpans, type RunSpansOptions } from "./run-spans.js";
import type { SpanSink } from "./span-tree.js";

/** A span that has ended. Times are milliseconds since the run's start. */
export interface KeptSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: KeptSpan | null;
  /** The id of `parent`, or of the span around the run in another process; `null` for neither. */
  readonly parentSpanId: string | null;
  /** The `tracestate` that came with the run's request; empty for none. */
  readonly traceState: string;
  readonly name: string;
  readonly kind: "internal" | "client";
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly attributes: Attributes;
  readonly events: readonly {
    readonly name: string;
    readonly atMs: number;
    readonly attributes: Attributes;
  }[];
  readonly links: readonly KeptSpan[];
  readonly error: OutcomeError | null;
}

type Writable = { -readonly [Key in keyof KeptSpan]: KeptSpan[Key] } & {
  events: KeptSpan["events"][number][];
};

interface ListSinkOptions {
  /** Told of each span as it ends. */
  readonly ended: (span: KeptSpan) => void;
  /** The span around the run. @default none */
  readonly parent?: RemoteSpan | null;
  /** Tells parts of one run apart that are told one by one. @default "0" */
  readonly part?: string;
}

/** Spans as data. Ids follow from the run's, so that the same run has the same spans. */
export function listSink(
  runId: string,
  { ended, parent: around = null, part = "0" }: ListSinkOptions,
): SpanSink<KeptSpan> {
  const id = (text: string, digits: number) =>
    createHash("sha256").update(`${runId} ${part} ${text}`).digest("hex").slice(0, digits);
  const plain = runId.replaceAll("-", "").toLowerCase();
  const traceId = around?.traceId ?? (/^[0-9a-f]{32}$/.test(plain) ? plain : id("trace", 32));
  let count = 0;
  return {
    start: (span, parent, links) => ({
      traceId,
      spanId: id(`span ${++count}`, 16),
      parentSpanId: parent?.spanId ?? around?.spanId ?? null,
      traceState: around?.state ?? "",
      parent,
      ...span,
      endedAtMs: span.startedAtMs,
      events: [],
      links,
      error: null,
    }),
    event(span, name, atMs, attributes) {
      (span as Writable).events.push({ name, atMs, attributes });
    },
    end(span, endedAtMs, attributes, error) {
      Object.assign(span as Writable, {
        endedAtMs,
        error,
        attributes: { ...span.attributes, ...attributes },
      });
      ended(span);
    },
  };
}

/** The spans of a kept record, in the order of their start. What a resumed run had told again is part of it. */
export function spansOf(record: RunRecord, options: RunSpansOptions = {}): KeptSpan[] {
  const found: KeptSpan[] = [];
  const spans = new RunSpans(listSink(record.id, { ended: (span) => found.push(span) }), options);
  const starts = attemptStarts(record.events);
  for (const { replayed: _, ...event } of record.events) {
    while (starts[0] !== undefined && starts[0].startedAtMs <= event.atMs && isAround(starts[0], event)) {
      const { attempt, startedAtMs, ...key } = starts.shift() as RunEventOf<"node-attempt">;
      spans.attemptStarted(key, attempt, startedAtMs);
    }
    spans.add(event as RunEvent);
  }
  return found.sort((a, b) => a.startedAtMs - b.startedAtMs || depthOf(a) - depthOf(b));
}

/** Attempts are told when they end: what happens in them belongs to them from their start. */
function attemptStarts(events: readonly RunEvent[]): RunEventOf<"node-attempt">[] {
  return events
    .filter((event) => event.type === "node-attempt")
    .sort((a, b) => a.startedAtMs - b.startedAtMs);
}

/** The event that starts the node comes before its first attempt, at the same time. */
function isAround(
  attempt: RunEventOf<"node-attempt">,
  event: { readonly type: string; readonly atMs: number },
) {
  return event.type !== "node-started" || attempt.startedAtMs < event.atMs;
}

function depthOf(span: KeptSpan): number {
  return span.parent === null ? 0 : 1 + depthOf(span.parent);
}
