/** A piece of work with the times that a record holds of it. */
export interface Span {
  readonly name: string;
  readonly needs: readonly string[];
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

/**
 * The longest chain of started-to-ended durations over edges whose need settled before its successor was ready.
 * A need that settled later (its successor's join was satisfied without it) is not an edge of what happened.
 */
export function criticalPath(spans: readonly Span[]): CriticalPath {
  const byName = new Map(spans.map((span) => [span.name, span]));
  const longest = new Map<string, { durationMs: number; via: string | null }>();
  const entered = new Set<Span>();
  const stack: Span[] = [];
  // A stack of its own: chains may be longer than calls can nest. Equal times can make a circle; its edge back counts 0.
  const measure = (last: Span): number => {
    stack.push(last);
    for (let span = stack.at(-1); span !== undefined; span = stack.at(-1)) {
      if (!longest.has(span.name) && !entered.has(span)) {
        entered.add(span);
        for (const name of span.needs) {
          const need = byName.get(name);
          if (need === undefined || longest.has(name) || entered.has(need)) continue;
          if (settledBefore(need, span)) stack.push(need);
        }
        continue;
      }
      stack.pop();
      if (longest.has(span.name)) continue;
      let [best, via]: [number, string | null] = [0, null];
      for (const name of span.needs) {
        const need = byName.get(name);
        const reached = longest.get(name)?.durationMs ?? 0;
        if (reached > best && need !== undefined && settledBefore(need, span)) [best, via] = [reached, name];
      }
      longest.set(span.name, { durationMs: best + ownDuration(span), via });
    }
    return longest.get(last.name)?.durationMs ?? 0;
  };

  let end: string | null = null;
  let durationMs = 0;
  for (const span of spans) {
    const reached = measure(span);
    if (reached > durationMs) {
      durationMs = reached;
      end = span.name;
    }
  }
  const names: string[] = [];
  for (let name = end; name !== null; name = longest.get(name)?.via ?? null) names.push(name);
  return { durationMs, names: names.reverse() };
}

function ownDuration(span: Span): number {
  return span.startedAtMs === null || span.endedAtMs === null
    ? 0
    : Math.max(0, span.endedAtMs - span.startedAtMs);
}

function settledBefore(need: Span, successor: Span): boolean {
  const ready = successor.readyAtMs ?? successor.startedAtMs;
  return need.endedAtMs !== null && (ready === null || need.endedAtMs <= ready);
}
