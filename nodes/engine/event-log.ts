import { errorMessage, isThenable } from "../../src/errors.js";
import { redactKeys } from "../../src/models/redact.js";
import type { RunEvent, UsageSums } from "../../src/records/events.js";
import type { Outcome, Outcomes } from "../../src/records/outcome.js";
import { type RunRecord, recordFold } from "../../src/records/record.js";
import type { WorkKey } from "../../src/records/work-id.js";
import { copyOf, freezeJson } from "../../src/spec/json-value.js";
import type { Place, RunInstrument } from "./instrument.js";

/** Who watches a run. What it throws or rejects changes nothing. */
export type Observer = (event: RunEvent) => unknown;

/** An aborted call ends at once; the time is for what it still has to count and to write down. */
const longestWaitMs = 100;

/**
 * The clock and the events of one run. Every event is numbered, folded into the record, and told to the observer: as a copy
 * that nobody can change.
 */
export class EventLog {
  readonly #fold = recordFold();
  readonly #observer: Observer | undefined;
  readonly #instruments: readonly RunInstrument[];
  readonly #openCalls = new Set<string>();
  #origin = performance.now();
  #seq = 0;
  #early: RunEvent[] = [];
  #observerFailed = false;
  #onCallsEnded: (() => void) | undefined;

  constructor(observer: Observer | undefined, instruments: readonly RunInstrument[] = []) {
    this.#observer = observer;
    this.#instruments = instruments;
  }

  /** Whether code has to be run through {@link within}. */
  get isInstrumented(): boolean {
    return this.#instruments.length > 0;
  }

  /** Runs code that belongs to a place of the run, so that whoever traces the run knows it. */
  within<T>(place: Place, code: () => T): T {
    return this.#instruments.reduceRight<() => T>((inner, one) => () => one.within(place, inner), code)();
  }

  /** Starts the clock at so many milliseconds. */
  startAt(elapsedMs: number): void {
    this.#origin = performance.now() - elapsedMs;
  }

  /** Milliseconds since the run's start, to the microsecond. */
  nowMs(): number {
    return Math.round((performance.now() - this.#origin) * 1000) / 1000;
  }

  /** What comes before `run-started` is told right after it. */
  emit(body: RunEvent): void {
    if (this.#seq === 0 && body.type !== "run-started") this.#early.push(body);
    else this.#add(body);
    if (body.type !== "run-started") return;
    for (const early of this.#early) this.#add(early);
    this.#early = [];
  }

  #add(body: RunEvent): void {
    const event = { seq: ++this.#seq, ...body };
    if (event.type === "call-started") this.#openCalls.add(event.call);
    else if (event.type === "call-ended") this.#callEnded(event.call.id);
    this.#fold.add(event);
    for (const instrument of this.#instruments) {
      try {
        instrument.onEvent(event);
      } catch (error) {
        this.#observerThrew(error);
      }
    }
    if (this.#observer !== undefined) this.#tell(this.#observer, event);
  }

  /** Emits that a piece of work has settled, with what it had cost where it was taken over from an earlier record. */
  settled(key: WorkKey, outcome: Outcome, reusedCost: UsageSums | null = null): void {
    const event = { type: "node-settled" as const, ...key, outcome, atMs: this.nowMs() };
    this.emit(reusedCost === null ? event : { ...event, reused: reusedCost });
  }

  notice(code: string, message: string): void {
    this.emit({ type: "notice", atMs: this.nowMs(), code, message: redactKeys(message) });
  }

  /** The outcomes of the run's own nodes that were emitted so far. */
  outcomes(): Outcomes {
    return this.#fold.outcomes();
  }

  /** The record of what was emitted so far. */
  record(): RunRecord {
    return this.#fold.record();
  }

  /** Resolves when every call has ended, so that the record holds them all; waits a tenth of a second at most. */
  callsEnded(): Promise<void> {
    if (this.#openCalls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, longestWaitMs);
      this.#onCallsEnded = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #callEnded(id: string): void {
    this.#openCalls.delete(id);
    if (this.#openCalls.size === 0) this.#onCallsEnded?.();
  }

  #tell(observer: Observer, event: RunEvent): void {
    try {
      const told: unknown = observer(event.type === "call-delta" ? event : freezeJson(copyOf(event)));
      if (isThenable(told)) told.then(undefined, (error: unknown) => this.#observerThrew(error));
    } catch (error) {
      this.#observerThrew(error);
    }
  }

  /** Told once, however often the observer fails. */
  #observerThrew(error: unknown): void {
    if (this.#observerFailed) return;
    this.#observerFailed = true;
    this.notice(
      "OBSERVER_FAILED",
      `Whoever watches the run (\`onEvent\`) failed; the run goes on without minding it: ${errorMessage(error)}`,
    );
  }
}
