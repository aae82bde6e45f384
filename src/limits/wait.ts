import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits so many milliseconds, of 0 or less not at all, or rejects with the signal's reason as soon as it is aborted; leaves
 * neither timer nor listener behind.
 * @throws the signal's reason.
 */
export async function waitMs(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms <= 0) return;
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
