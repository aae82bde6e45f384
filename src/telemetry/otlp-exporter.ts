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
import { redact, redactUrl } from "../models/redact.js";
import { headerSecrets, noteAddress, noteSecrets, percentDecoded } from "../models/secrets.js";
import { type KeptSpan, listSink } from "./kept-spans.js";
import { type TimedSpan, traceRequest } from "./otlp.js";
import { RunSpans, type RunSpansOptions } from "./run-spans.js";

/** Where spans are sent. */
export interface OtlpExporterOptions extends RunSpansOptions {
  /** Headers of each request, such as a collector's key. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** The span around the runs, in another process. @default none */
  readonly parent?: RemoteSpan | null;
  /** Version of the package. */
  readonly version?: string;
  /** Attributes of the resource, such as another `service.name`. @default none */
  readonly resource?: Readonly<Record<string, string>>;
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
/** How long the last spans may take in all, from a collector that answers slowly. */
const flushWithinMs = 10_000;
/** A collector that is away must not fill the memory: what is older is dropped, and told. */
const mostSpans = 50_000;
const spansPerRequest = 2000;
/** What the protocol says may be sent again; every other refusal is of these spans, and they are dropped. */
const retryable = new Set([429, 502, 503, 504]);

/**
 * An instrument that sends spans as OTLP/HTTP in JSON, every second and when it is flushed. What a collector could not take
 * for the moment (no connection, no answer within 5 s, 429, 502, 503, 504) is sent again with the next ones.
 * @param url The collector: `http://localhost:4318`, or the whole address of its traces (`…/v1/traces`). A user and a
 * password in it are sent as basic authorization.
 */
export function otlpExporter(url: string, options: OtlpExporterOptions): OtlpExporter {
  const { address, authorization } = tracesAddress(url);
  const headers = { ...authorization, ...options.headers, "content-type": "application/json" };
  noteAddress(url);
  noteSecrets(headerSecrets(headers));
  const waiting: TimedSpan[] = [];
  let sending: Promise<boolean> | null = null;
  let notBefore = 0;
  let told = false;
  let dropped = 0;
  const problem = (why: string) => {
    if (told) return;
    told = true;
    options.onProblem(`Traces cannot be sent to ${redactUrl(address)}: ${why}.`);
  };

  /** Gives whether the collector is done with the spans: it has them, or does not want them. */
  const post = async (batch: readonly TimedSpan[], withinMs: number): Promise<boolean> => {
    const response = await fetch(address, {
      method: "POST",
      headers,
      body: JSON.stringify(traceRequest(batch, options)),
      signal: AbortSignal.timeout(withinMs),
    });
    const said = await response.text();
    if (response.ok) {
      const { rejected, why } = rejectedIn(said);
      if (rejected > 0) problem(`it did not take ${rejected} spans${why === "" ? "" : ` (${redact(why)})`}`);
      return true;
    }
    if (response.status === 413 && batch.length > 1) {
      const half = batch.length >> 1;
      return (await post(batch.slice(0, half), withinMs)) && (await post(batch.slice(half), withinMs));
    }
    problem(`it answered with status ${response.status}`);
    if (!retryable.has(response.status)) return true;
    notBefore = Date.now() + retryAfterMs(response.headers.get("retry-after"));
    return false;
  };
  /** Gives whether all was sent. */
  const send = async (withinMs: number): Promise<boolean> => {
    const endsAt = performance.now() + withinMs;
    while (waiting.length > 0) {
      const leftMs = endsAt - performance.now();
      const batch = waiting.splice(0, spansPerRequest);
      try {
        if (leftMs <= 0) problem(`it is too slow, and ${batch.length + waiting.length} spans were left`);
        else if (await post(batch, Math.min(answerWithinMs, Math.ceil(leftMs)))) continue;
      } catch (error) {
        problem(errorMessage(error instanceof Error ? (error.cause ?? error) : error));
      }
      waiting.unshift(...batch);
      return false;
    }
    return true;
  };
  const start = (withinMs: number): Promise<boolean> => {
    sending = send(withinMs).finally(() => {
      sending = null;
    });
    return sending;
  };
  const flush = async (): Promise<void> => {
    // A collector that has just not answered is not waited for a second time.
    if (sending === null || (await sending)) await start(flushWithinMs);
    if (dropped > 0) problem(`${dropped} spans were dropped, because it took none for too long`);
  };
  const timer = setInterval(() => {
    if (sending === null && Date.now() >= notBefore) void start(Number.POSITIVE_INFINITY);
  }, flushEveryMs);
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

/** An address without a path is a collector's base; `fetch` takes none with a password in it. */
function tracesAddress(url: string): {
  readonly address: string;
  readonly authorization: Record<string, string>;
} {
  const parsed = new URL(url);
  if (parsed.pathname === "/") parsed.pathname = "/v1/traces";
  const { username, password } = parsed;
  if (username === "" && password === "") return { address: parsed.toString(), authorization: {} };
  parsed.username = "";
  parsed.password = "";
  const pair = Buffer.from(`${percentDecoded(username)}:${percentDecoded(password)}`).toString("base64");
  return { address: parsed.toString(), authorization: { authorization: `Basic ${pair}` } };
}

/** Spans that a collector refused though it took the request (`partialSuccess`). */
function rejectedIn(answer: string): { readonly rejected: number; readonly why: string } {
  try {
    const { partialSuccess } = JSON.parse(answer);
    const { rejectedSpans = 0, errorMessage: why = "" } = partialSuccess ?? {};
    return { rejected: Number(rejectedSpans) || 0, why: String(why) };
  } catch {
    return { rejected: 0, why: "" };
  }
}

/** Seconds or a date, at most a minute from now. */
function retryAfterMs(header: string | null): number {
  if (header === null) return 0;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Math.min(Math.max(ms || 0, 0), 60_000);
}
