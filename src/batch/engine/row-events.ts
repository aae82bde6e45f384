import { errorMessage } from "../../errors.js";
import type { RunEvent } from "../../records/events.js";
import type { RowName } from "../batch-options.js";
import type { EngineStore } from "./engine-store.js";
import { Together } from "./together.js";

type OnRowEvent = (event: RunEvent, row: RowName) => void;

/** Events that may wait to be told at a worker: a store that is slower than the rows misses some. */
const mostWaiting = 2000;

/** An event that is longer, in characters of JSON, is not told. */
const longest = 1_000_000;

/** Tells the batch's caller of the events of rows, as far as the store keeps up: no run waits for it. */
export class RowEventsTeller {
  readonly #tells: Together<string, null>;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(store: EngineStore, batch: string) {
    this.#tells = new Together(async (messages) => {
      await store.tell(batch, messages);
      return messages.map(() => null);
    }, 200);
  }

  /** Every piece of a reply would be a message: those are left out. */
  tell({ key, index }: RowName, event: RunEvent): void {
    if (event.type === "call-delta" || this.#waiting >= mostWaiting) return;
    const message = JSON.stringify({ key, index, event });
    if (message.length > longest) return;
    this.#waiting++;
    this.#last = this.#tells.ask(message).then(
      () => void this.#waiting--,
      () => void this.#waiting--,
    );
  }

  /** Resolves once what was told so far is there, or lost. */
  told(): Promise<void> {
    return this.#last;
  }
}

interface RowEventsOptions {
  readonly onRowEvent: OnRowEvent;
  readonly onNotice: (message: string) => void;
}

/** Hears the events of a batch's rows, from when it began to listen. */
export class RowEventsListener {
  readonly #store: EngineStore;
  readonly #batch: string;
  readonly #onEvent: OnRowEvent;
  readonly #onNotice: (message: string) => void;
  #last: string;
  #hasFailed = false;

  private constructor(store: EngineStore, batch: string, last: string, options: RowEventsOptions) {
    this.#store = store;
    this.#batch = batch;
    this.#last = last;
    this.#onEvent = options.onRowEvent;
    this.#onNotice = options.onNotice;
  }

  static async open(
    store: EngineStore,
    batch: string,
    options: RowEventsOptions,
  ): Promise<RowEventsListener> {
    const { last } = await store.told(batch, null, 0);
    return new RowEventsListener(store, batch, last, options);
  }

  /** Hands over what was told since, whatever whoever takes it makes of it; rejects with what the store fails with. */
  async hear(): Promise<void> {
    for (;;) {
      const { messages, last } = await this.#store.told(this.#batch, this.#last, 500);
      this.#last = last;
      for (const message of messages) {
        const { event, ...row } = JSON.parse(message) as RowName & { readonly event: RunEvent };
        (async () => this.#onEvent(event, row))().catch((error: unknown) => this.#failed(error));
      }
      if (messages.length < 500) return;
    }
  }

  /** Told once, however often it fails. */
  #failed(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const message = errorMessage(error);
    this.#onNotice(
      `Whoever watches the rows (\`onRowEvent\`) failed; the batch goes on without minding it: ${message}`,
    );
  }
}
