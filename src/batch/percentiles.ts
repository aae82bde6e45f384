/** Buckets a doubling of the value: 32 keep every quantile within 2.2 % of its true value. */
const bucketsPerDoubling = 32;

/** Quantiles of any number of values that are not negative, in constant memory: a histogram whose buckets grow with the values. */
export class Percentiles {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  add(value: number): void {
    const bucket =
      value < 1e-9 ? Number.NEGATIVE_INFINITY : Math.round(Math.log2(value) * bucketsPerDoubling);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#count++;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  get count(): number {
    return this.#count;
  }

  /** Exact. */
  get max(): number {
    return this.#max;
  }

  /** Exact; 0 without values. */
  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  /** The value that the share (0 to 1) of all values does not exceed, to about 2 %; 0 without values. */
  at(share: number): number {
    let seen = 0;
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    for (const [bucket, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= wanted) return Math.min(this.#max, Math.max(this.min, 2 ** (bucket / bucketsPerDoubling)));
    }
    return 0;
  }

  /** How many values lie in each of `bins` equal parts from the smallest to the largest. */
  histogram(bins: number): number[] {
    const counts = Array.from({ length: bins }, () => 0);
    const width = this.#max - this.min;
    for (const [bucket, count] of this.#counts) {
      const share = width === 0 ? 0 : (2 ** (bucket / bucketsPerDoubling) - this.min) / width;
      const bin = Math.min(bins - 1, Math.max(0, Math.floor(share * bins)));
      counts[bin] = (counts[bin] ?? 0) + count;
    }
    return counts;
  }
}
