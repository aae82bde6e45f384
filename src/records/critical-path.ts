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
  const visiting = new Set<string>();

  const visit = (span: Span): number => {
    const known = longest.get(span.name);
    if (known !== undefined) return known.durationMs;
    if (visiting.has(span.name)) return 0;
    visiting.add(span.name);
    let best = 0;
    let via: string | null = null;
    for (const need of span.needs) {
      const before = byName.get(need);
      if (before === undefined || !settledBefore(before, span)) continue;
      const reached = visit(before);
      if (reached > best) {
        best = reached;
        via = need;
      }
    }
    const durationMs = best + ownDuration(span);
    longest.set(span.name, { durationMs, via });
    return durationMs;
  };

  let end: string | null = null;
  let durationMs = 0;
  for (const span of spans) {
    const reached = visit(span);
    if (reached > durationMs) {
      durationMs = reached;
      end = span.name;
    }
  }
  const names: string[] = [];
  for (let name = end; name !== null; name = longest.get(name)?.via ?? null) names.unshift(name);
  return { durationMs, names };
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
