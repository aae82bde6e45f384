/** Where milliseconds lie on a row of cells. */
export interface TimeAxis {
  /** End of the axis in milliseconds, above 0. */
  readonly spanMs: number;
  readonly cells: number;
  /** Cell and label of each tick, left to right. */
  readonly ticks: readonly { readonly cell: number; readonly label: string }[];
}

/** Shortest axis, in milliseconds: what is shorter than ten microseconds is drawn on it. */
const leastSpanMs = 0.01;

/** An axis from 0 to `spanMs` over `cells` cells, with ticks at round seconds that leave room for their labels. */
export function createTimeAxis(spanMs: number, cells: number): TimeAxis {
  const span = spanMs > 0 ? Math.max(leastSpanMs, spanMs) : 1;
  for (const stepMs of roundSteps(span / 100)) {
    const count = Math.floor(span / stepMs + 1e-9);
    const decimals = Math.max(0, -Math.floor(Math.log10(stepMs / 1000) + 1e-9));
    const ticks = Array.from({ length: count + 1 }, (_, index) => ({
      cell: Math.min(cells - 1, Math.round(((index * stepMs) / span) * cells)),
      label: index === 0 ? "0 s" : `${((index * stepMs) / 1000).toFixed(decimals)}`,
    }));
    const widest = Math.max(6, ...ticks.map((tick) => tick.label.length));
    if ((cells * stepMs) / span >= widest + 2 || stepMs > span) {
      return { spanMs: span, cells, ticks: ticks.filter((tick) => tick.cell + tick.label.length <= cells) };
    }
  }
  return { spanMs: span, cells, ticks: [] };
}

/** Steps of 1, 2 and 5 times a power of ten, from `least` on. */
function* roundSteps(least: number): Generator<number> {
  for (let power = 10 ** Math.floor(Math.log10(least)); power <= least * 1e5; power *= 10) {
    for (const factor of [1, 2, 5]) yield factor * power;
  }
}

/** The cells that an interval covers, as numbers with fractions, clamped to the axis. */
export function cellsOf(axis: TimeAxis, fromMs: number, toMs: number): { from: number; to: number } {
  const place = (ms: number) => Math.min(axis.cells, Math.max(0, (ms / axis.spanMs) * axis.cells));
  const from = place(fromMs);
  return { from, to: Math.max(from, place(toMs)) };
}
