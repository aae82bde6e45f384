/** A piece of work with the times that a record holds of it. */
export interface Span {
  readonly name: string;
  /** What it needed; `null` where whatever ended before may have led to it, for all spans or for none. */
  readonly needs: readonly string[] | null;
  /** Milliseconds since the run's start; `null` when never reached. */
  readonly readyAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
}

export interface CriticalPath {
  readonly durationMs: number;
  /** The spans on it, first to last. */
  readonly names: readonly string[];
}

/** The longest chain up to a span's end, and the span before it on that chain. */
interface Chain {
  readonly durationMs: number;
  readonly via: string | null;
}

/**
 * The longest chain of started-to-ended durations over edges whose need settled before its successor was ready.
 * A need that settled later (its successor's join was satisfied without it) is not an edge of what happened.
 */
export function criticalPath(spans: readonly Span[]): CriticalPath {
  const longest = spans.some(({ needs }) => needs === null) ? chainsInTime(spans) : chainsOfNeeds(spans);
  let end: string | null = null;
  let durationMs = 0;
  for (const { name } of spans) {
    const reached = longest.get(name)?.durationMs ?? 0;
    if (reached > durationMs) {
      durationMs = reached;
      end = name;
    }
  }
  const names: string[] = [];
  for (let name = end; name !== null; name = longest.get(name)?.via ?? null) names.push(name);
  return { durationMs, names: names.reverse() };
}

function chainsOfNeeds(spans: readonly Span[]): ReadonlyMap<string, Chain> {
  const byName = new Map(spans.map((span) => [span.name, span]));
  const longest = new Map<string, Chain>();
  const entered = new Set<Span>();
  const stack: Span[] = [];
  // A stack of its own: chains may be longer than calls can nest. Equal times can make a circle; its edge back counts 0.
  const measure = (last: Span) => {
    stack.push(last);
    for (let span = stack.at(-1); span !== undefined; span = stack.at(-1)) {
      const needs = span.needs ?? [];
      if (!longest.has(span.name) && !entered.has(span)) {
        entered.add(span);
        for (const name of needs) {
          const need = byName.get(name);
          if (need === undefined || longest.has(name) || entered.has(need)) continue;
          if (settledBefore(need, span)) stack.push(need);
        }
        continue;
      }
      stack.pop();
      if (longest.has(span.name)) continue;
      let [best, via]: [number, string | null] = [0, null];
      for (const name of needs) {
        const need = byName.get(name);
        const reached = longest.get(name)?.durationMs ?? 0;
        if (reached > best && need !== undefined && settledBefore(need, span)) [best, via] = [reached, name];
      }
      longest.set(span.name, { durationMs: best + ownDuration(span), via });
    }
  };
  for (const span of spans) measure(span);
  return longest;
}

/** Each span after any that ended before it was ready: one sweep in the order of time, the first of equally long chains. */
function chainsInTime(spans: readonly Span[]): ReadonlyMap<string, Chain> {
  const places = new Map(spans.map(({ name }, place) => [name, place]));
  const placeOf = (name: string) => places.get(name) ?? 0;
  const longest = new Map<string, Chain>();
  const inTime = (first: number, second: number) => (first === second ? 0 : first - second);
  const byReady = [...spans].sort(
    (a, b) =>
      inTime(readyAt(a), readyAt(b)) || inTime(endOf(a), endOf(b)) || placeOf(a.name) - placeOf(b.name),
  );
  const byEnd = spans.filter(({ endedAtMs }) => endedAtMs !== null).sort((a, b) => endOf(a) - endOf(b));
  let best: Chain = { durationMs: 0, via: null };
  const offer = ({ name }: Span) => {
    const durationMs = longest.get(name)?.durationMs ?? 0; // 0 where it comes later in the sweep
    const isFirst = best.via !== null && placeOf(name) < placeOf(best.via);
    if (durationMs > best.durationMs || (durationMs === best.durationMs && isFirst))
      best = { durationMs, via: name };
  };
  let ended = 0;
  for (const span of byReady) {
    for (let one = byEnd[ended]; one !== undefined && endOf(one) <= readyAt(span); one = byEnd[++ended])
      offer(one);
    longest.set(span.name, { durationMs: best.durationMs + ownDuration(span), via: best.via });
    if (endOf(span) <= readyAt(span)) offer(span); // it took no time: the sweep over ends has passed it
  }
  return longest;
}

function ownDuration(span: Span): number {
  return span.startedAtMs === null || span.endedAtMs === null
    ? 0
    : Math.max(0, span.endedAtMs - span.startedAtMs);
}

function settledBefore(need: Span, successor: Span): boolean {
  return need.endedAtMs !== null && need.endedAtMs <= readyAt(successor);
}

function readyAt({ readyAtMs, startedAtMs }: Span): number {
  return readyAtMs ?? startedAtMs ?? Number.POSITIVE_INFINITY;
}

function endOf({ endedAtMs }: Span): number {
  return endedAtMs ?? Number.POSITIVE_INFINITY;
}
