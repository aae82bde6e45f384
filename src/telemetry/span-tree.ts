import type { CallRecord } from "../records/events.js";
import type { OutcomeError } from "../records/outcome.js";
import type { Attributes } from "./attributes.js";
import { names } from "./conventions.js";

/** A span that begins. Times are milliseconds since the run's start. */
export interface NewSpan {
  readonly name: string;
  /** `client` for what is sent to a server. */
  readonly kind: "internal" | "client";
  readonly startedAtMs: number;
  readonly attributes: Attributes;
}

/** Where spans go: a tracer, or a list. `S` is what stands for a span there. */
export interface SpanSink<S> {
  /** @param links Spans that this one needed the results of. */
  start(span: NewSpan, parent: S | null, links: readonly S[]): S;
  event(span: S, name: string, atMs: number, attributes: Attributes): void;
  end(span: S, endedAtMs: number, attributes: Attributes, error: OutcomeError | null): void;
  /** A model request has ended, for whoever counts. */
  called?(call: CallRecord): void;
}

/** A span in progress. It ends with the last one inside it, should that one end later. */
export interface Open<S> {
  readonly span: S;
  readonly parent: Open<S> | null;
  children: number;
  latestMs: number;
  end: { readonly atMs: number; readonly attributes: Attributes; readonly error: OutcomeError | null } | null;
}

/** Opens and closes spans in a sink, so that no span ends before one inside it. */
export class SpanTree<S> {
  readonly #sink: SpanSink<S>;

  constructor(sink: SpanSink<S>) {
    this.#sink = sink;
  }

  open(parent: Open<S> | null, span: NewSpan, links: readonly S[] = []): Open<S> {
    if (parent !== null) parent.children++;
    return {
      span: this.#sink.start(span, parent?.span ?? null, links),
      parent,
      children: 0,
      latestMs: span.startedAtMs,
      end: null,
    };
  }

  close(open: Open<S>, atMs: number, attributes: Attributes, error: OutcomeError | null): void {
    if (open.end !== null) return;
    open.end = { atMs: Math.max(atMs, open.latestMs), attributes, error };
    this.#finish(open);
  }

  #finish(open: Open<S>): void {
    if (open.end === null || open.children > 0) return;
    const endedAtMs = Math.max(open.end.atMs, open.latestMs);
    const { attributes, error } = open.end;
    const told = error === null ? attributes : { ...attributes, [names.errorType]: error.code };
    this.#sink.end(open.span, endedAtMs, told, error);
    const { parent } = open;
    if (parent === null) return;
    parent.children--;
    parent.latestMs = Math.max(parent.latestMs, endedAtMs);
    this.#finish(parent);
  }
}
