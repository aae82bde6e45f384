/** Why a node did not complete: an error, with the offending text where there is one. */
export interface OutcomeError {
  /** Stable identifier, for example `OUTPUT_INVALID`, `MODEL_TIMEOUT`. */
  readonly code: string;
  /** What happened, to which thing, with which value, and what to do. */
  readonly message: string;
  /** The model's text that could not be used, kept so that nothing paid for is lost. */
  readonly text?: string;
}

/** Why a node was not run, or not to the end. */
export interface OutcomeReason {
  /**
   * `join`, `condition`, `not-called`, `not-needed`, `budget`, `deadline`, `aborted`, `fail-fast`, `rejected`; while a run waits
   * for an answer `approval`, `question`, `waiting`.
   */
  readonly code: string;
  /** What decided it, in a sentence. */
  readonly message: string;
}

/** What every outcome has. Times are milliseconds since the run's start, `null` when never reached. */
export interface OutcomeTimes {
  /** When the node's join was decided. */
  readonly readyAtMs: number | null;
  /** When the work began. */
  readonly startedAtMs: number | null;
  /** When it settled. */
  readonly endedAtMs: number | null;
  /** 1 + retries; 0 when the node never started. */
  readonly attempts: number;
  /** Of a `forEach` node: each item's outcome, in item order. */
  readonly items?: readonly Outcome[];
  /** Of a node that a planner called several times: each call's outcome, in call order. */
  readonly invocations?: readonly Outcome[];
  /** Of a graph node: the inner outcomes by name. */
  readonly outcomes?: Readonly<Record<string, Outcome>>;
  /** Of a graph node with `repeat`: each round's inner outcomes by name, in order. */
  readonly rounds?: readonly Readonly<Record<string, Outcome>>[];
  /** Of a graph node with `repeat`: whether `maxRounds` ended it. */
  readonly exhausted?: boolean;
  /** Present when a planner gave the node a focus, a text, arguments or results of other calls: it is not what the declaration alone gives. */
  readonly directed?: true;
  /** Present when the outcome was taken from an earlier record instead of being computed in this run. */
  readonly reused?: true;
}

/** A node that has a value. */
export interface Completed<V = unknown> extends OutcomeTimes {
  /** Always `completed`. */
  readonly state: "completed";
  /** What the node gave: JSON. */
  readonly value: V;
}

/** A node that failed, or ran out of time. */
export interface Failed extends OutcomeTimes {
  /** `timed-out` where a timeout ended it, else `failed`. */
  readonly state: "failed" | "timed-out";
  /** What went wrong. */
  readonly error: OutcomeError;
}

/** A node that was not run, or not to the end. */
export interface NotRun extends OutcomeTimes {
  /**
   * `skipped` before it began; `cancelled` from outside or because nobody needs it; `interrupted` while it waits for an
   * answer.
   */
  readonly state: "skipped" | "cancelled" | "interrupted";
  /** Why. */
  readonly reason: OutcomeReason;
}

/** How a node settled. */
export type Outcome<V = unknown> = Completed<V> | Failed | NotRun;

/** How a node stands in a record. */
export type OutcomeState = Outcome["state"];

/** Outcomes by node name. */
export type Outcomes = Readonly<Record<string, Outcome>>;

/** Times of a piece of work that was never started. */
export function notStarted(endedAtMs: number | null, readyAtMs: number | null = null): OutcomeTimes {
  return { readyAtMs, startedAtMs: null, endedAtMs, attempts: 0 };
}

/** An outcome with a value. */
export function completed<V>(times: OutcomeTimes, value: V): Completed<V> {
  return { ...times, state: "completed", value };
}

/** An outcome without a value because something went wrong; `timed-out` where time ran out. */
export function failed(times: OutcomeTimes, error: OutcomeError, state: Failed["state"] = "failed"): Failed {
  return { ...times, state, error };
}

/** An outcome of work that was not done, by decision. */
export function skipped(times: OutcomeTimes, code: string, message: string): NotRun {
  return { ...times, state: "skipped", reason: { code, message } };
}

/** An outcome of work that was ended from outside. */
export function cancelled(times: OutcomeTimes, code: string, message: string): NotRun {
  return { ...times, state: "cancelled", reason: { code, message } };
}

/** An outcome of work that waits for an answer, itself (`approval`, `question`) or behind other work (`waiting`). */
export function interrupted(times: OutcomeTimes, code: string, message: string): NotRun {
  return { ...times, state: "interrupted", reason: { code, message } };
}

/** An outcome that was taken over from an earlier run instead of being made. */
export function reused(outcome: Outcome, atMs: number): Outcome {
  return { ...outcome, ...notStarted(atMs, atMs), reused: true };
}

/** The value of a completed outcome, else `undefined`. */
export function completedValue<V>(outcome: Outcome<V> | undefined): V | undefined {
  return outcome?.state === "completed" ? outcome.value : undefined;
}

/** The outcomes that an outcome is made of: items, calls by a planner, inner nodes and rounds. */
export function* partsOf(outcome: Outcome): Generator<Outcome> {
  yield* outcome.items ?? [];
  yield* outcome.invocations ?? [];
  yield* Object.values(outcome.outcomes ?? {});
  for (const round of outcome.rounds ?? []) yield* Object.values(round);
}

/** Why an outcome has no value, as one line: its state, then the error's or the reason's message. */
export function whyMissing(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "not settled";
  if (outcome.state === "completed") return "completed";
  const { code, message } = "error" in outcome ? outcome.error : outcome.reason;
  return `${outcome.state} (${code}): ${message}`;
}

/** Times that begin no later than their parts': in a resumed run, parts may have been done before. */
export function spanning<T extends Pick<OutcomeTimes, "readyAtMs" | "startedAtMs">>(
  times: T,
  parts: Iterable<OutcomeTimes>,
): T {
  let { readyAtMs, startedAtMs } = times;
  for (const part of parts) {
    if (part.startedAtMs === null || startedAtMs === null || part.startedAtMs >= startedAtMs) continue;
    startedAtMs = part.startedAtMs;
    if (readyAtMs !== null) readyAtMs = Math.min(readyAtMs, part.readyAtMs ?? part.startedAtMs);
  }
  return startedAtMs === times.startedAtMs ? times : { ...times, readyAtMs, startedAtMs };
}
