import {
  type Context,
  context,
  createContextKey,
  createTraceState,
  type Histogram,
  isSpanContextValid,
  type Meter,
  metrics,
  type Attributes as OtelAttributes,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import {
  type Instrumentation,
  instrumentation,
  type Place,
  type RemoteSpan,
  type RunClock,
  type RunInstrument,
} from "../../nodes/engine/instrument.js";
import type { ModelMiddleware } from "../models/port.js";
import type { CallRecord, RunEvent } from "../records/events.js";
import type { WorkKey } from "../records/work-id.js";
import { assertOptions } from "../spec/issue.js";
import type { Attributes } from "./attributes.js";
import { histograms, names, providerAndModel } from "./conventions.js";
import { RunSpans } from "./run-spans.js";
import type { NewSpan, SpanSink } from "./span-tree.js";

/** How runs are traced. */
export interface TracedOptions {
  /** Makes the spans. @default the tracer `agent-dag` of the global tracer provider */
  readonly tracer?: Tracer;
  /** Takes the histograms of the conventions. @default the meter `agent-dag` of the global meter provider */
  readonly meter?: Meter;
  /**
   * Whether prompts, replies and values are told, without what looks like a key. The run's record then holds prompts and
   * replies too. @default false
   */
  readonly texts?: boolean;
}

/**
 * Middleware and observer in one: an entry of `use`, or the run's `onEvent`; given in both places, it counts once. `middleware`
 * and `onEvent` are the same thing under the name of the place.
 */
export type Traced = Instrumentation & {
  readonly middleware: ModelMiddleware;
  readonly onEvent: (event: RunEvent) => void;
  /** For `{ ...traced() }` in a run's options. */
  readonly use: readonly ModelMiddleware[];
};

/**
 * Traces runs with OpenTelemetry: give it in `use` of `run`, `stream`, `resume`, `compare`, `compile` or `runMany`. Run → node
 * (items, rounds) → attempt → model request and tool call become one tree of spans under the span that is active where the
 * run is started; a node's span links to those of its needs. While a function, a tool or a model request runs, its span is
 * the active one, so that what it does itself is traced below it. Names follow the GenAI conventions and OpenInference.
 *
 * Without a tracer provider and without a meter provider it does nothing.
 *
 * @example
 * ```ts
 * await run(dag, input, { use: [traced()] });
 * ```
 */
export function traced(options: TracedOptions = {}): Traced {
  assertOptions("traced", options);
  const self = instrumentation({
    texts: options.texts === true,
    observeRun: (clock: RunClock) => traceRun(options, clock, null),
    caller: activeSpan,
    under: (parent: RemoteSpan) =>
      instrumentation({
        texts: options.texts === true,
        observeRun: (clock: RunClock) => traceRun(options, clock, parent),
      }),
  });
  for (const name of ["middleware", "onEvent"]) Object.defineProperty(self, name, { value: self });
  return Object.assign(self, { use: [self] }) as Instrumentation as Traced;
}

/** Where in a traced run user code runs, for a run that it starts. */
interface UserCode {
  readonly spans: RunSpans<Span>;
  readonly key: WorkKey;
  /** The time of the day by the outer run's clock, to a part of a millisecond: both runs' spans lie on one scale. */
  readonly epochMs: () => number;
}
const userCode = createContextKey("agent_dag.user_code");

function traceRun(
  { texts = false, ...given }: TracedOptions,
  clock: RunClock,
  parent: RemoteSpan | null,
): RunInstrument {
  const active = context.active();
  // A server that is traced itself has taken the caller's span up already: the run stands under the server's.
  const isRemote = parent !== null && trace.getSpan(active) === undefined;
  const around = isRemote ? trace.setSpanContext(active, spanContextOf(parent)) : active;
  const tracer = given.tracer ?? trace.getTracer("agent-dag");
  const sink = tracerSink(tracer, around, () => given.meter ?? metrics.getMeter("agent-dag"));
  const spans = new RunSpans<Span>(sink, { texts }, clock.elapsedMs);
  const outer = active.getValue(userCode) as UserCode | undefined;
  /** Of requests under way: each step of a reply is taken in the same one. */
  const callContexts = new Map<string, Context>();
  let ended = () => {};
  let origin = 0;
  return {
    onEvent(event) {
      if (event.type === "call-ended") callContexts.delete(event.call.id);
      if (event.type === "run-started") {
        origin = (outer?.epochMs() ?? Date.now()) - clock.nowMs();
        sink.startAt(origin);
        if (outer !== undefined) ended = outer.spans.tracedWithin(outer.key, Object.keys(event.dag.nodes));
      } else if (event.type === "run-ended") ended();
      spans.add(event);
    },
    within(place, code) {
      const known = place.kind === "call" ? callContexts.get(place.call) : undefined;
      if (known !== undefined) return context.with(known, code);
      const span = spanAt(spans, place);
      if (span === undefined) return code();
      const inside = trace.setSpan(around, span);
      if (place.kind === "call") {
        callContexts.set(place.call, inside);
        return context.with(inside, code);
      }
      return context.with(
        inside.setValue(userCode, {
          spans,
          key: place.key,
          epochMs: () => origin + clock.nowMs(),
        } satisfies UserCode),
        code,
      );
    },
  };
}

/** The active span as other processes are told of it. */
function activeSpan(): RemoteSpan | null {
  const span = trace.getSpanContext(context.active());
  if (span === undefined || !isSpanContextValid(span)) return null;
  const { traceId, spanId, traceFlags, traceState } = span;
  const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  return { traceId, spanId, isSampled, state: traceState?.serialize() ?? "" };
}

function spanContextOf({ traceId, spanId, isSampled, state }: RemoteSpan): SpanContext {
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  const traceState = state === "" ? {} : { traceState: createTraceState(state) };
  return { traceId, spanId, traceFlags, isRemote: true, ...traceState };
}

function spanAt(spans: RunSpans<Span>, place: Place): Span | undefined {
  if (place.kind === "call") return spans.callSpan(place.call);
  if (place.kind === "tool") {
    spans.toolStarted(place.key, place.tool, place.call, place.atMs);
    return spans.toolSpan(place.key, place.call, place.atMs);
  }
  spans.attemptStarted(place.key, place.attempt, place.atMs);
  return spans.attemptSpan(place.key);
}

/** A tracer and a meter as the sink of a run's spans. */
function tracerSink(tracer: Tracer, around: Context, meter: () => Meter) {
  let origin = 0;
  let counters: Counters | undefined;
  const at = (ms: number) => origin + ms;
  const sink: SpanSink<Span> & { startAt(epochMs: number): void } = {
    /** Ties the run's clock to the one of the day, as the SDK does: a clock of the process falls behind while a machine sleeps. */
    startAt(epochMs) {
      origin = epochMs;
    },
    start: ({ name, kind, startedAtMs, attributes }: NewSpan, parent, links) =>
      tracer.startSpan(
        name,
        {
          kind: kind === "client" ? SpanKind.CLIENT : SpanKind.INTERNAL,
          startTime: at(startedAtMs),
          attributes: otelAttributes(attributes),
          links: links.map((span) => ({
            context: span.spanContext(),
            attributes: { [names.edge]: "needs" },
          })),
        },
        parent === null ? around : trace.setSpan(around, parent),
      ),
    event: (span, name, atMs, attributes) => {
      span.addEvent(name, otelAttributes(attributes), at(atMs));
    },
    end(span, endedAtMs, attributes, error) {
      span.setAttributes(otelAttributes(attributes));
      if (error !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      span.end(at(endedAtMs));
    },
    called(call) {
      counters ??= countersOf(meter());
      count(counters, call);
    },
  };
  return sink;
}

type Counters = Readonly<Record<keyof typeof histograms, Histogram>>;

function countersOf(meter: Meter): Counters {
  const made = Object.entries(histograms).map(([key, { name, unit, description, boundaries }]) => {
    const advice = { explicitBucketBoundaries: [...boundaries] };
    return [key, meter.createHistogram(name, { unit, description, advice })];
  });
  return Object.fromEntries(made);
}

/** A failed request that was told nothing of has no tokens, rather than none counted. */
function count(counters: Counters, call: CallRecord): void {
  const { provider, model } = providerAndModel(call.model);
  const attributes = {
    [names.operation]: "chat",
    [names.provider]: provider,
    [names.requestModel]: model,
    ...(call.responseModel !== undefined && { [names.responseModel]: call.responseModel }),
  };
  const failure = call.error === null ? {} : { [names.errorType]: call.error.code };
  counters.duration.record(call.durationMs / 1000, { ...attributes, ...failure });
  counters.inferenceDuration.record(call.durationMs / 1000, { ...attributes, ...failure });
  if (call.inputTokens + call.outputTokens === 0 && call.error !== null) return;
  counters.tokens.record(call.inputTokens, { ...attributes, [names.tokenType]: "input" });
  counters.tokens.record(call.outputTokens, { ...attributes, [names.tokenType]: "output" });
  counters.inputTokens.record(call.inputTokens, { ...attributes, ...failure });
  counters.outputTokens.record(call.outputTokens, { ...attributes, ...failure });
}

const otelAttributes = (attributes: Attributes) => attributes as OtelAttributes;
