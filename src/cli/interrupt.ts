import { CancelError } from "../../nodes/engine/cancel.js";

/** Ctrl-C while a command works. */
export interface Interrupt {
  /** Aborted by the first SIGINT or SIGTERM: the run ends, what is done is kept and printed. */
  readonly signal: AbortSignal;
  /** Stops listening; call it when the work has ended. */
  close(): void;
}

/** Status of a process that was interrupted: 128 + SIGINT, as shells count. */
export const interruptedStatus = 130;

/**
 * Listens for SIGINT and SIGTERM. The first one aborts the signal; a second one ends the process at once with status 130.
 * @param tell Told once, at the first one.
 */
export function listenForInterrupt(tell: () => void): Interrupt {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(interruptedStatus);
    tell();
    controller.abort(new CancelError("aborted", `The run was interrupted (${name}).`));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    close() {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
    },
  };
}
