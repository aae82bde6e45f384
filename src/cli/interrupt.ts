import { CancelError } from "../../nodes/engine/cancel.js";

/** Ctrl-C while a command works, and what else asks a process to end. */
export interface Interrupt {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP: the run ends, what is done is kept and printed. */
  readonly signal: AbortSignal;
  /** Stops listening; call it when the work has ended. */
  close(): void;
}

/** Status of a process that was interrupted: 128 + SIGINT, as shells count. */
export const interruptedStatus = 130;

/**
 * Listens for SIGINT, SIGTERM and SIGHUP (its terminal is closed). The first one aborts the signal; a second one ends the process
 * at once with status 130.
 * @param tell Told once, at the first one.
 */
export function listenForInterrupt(tell: () => void): Interrupt {
  const controller = new AbortController();
  const close = onInterrupts([
    (name) => {
      tell();
      controller.abort(interruptedBy(name));
    },
  ]);
  return { signal: controller.signal, close };
}

/** Ctrl-C while many rows are run. */
export interface BatchInterrupt extends Interrupt {
  /** Aborted by the first one: what runs is finished. `signal` is aborted by the second one. */
  readonly finish: AbortSignal;
}

/** As {@link listenForInterrupt}, in two steps: the first ends the starting of rows, the second the rows, a third the process. */
export function listenForBatchInterrupt(tell: (step: "finish" | "abort") => void): BatchInterrupt {
  const [finish, abort] = [new AbortController(), new AbortController()];
  const close = onInterrupts([
    (name) => {
      tell("finish");
      finish.abort(interruptedBy(name));
    },
    (name) => {
      tell("abort");
      abort.abort(interruptedBy(name));
    },
  ]);
  return { signal: abort.signal, finish: finish.signal, close };
}

function interruptedBy(name: NodeJS.Signals): CancelError {
  return new CancelError("aborted", `The run was interrupted (${name}).`);
}

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Calls the steps one after another, one a signal; the next signal ends the process. Returns what stops the listening. */
function onInterrupts(steps: readonly ((name: NodeJS.Signals) => void)[]): () => void {
  let next = 0;
  let isHungUp = false;
  const onSignal = (name: NodeJS.Signals) => {
    // A terminal that is closed says so through its shell and by itself: once in all, as nobody asks twice.
    if (name === "SIGHUP" && isHungUp) return;
    isHungUp ||= name === "SIGHUP";
    const step = steps[next++];
    if (step === undefined) process.exit(interruptedStatus);
    step(name);
  };
  for (const name of endings) process.on(name, onSignal);
  return () => {
    for (const name of endings) process.off(name, onSignal);
  };
}
