import { storeError } from "../../stores/store-error.js";

/** A worker tells the store so often that it is there, in milliseconds. */
const beatEveryMs = 1500;

/** A store that has not answered for so long, in milliseconds, is waited for before another request is sent. */
const quietMs = 5000;

/** A store that has not answered for so long, in milliseconds, is lost: earlier than another may take the rows over (12 s). */
const lostMs = 9000;

/**
 * Does something at a store, again and again while the store cannot be reached.
 * @param mayWait Whether a store that does not answer is waited for still.
 */
export async function untilAnswered<T>(act: () => Promise<T>, mayWait: () => boolean): Promise<T> {
  for (let pauseMs = 50; ; pauseMs = Math.min(500, pauseMs * 2)) {
    try {
      return await act();
    } catch (error) {
      if (!mayWait() || !storeError(error, null).retryable) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** Does what has to be done before any row is taken; a store that is being restarted is waited for, as rows wait for theirs. */
export function untilOpened<T>(act: () => Promise<T>, mayWait: () => boolean): Promise<T> {
  const until = performance.now() + lostMs;
  return untilAnswered(act, () => mayWait() && performance.now() < until);
}

/** Whether the store can be reached. Without it nothing is sent, and what runs is given up before another takes it over. */
export class Contact {
  readonly #beat: () => Promise<void>;
  readonly #onLost: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #answeredMs = performance.now();
  #failure: unknown = null;
  #isLost = false;
  #isClosed = false;
  #waiting: (() => void)[] = [];
  #beating: Promise<void> = Promise.resolve();

  /**
   * @param beat Tells the store something; rejects when it does not answer.
   * @param onLost Called once each time that the store is lost, with what it failed with.
   */
  constructor(beat: () => Promise<void>, onLost: (error: unknown) => void) {
    this.#beat = beat;
    this.#onLost = onLost;
  }

  /**
   * The first beat, after what is told to the store before it; rejects when the store could not be reached for as long as one that
   * is lost, or is not to be waited for any more.
   */
  async open(before: () => Promise<void>, mayWait: () => boolean = () => true): Promise<void> {
    await untilOpened(async () => {
      await before();
      await this.#beat();
    }, mayWait);
    this.#answered();
    this.#next();
  }

  /** Whether the store has not answered for so long that its rows may be another's. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Resolves once the store has answered of late. @throws the signal's reason when that is aborted first. */
  async reached(signal: AbortSignal): Promise<void> {
    while (!this.#isClosed && performance.now() - this.#answeredMs > quietMs) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    signal.throwIfAborted();
  }

  /** Does something at the store, again and again while it cannot be reached and is not lost. */
  patiently<T>(act: () => Promise<T>): Promise<T> {
    return untilAnswered(act, () => !this.#isLost && !this.#isClosed);
  }

  /** Says so once more, and no more after that. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#wake();
    await this.#beating;
  }

  #next(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(
      () => {
        // A store that does not answer at all is noticed by the clock.
        const watch = setInterval(() => this.#judge(), 500);
        this.#beating = this.#beat()
          .then(
            () => this.#answered(),
            (error) => {
              this.#failure = error;
              this.#judge();
            },
          )
          .finally(() => {
            clearInterval(watch);
            this.#next();
          });
      },
      this.#failure === null ? beatEveryMs : 300,
    );
  }

  #answered(): void {
    this.#answeredMs = performance.now();
    this.#failure = null;
    this.#isLost = false;
    this.#wake();
  }

  #judge(): void {
    if (this.#isLost || performance.now() - this.#answeredMs < lostMs) return;
    this.#isLost = true;
    this.#onLost(this.#failure);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
