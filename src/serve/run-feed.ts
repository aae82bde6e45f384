import type { RunEvent } from "../records/events.js";

/** Between the numbers of a run's events before and after it was taken up from a store: no run has as many events. */
const apart = 1_000_000_000;

/**
 * The events of one run for all who watch it, each with the number that it is told under. A run that goes on after an answer
 * goes on in the same feed: its numbers only grow, and what it tells again of its earlier part is left out. Readers have a
 * place in one list and hold nothing themselves, so a slow one costs nothing.
 */
export class RunFeed {
  readonly #events: RunEvent[] = [];
  readonly #first: number;
  #parts = 0;
  #active = false;
  #closed = false;
  #hasEnded = false;
  #readers = 0;
  #wake: (() => void)[] = [];

  /** @param takenUp How often the run was taken up from a store. */
  constructor(takenUp: number) {
    this.#first = takenUp * apart;
  }

  /** Number of the last event; of the last one before where there is none yet. */
  get last(): number {
    return this.#first + this.#events.length;
  }

  get readers(): number {
    return this.#readers;
  }

  get events(): readonly RunEvent[] {
    return this.#events;
  }

  /** Whether the part that began last has told its end. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** A part of the run begins: its first, or what follows an answer. */
  begin(): void {
    this.#active = true;
    this.#hasEnded = false;
    this.#parts++;
  }

  add(event: RunEvent): void {
    this.#hasEnded ||= event.type === "run-ended";
    const isKnown = this.#parts > 1 && this.#events.length > 0;
    if (isKnown && (event.type === "run-started" || event.replayed === true)) return;
    this.#events.push({ ...event, seq: this.last + 1 });
    this.#wakeAll();
  }

  /** The part has ended; readers that have read all are done. */
  end(): void {
    this.#active = false;
    this.#wakeAll();
  }

  /** Nothing more is told, and nobody waits any longer. */
  close(): void {
    this.#closed = true;
    this.end();
  }

  /**
   * The events after a number, until a part of the run has ended. Whoever has read all of a part that has ended already
   * waits for the next one, unless there will be none.
   */
  async *read(after: number, goesOn: () => boolean, signal?: AbortSignal): AsyncGenerator<RunEvent> {
    let next = Math.max(0, after - this.#first);
    let mayWait = next >= this.#events.length && goesOn();
    this.#readers++;
    const wake = () => this.#wakeAll();
    signal?.addEventListener("abort", wake, { once: true });
    try {
      for (;;) {
        const event = this.#events[next];
        if (signal?.aborted === true) return;
        if (event !== undefined) {
          next++;
          mayWait = false;
          yield event;
        } else if (this.#closed || (!this.#active && !(mayWait && goesOn()))) return;
        else await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    } finally {
      this.#readers--;
      signal?.removeEventListener("abort", wake);
    }
  }

  #wakeAll(): void {
    const woken = this.#wake;
    this.#wake = [];
    for (const wake of woken) wake();
  }
}
