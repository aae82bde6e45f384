import type { RunRecord } from "../records/record.js";
import { type KeptSpan, spansOf } from "./kept-spans.js";
import type { RunSpansOptions } from "./run-spans.js";

/**
 * A record as a trace-event file (JSON, times in microseconds), which Perfetto and Chrome's tracing page open. Spans that
 * overlap lie on tracks of their own, a span inside another on the same one where there is room; arrows go from a node to
 * what needed it.
 */
export function perfettoTrace(record: RunRecord, options: RunSpansOptions = {}): object {
  const spans = spansOf(record, options);
  const tracks = tracksOf(spans);
  const micros = (ms: number) => Math.round(ms * 1000);
  const at = (span: KeptSpan) => ({ pid: 1, tid: tracks.get(span) as number });
  const named = new Set<number>();
  const traceEvents: object[] = [
    { ph: "M", pid: 1, name: "process_name", args: { name: `${record.dag.name} (${record.topology})` } },
  ];
  let arrows = 0;
  for (const span of spans) {
    const { tid } = at(span);
    if (!named.has(tid)) {
      named.add(tid);
      traceEvents.push(
        { ph: "M", pid: 1, tid, name: "thread_name", args: { name: span.name } },
        { ph: "M", pid: 1, tid, name: "thread_sort_index", args: { sort_index: tid } },
      );
    }
    const ts = micros(span.startedAtMs);
    traceEvents.push({
      ph: "X",
      ...at(span),
      name: span.name,
      cat: span.kind === "client" ? "model" : "node",
      ts,
      dur: micros(span.endedAtMs) - ts,
      args: { ...span.attributes, ...(span.error !== null && { error: span.error.message }) },
    });
    for (const { name, atMs, attributes } of span.events)
      traceEvents.push({ ph: "i", s: "t", ...at(span), name, ts: micros(atMs), args: attributes });
    for (const need of span.links) {
      const arrow = { name: "needs", cat: "needs", id: ++arrows };
      traceEvents.push(
        { ph: "s", ...arrow, ...at(need), ts: micros(need.endedAtMs) },
        { ph: "f", bp: "e", ...arrow, ...at(span), ts },
      );
    }
  }
  return { displayTimeUnit: "ms", traceEvents };
}

/** A track for each span: its parent's where no other span inside the parent is there at that time, else the first free one. */
function tracksOf(spans: readonly KeptSpan[]): Map<KeptSpan, number> {
  const tracks = new Map<KeptSpan, number>();
  /** The spans that lie on a track one within the other, innermost last. */
  const stacks: KeptSpan[][] = [];
  for (const span of spans) {
    for (const stack of stacks)
      while (
        stack.length > 0 &&
        (stack.at(-1) as KeptSpan).endedAtMs <= span.startedAtMs &&
        stack.at(-1) !== span.parent
      )
        stack.pop();
    const own = span.parent === null ? undefined : tracks.get(span.parent);
    const fits = (track: number) => {
      const top = stacks[track]?.at(-1);
      return top === undefined || top === span.parent;
    };
    let track = own !== undefined && fits(own) ? own : stacks.findIndex((stack) => stack.length === 0);
    if (track < 0) track = stacks.length;
    const stack = stacks[track] ?? [];
    stack.push(span);
    stacks[track] = stack;
    tracks.set(span, track);
  }
  return tracks;
}
