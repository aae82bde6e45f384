import { setTimeout } from "node:timers/promises";

/** Waits so many milliseconds. @throws the signal's reason as soon as it is aborted. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (delayMs <= 0) return;
  await setTimeout(delayMs, undefined, { signal }).catch(() => {
    throw signal.reason;
  });
}
