import type { BatchItem } from "../batch/item.js";
import { Percentiles } from "../batch/percentiles.js";
import type { RunRecord } from "../records/record.js";
import type { PageBatch, PageSpread } from "./page-model.js";

/** Runs of each sort that a report holds. */
const heldOfEach = 10;

/** A row that a report may show whole. */
export interface SampledRow {
  readonly item: BatchItem;
  /** Absent where the row was not run now. */
  readonly record?: RunRecord;
}

/** What a report shows of a batch of any size: figures of all rows, and the slowest, the dearest, the first and the first failed ones. */
export class BatchSample {
  readonly #states = new Map<string, number>();
  readonly #codes = new Map<string, number>();
  readonly #times = new Percentiles();
  readonly #costs = new Percentiles();
  #costUsd: number | null = 0;
  readonly #first: SampledRow[] = [];
  readonly #failed: SampledRow[] = [];
  #slowest: SampledRow[] = [];
  #dearest: SampledRow[] = [];

  add({ record, ...item }: BatchItem): void {
    const row: SampledRow = record === undefined ? { item } : { item, record };
    count(this.#states, item.state);
    if (item.error !== null) count(this.#codes, item.error.code);
    const ran = item.durationMs > 0; // a row whose input cannot be used takes no time and costs nothing
    if (ran) this.#times.add(item.durationMs);
    if (ran && item.costUsd !== null) this.#costs.add(item.costUsd);
    this.#costUsd = this.#costUsd === null || item.costUsd === null ? null : this.#costUsd + item.costUsd;
    if (this.#first.length < heldOfEach) this.#first.push(row);
    if (item.state === "failed" && this.#failed.length < heldOfEach) this.#failed.push(row);
    this.#slowest = most(this.#slowest, row, ({ item: one }) => one.durationMs);
    if (item.costUsd !== null) this.#dearest = most(this.#dearest, row, ({ item: one }) => one.costUsd ?? 0);
  }

  /** The figures of all rows. */
  figures(): PageBatch {
    const byCount = (counts: ReadonlyMap<string, number>) => [...counts].sort((a, b) => b[1] - a[1]);
    return {
      total: [...this.#states.values()].reduce((sum, one) => sum + one, 0),
      states: byCount(this.#states),
      codes: byCount(this.#codes),
      time: spreadOf(this.#times),
      cost: spreadOf(this.#costs),
      costUsd: this.#costUsd,
    };
  }

  /** The rows that are shown whole, each once, in the order of the inputs. */
  rows(): SampledRow[] {
    const all = [...this.#first, ...this.#failed, ...this.#slowest, ...this.#dearest];
    return [...new Map(all.map((row) => [row.item.key, row])).values()].sort(
      (a, b) => a.item.index - b.item.index,
    );
  }
}

function most(held: SampledRow[], row: SampledRow, of: (row: SampledRow) => number): SampledRow[] {
  const least = held.at(-1);
  if (held.length >= heldOfEach && least !== undefined && of(row) <= of(least)) return held;
  return [...held, row].sort((a, b) => of(b) - of(a)).slice(0, heldOfEach);
}

function spreadOf(values: Percentiles): PageSpread | null {
  if (values.count === 0) return null;
  return {
    least: values.min,
    most: values.max,
    p50: values.at(0.5),
    p95: values.at(0.95),
    bins: values.histogram(24),
  };
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
