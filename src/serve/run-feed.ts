import type { RunEvent } from "../records/events.js";

/** Between the numbers of two tellings of a run: no run has as many events. */
const apart = 1_000_000_000;
/** Tellings of a run as it stands in a store, each with numbers of its own, between two processes that drive it. */
const views = 1000;

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

  /**
   * @param takenUp How often the run was taken up from a store.
   * @param view Which telling of what is stored it is, below 1000; 0 for what the process tells that drives the run.
   */
  constructor(takenUp: number, view = 0) {
    this.#first = (takenUp * views + view) * apart;
  }

  /** Whether a number is one of this telling's, told or to be told. */
  owns(number: number): boolean {
    return number >= this.#first && number < this.#first + apart;
  }

  /** Number of the last event; of the last one before where there is none yet. */
  get last(): number {
    return this.#first + this.#events.length;
  }

  /** Whether a number may be one of another process's telling. */
  mayBeOfAnother(number: number): boolean {
    return !this.owns(number) && number < this.#first + 2 * views * apart;
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
    this.tell(event);
  }

  /** The same for what is new whatever it says. */
  tell(event: RunEvent): void {
    this.#hasEnded ||= event.type === "run-ended";
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
   * The events after a number, all of them after one of another telling, until a part of the run has ended. Whoever has read
   * all of a part that has ended already waits for the next one, unless there will be none.
   */
  async *read(after: number, goesOn: () => boolean, signal?: AbortSignal): AsyncGenerator<RunEvent> {
    let next = this.owns(after) ? after - this.#first : 0;
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
