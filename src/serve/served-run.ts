import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { RemoteSpan } from "../../nodes/engine/instrument.js";
import type { RunEvent, RunInterrupt, RunState } from "../records/events.js";
import { foldEvents, type RunRecord } from "../records/record.js";
import { workPath } from "../records/work-id.js";
import type { LivePage } from "../report/live-page.js";
import type { DagSpec } from "../spec/shape.js";
import { RunFeed } from "./run-feed.js";
import type { RunEntry } from "./run-index.js";

/** What a run's record says while it is under way, too. */
export type ServedRecord = Omit<RunRecord, "state"> & { readonly state: RunState | "running" };

/** What makes a run known to a service. */
export interface ServedRunFacts {
  readonly id: string;
  readonly thread: string;
  readonly dag: DagSpec;
  readonly checkpointer: BaseCheckpointSaver;
  readonly takenUp: number;
  readonly startedAt: string;
  /** Which telling it is of what a store holds of the run; none where this process drives it from its beginning. */
  readonly view?: number;
}

/** What of a run is under way. */
export interface RunPart {
  readonly controller: AbortController;
  /** Resolves once it has told its first event. */
  readonly begun: Promise<void>;
  readonly done: Promise<void>;
}

/** One run as a service has it in memory: under way, waiting for an answer, or ended a while ago. */
export class ServedRun {
  readonly id: string;
  readonly thread: string;
  readonly dag: DagSpec;
  readonly checkpointer: BaseCheckpointSaver;
  readonly takenUp: number;
  readonly startedAt: string;
  readonly feed: RunFeed;
  /** The last record; `null` before the first part of the run has ended. */
  record: RunRecord | null = null;
  state: RunState | "running" = "running";
  /** The part that is under way; `null` between parts. */
  part: RunPart | null = null;
  /** Why its part was ended from outside: for good, or to go on when the service is started again. */
  ended: "cancelled" | "suspended" | null = null;
  /** The page that shows it, once somebody has looked. */
  page: LivePage | null = null;
  /** Whether another process drives it. */
  isElsewhere = false;
  /** The caller's span that the run's spans stand under: of the request that came last with one. */
  caller: RemoteSpan | null = null;
  /** Milliseconds since 1970 at which its last part ended. */
  settledAt = 0;

  constructor({ id, thread, dag, checkpointer, takenUp, startedAt, view }: ServedRunFacts) {
    this.id = id;
    this.thread = thread;
    this.dag = dag;
    this.checkpointer = checkpointer;
    this.takenUp = takenUp;
    this.startedAt = startedAt;
    this.feed = view === undefined ? new RunFeed(takenUp) : new RunFeed(takenUp - 1, view);
  }

  /** Whether it waits for an answer: more will be told. */
  get waits(): boolean {
    return this.state === "interrupted";
  }

  /** Whether more may be told of it, by this process or by another one. */
  get isOpen(): boolean {
    return this.part !== null || this.waits || this.state === "running";
  }

  /**
   * Takes over what the store tells of the run by now, where this process does not drive it: another one may have answered,
   * ended or cancelled it. What was told already is not told again; of one that has ended, what was read before its end is old.
   */
  catchUp(now: ServedRun): void {
    if (!this.isOpen) return;
    const asked = ({ interrupts, state }: ServedRun) =>
      JSON.stringify([state, ...interrupts.map((one) => JSON.stringify(one)).sort()]);
    const isSame = this.waits && asked(this) === asked(now);
    this.state = now.state;
    this.isElsewhere = now.isElsewhere;
    if (isSame) return;
    this.record = now.record;
    this.ended = now.ended;
    this.caller = now.caller;
    this.settledAt = Date.now();
    const told = new Set(this.feed.events.map(whatIsTold));
    const more = now.feed.events.filter(
      (event) => event.type === "run-ended" || !told.has(whatIsTold(event)),
    );
    if (more.length > 0 || this.state === "running") this.feed.begin();
    for (const event of more) this.feed.tell(event);
    if (this.state !== "running") this.feed.end();
  }

  get interrupts(): readonly RunInterrupt[] {
    return this.waits ? (this.record?.interrupts ?? []) : [];
  }

  /** Resolves once it can be told how the run stands: it has begun, and is entered as ended once it has told its end. */
  async settled(): Promise<void> {
    await this.part?.begun;
    if (this.feed.hasEnded) await this.part?.done;
  }

  /** The record, of a run under way that of what has happened so far. */
  told(): ServedRecord {
    if (this.part === null && this.record !== null) return { ...this.record, state: this.state };
    return { ...foldEvents(this.feed.events), state: "running" };
  }

  entry(input?: unknown): RunEntry {
    const { id, thread, startedAt, state, takenUp, interrupts } = this;
    const caller = this.caller === null ? {} : { caller: this.caller };
    const facts = { id, thread, dag: this.dag.name, startedAt, state, takenUp, ...caller };
    return { ...facts, ...(input !== undefined && { input }), ...(interrupts.length > 0 && { interrupts }) };
  }
}

/** What an event tells, however often and by whichever process it is told. */
function whatIsTold(event: RunEvent): string {
  const { type } = event;
  if (type === "run-started") return type;
  if (type === "call-started") return `${type} ${event.call}`;
  if (type === "call-ended") return `${type} ${event.call.id}`;
  if (type === "node-started") return `${type} ${workPath(event)}`;
  if (type === "node-settled") return `${type} ${workPath(event)} ${event.outcome.state}`;
  if (type === "question-answered") return `${type} ${JSON.stringify(event.answer)}`;
  const { seq: _, atMs: __, replayed: ___, ...rest } = event;
  return JSON.stringify(rest);
}
