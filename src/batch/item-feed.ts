import { DagError } from "../errors.js";

/** Items that readers see at most behind the newest one: whoever reads slower makes the batch wait. */
const readAhead = 64;

/** Items that are kept for a reader who comes late, while nobody reads. */
const keptUnread = 1000;

/**
 * Hands out items to any number of readers, each from the start, in bounded memory: while somebody reads, the slowest reader sets
 * the pace; while nobody does, only the latest items are kept.
 */
export class ItemFeed<Item> {
  readonly #kept: Item[] = [];
  readonly #readers = new Set<{ next: number }>();
  /** Number of the first item that is kept. */
  #first = 0;
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #waiting: (() => void)[] = [];
  #onLeft: () => void;

  /** @param onLeft Called when the last reader has left before the end. */
  constructor(onLeft: () => void) {
    this.#onLeft = onLeft;
  }

  get isRead(): boolean {
    return this.#readers.size > 0;
  }

  push(item: Item): void {
    this.#kept.push(item);
    const most = this.isRead ? readAhead : keptUnread;
    while (this.#kept.length > most && this.#isHeadRead()) {
      this.#kept.shift();
      this.#first++;
    }
    this.#wake();
  }

  /** Whether another item can be taken without leaving a reader behind. */
  get hasRoom(): boolean {
    return !this.isRead || this.#kept.length < readAhead || this.#isHeadRead();
  }

  /** Resolves when there is room. */
  async room(): Promise<void> {
    while (!this.hasRoom) await this.#change();
  }

  end(failure: { readonly error: unknown } | null): void {
    this.#ended = true;
    this.#failure = failure;
    this.#wake();
  }

  async *read(): AsyncGenerator<Item, void, undefined> {
    if (this.#first > 0) {
      throw new DagError(
        "BATCH_ITEMS_GONE",
        `The first ${this.#first} items of the batch are not kept any more.`,
        {
          hint: "Begin to read when the batch is started, or give `results` and read that file.",
        },
      );
    }
    const reader = { next: 0 };
    this.#readers.add(reader);
    try {
      for (;;) {
        const at = reader.next - this.#first;
        if (at < this.#kept.length) {
          reader.next++;
          this.#wake();
          yield this.#kept[at] as Item;
        } else if (this.#ended) {
          if (this.#failure !== null) throw this.#failure.error;
          return;
        } else await this.#change();
      }
    } finally {
      this.#readers.delete(reader);
      this.#wake();
      if (this.#readers.size === 0 && !this.#ended) this.#onLeft();
    }
  }

  #isHeadRead(): boolean {
    for (const { next } of this.#readers) if (next <= this.#first) return false;
    return true;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const woken = this.#waiting;
    this.#waiting = [];
    for (const wake of woken) wake();
  }
}
