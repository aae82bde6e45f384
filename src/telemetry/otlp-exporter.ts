import { randomUUID } from "node:crypto";
import {
  type Instrument,
  type Instrumentation,
  instrumentation,
  type RemoteSpan,
  type RunClock,
  type RunInstrument,
} from "../../nodes/engine/instrument.js";
import { errorMessage } from "../errors.js";
import { redactUrl } from "../models/redact.js";
import { headerSecrets, noteAddress, noteSecrets } from "../models/secrets.js";
import { type KeptSpan, listSink } from "./kept-spans.js";
import { traceRequest } from "./otlp.js";
import { RunSpans, type RunSpansOptions } from "./run-spans.js";

/** Where spans are sent. */
export interface OtlpExporterOptions extends RunSpansOptions {
  /** Headers of each request, such as a collector's key. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** The span around the runs, in another process. @default none */
  readonly parent?: RemoteSpan | null;
  /** Version of the package. */
  readonly version?: string;
  /** Told once what went wrong; the run goes on without minding it. */
  readonly onProblem: (message: string) => void;
}

/** Sends the spans of runs to a collector. */
export type OtlpExporter = Instrumentation & {
  /** Sends what has ended and waits until the collector has it, or does not answer. */
  flush(): Promise<void>;
};

const flushEveryMs = 1000;
const answerWithinMs = 5000;
/** A collector that is away must not fill the memory: what is older is dropped, and told. */
const mostSpans = 50_000;
const spansPerRequest = 2000;

/**
 * An instrument that sends spans as OTLP/HTTP in JSON, every second and when it is flushed. A request that fails is sent
 * again with the next ones.
 * @param url The collector: `http://localhost:4318`, or the whole address of its traces (`…/v1/traces`).
 */
export function otlpExporter(url: string, options: OtlpExporterOptions): OtlpExporter {
  const address = tracesUrl(url);
  noteAddress(url);
  noteSecrets(headerSecrets(options.headers));
  const waiting: { readonly span: KeptSpan; readonly startedAt: number }[] = [];
  let sending: Promise<void> | null = null;
  let told = false;
  let dropped = 0;
  const problem = (why: string) => {
    if (told) return;
    told = true;
    options.onProblem(`Traces cannot be sent to ${redactUrl(address)}: ${why}.`);
  };

  const post = async (batch: typeof waiting): Promise<void> => {
    for (const [startedAt, spans] of byStart(batch)) {
      const response = await fetch(address, {
        method: "POST",
        headers: { "content-type": "application/json", ...options.headers },
        body: JSON.stringify(traceRequest(spans, startedAt, options.version)),
        signal: AbortSignal.timeout(answerWithinMs),
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`it answered with status ${response.status}`);
    }
  };
  const send = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, spansPerRequest);
      try {
        await post(batch);
      } catch (error) {
        waiting.unshift(...batch);
        return problem(errorMessage(error instanceof Error ? (error.cause ?? error) : error));
      }
    }
  };
  const flush = async (): Promise<void> => {
    await sending;
    sending = send().finally(() => {
      sending = null;
    });
    await sending;
    if (dropped > 0) problem(`${dropped} spans were dropped, because it took none for too long`);
  };
  const timer = setInterval(() => void (sending ?? flush()), flushEveryMs);
  timer.unref();

  const under = (parent: RemoteSpan | null): Instrument => ({
    texts: options.texts === true,
    observeRun: (clock) => observed(clock, parent),
  });
  const observed = (clock: RunClock, parent: RemoteSpan | null): RunInstrument => {
    // Whoever asked for the run records none of it.
    if (parent?.isSampled === false) return { onEvent: () => {}, within: (_place, code) => code() };
    let spans: RunSpans<KeptSpan> | undefined;
    return {
      onEvent(event) {
        if (event.type === "run-started") {
          const startedAt = Date.now() - clock.nowMs();
          const sink = listSink(event.id, {
            parent,
            // A resumed run has the id of the run that it goes on with: its spans are others.
            part: randomUUID(),
            ended(span) {
              waiting.push({ span, startedAt });
              if (waiting.length > mostSpans) {
                waiting.shift();
                dropped++;
              }
            },
          });
          spans = new RunSpans(sink, options, clock.elapsedMs);
        }
        spans?.add(event);
      },
      within(place, code) {
        if (place.kind === "attempt") spans?.attemptStarted(place.key, place.attempt, place.atMs);
        else if (place.kind === "tool") spans?.toolStarted(place.key, place.tool, place.call, place.atMs);
        return code();
      },
    };
  };

  return instrumentation({
    ...under(options.parent ?? null),
    caller: () => options.parent ?? null,
    under: (parent: RemoteSpan) => instrumentation(under(parent)),
    flush,
  });
}

function byStart(batch: readonly { readonly span: KeptSpan; readonly startedAt: number }[]) {
  const groups = new Map<number, KeptSpan[]>();
  for (const { span, startedAt } of batch) {
    const group = groups.get(startedAt);
    if (group === undefined) groups.set(startedAt, [span]);
    else group.push(span);
  }
  return groups;
}

/** An address without a path is a collector's base. */
function tracesUrl(url: string): string {
  const parsed = new URL(url);
  if (parsed.pathname === "/") parsed.pathname = "/v1/traces";
  return parsed.toString();
}
