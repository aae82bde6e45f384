import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits, or rejects with the signal's reason as soon as it is aborted; leaves neither timer nor listener behind.
 * @throws the signal's reason.
 */
export async function waitMs(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
