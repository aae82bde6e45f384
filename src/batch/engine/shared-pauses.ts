import { setTimeout as sleep } from "node:timers/promises";
import type { EngineStore } from "./engine-store.js";
import { Together } from "./together.js";

/** Until when nothing is to be sent, by model, in milliseconds since 1970 of the store's clock: a document. */
export type PauseState = Readonly<Record<string, number>>;

/** A provider that asks for a longer pause is tried again after this many milliseconds all the same. */
const longestMs = 60_000;

/** Pause where the provider does not say how long, in milliseconds. */
const unsaidMs = 500;

/** Pauses that providers ask for (429): what one worker was told holds for all of the batch. */
export class SharedPauses {
  readonly #untilMs = new Map<string, number>();
  readonly #tells: Together<readonly [model: string, untilMs: number], null>;

  /** @param document Of the batch's pauses. */
  constructor(store: EngineStore, document: string) {
    this.#tells = new Together(async (pauses) => {
      const toldMs = performance.now();
      await store.change([document], ([found], nowMs) => {
        const open = Object.entries((found ?? {}) as PauseState).filter(([, untilMs]) => untilMs > nowMs);
        const state = Object.fromEntries(open);
        for (const [model, untilMs] of pauses) {
          state[model] = Math.max(state[model] ?? 0, nowMs + untilMs - toldMs);
        }
        return { write: [state], result: null };
      });
      return pauses.map(() => null);
    });
  }

  /** A provider has refused a request. Others are told; where the store cannot be, they find out for themselves. */
  refused(model: string, retryAfterMs: number | null): void {
    const untilMs = performance.now() + Math.min(retryAfterMs ?? unsaidMs, longestMs);
    if (untilMs <= (this.#untilMs.get(model) ?? 0)) return;
    this.#untilMs.set(model, untilMs);
    this.#tells.ask([model, untilMs]).catch(() => {});
  }

  /** Enters what the store says. @param nowMs Its clock. */
  hear(state: PauseState | null, nowMs: number): void {
    for (const [model, untilMs] of Object.entries(state ?? {})) {
      const here = performance.now() + Math.min(untilMs - nowMs, longestMs);
      this.#untilMs.set(model, Math.max(here, this.#untilMs.get(model) ?? 0));
    }
  }

  /**
   * Resolves when requests to a model may be sent. @param patienceMs A longer pause is not waited for.
   * @throws the signal's reason when that is aborted first.
   */
  async over(model: string, patienceMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const leftMs = (this.#untilMs.get(model) ?? 0) - performance.now();
      if (leftMs <= 0 || leftMs > patienceMs) return;
      await sleep(leftMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
