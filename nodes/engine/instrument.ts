import type { ModelMiddleware } from "../../src/models/port.js";
import type { RunEvent } from "../../src/records/events.js";
import type { WorkKey } from "../../src/records/work-id.js";
import type { RunOptions } from "./run-options.js";

/** Where in a run a piece of code runs: an attempt of a function or a tool, a tool that an agent called, a model request. */
export type Place =
  | { readonly kind: "attempt"; readonly key: WorkKey; readonly attempt: number; readonly atMs: number }
  | {
      readonly kind: "tool";
      readonly key: WorkKey;
      readonly tool: string;
      readonly call: string;
      readonly atMs: number;
    }
  | { readonly kind: "call"; readonly call: string };

/** One run as an instrument sees it. What it throws changes nothing about the run. */
export interface RunInstrument {
  /** Takes each event as it is emitted; it must not change it. */
  onEvent(event: RunEvent): void;
  /** Runs code that belongs to a place, and returns what it returns. */
  within<T>(place: Place, code: () => T): T;
}

/** The clock of a run, which runs from its `run-started` event on. */
export interface RunClock {
  /** Milliseconds since the run's start. */
  nowMs(): number;
  /** What it begins with: above 0 where a resumed run goes on. */
  readonly elapsedMs: number;
}

/** A span of another process, as W3C trace context names it. */
export interface RemoteSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether the caller records its trace; one that does not wants no spans. */
  readonly isSampled: boolean;
  /** What tracing systems pass on (`tracestate`); empty for nothing. */
  readonly state: string;
}

/**
 * Something that watches runs from inside, such as tracing: given in `use` or as `onEvent`, it is asked once for each run,
 * in the caller's own asynchronous context.
 */
export interface Instrument {
  /** Whether it wants prompts and replies in the events. @default false */
  readonly texts?: boolean;
  observeRun(clock: RunClock): RunInstrument;
  /** The same for one run that a span of another process has asked for. @default runs are not told apart */
  under?(parent: RemoteSpan): Instrumentation;
  /** The span under which a run that begins now would stand: what other processes are told that run in its place. @default none */
  caller?(): RemoteSpan | null;
}

/** An instrument that can stand in `use` and as `onEvent`. */
export type Instrumentation = Instrument & ModelMiddleware & ((event: RunEvent) => void);

/** An instrument as what `use` and `onEvent` take; what it does is done by the part that each run asks it for. */
export function instrumentation<T extends Instrument>(instrument: T): Instrumentation & T {
  const self = (given: unknown) => given;
  for (const [name, value] of Object.entries(instrument)) Object.defineProperty(self, name, { value });
  return self as Instrumentation & T;
}

/** An instrument that only listens, for `use`: it hears what each run emits, and nothing is different for the run. */
export function listener(onEvent: (event: RunEvent) => void): Instrumentation {
  return instrumentation({ observeRun: () => ({ onEvent, within: (_place, code) => code() }) });
}

/** Whether something given in `use` or as `onEvent` watches runs from inside. */
export function isInstrument(value: unknown): value is Instrument {
  return typeof value === "function" && "observeRun" in value && typeof value.observeRun === "function";
}

/** The options with the instruments taken out of them: each counts once, wherever it was given. */
export function splitInstruments(options: RunOptions): {
  readonly options: RunOptions;
  readonly instruments: readonly Instrument[];
} {
  const { use = [], onEvent, ...others } = options;
  const instruments: ReadonlySet<unknown> = new Set([...use, onEvent].filter(isInstrument));
  if (instruments.size === 0) return { options, instruments: [] };
  const middleware = use.filter((one) => !instruments.has(one));
  return {
    options: {
      ...others,
      ...([...instruments].some((one) => (one as Instrument).texts === true) && { texts: true }),
      ...(middleware.length > 0 && { use: middleware }),
      ...(onEvent !== undefined && !instruments.has(onEvent) && { onEvent }),
    },
    instruments: [...instruments] as Instrument[],
  };
}

/** The options with each instrument under the span that asked for this run. */
export function underSpan<T extends Pick<RunOptions, "use">>(options: T, parent: RemoteSpan | null): T {
  if (parent === null || options.use === undefined) return options;
  return {
    ...options,
    use: options.use.map((one) => (isInstrument(one) ? (one.under?.(parent) ?? one) : one)),
  };
}

/** The span that stands above what is started with these options now; `null` where there is none. */
export function callerIn({ use = [], onEvent }: Pick<RunOptions, "use" | "onEvent">): RemoteSpan | null {
  for (const one of [...use, onEvent]) {
    // Every function inherits a `caller` that throws when it is read.
    const caller = isInstrument(one) && Object.hasOwn(one, "caller") ? one.caller?.() : undefined;
    if (caller) return caller;
  }
  return null;
}

/** The options with an instrument that was given as `onEvent` where it works: in `use`. */
export function instrumentsInUse(options: RunOptions): RunOptions {
  const { use = [], onEvent, ...others } = options;
  if (!isInstrument(onEvent)) return options;
  return { ...others, use: use.includes(onEvent as never) ? use : [...use, onEvent as never] };
}

/** Runs the steps of a stream within a place. Not a generator, which would cost each reply several promises. */
export function streamWithin<T>(
  within: <R>(place: Place, code: () => R) => R,
  place: Place,
  stream: AsyncIterable<T>,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const steps = within(place, () => stream[Symbol.asyncIterator]());
      return {
        next: () => within(place, () => steps.next()),
        async return() {
          await within(place, () => steps.return?.());
          return { done: true, value: undefined };
        },
      };
    },
  };
}
