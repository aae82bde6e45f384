import type { RunEvent } from "../../src/records/events.js";

/** The calls of a run that have started and not ended. */
export interface OpenCalls {
  see(event: RunEvent): void;
  /** Resolves when none is open; after {@link longestMs} at the latest, so that no call can keep a run from ending. */
  ended(): Promise<void>;
}

/** An aborted call ends at once; the time is for what it still has to count and to write down. */
const longestMs = 100;

/** Counts calls by their events. */
export function createOpenCalls(): OpenCalls {
  const open = new Set<string>();
  let onEmpty: (() => void) | undefined;
  return {
    see(event) {
      if (event.type === "call-started") open.add(event.call);
      if (event.type !== "call-ended") return;
      open.delete(event.call.id);
      if (open.size === 0) onEmpty?.();
    },
    ended() {
      if (open.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, longestMs);
        onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}
