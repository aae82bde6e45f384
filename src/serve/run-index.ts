import { randomBytes } from "node:crypto";
import { type BaseCheckpointSaver, emptyCheckpoint } from "@langchain/langgraph";
import type { RunInterrupt, RunState } from "../records/events.js";
import { fromStore, storeNameOf } from "../stores/store-error.js";

/** What a service knows of a run besides what the run's own thread holds. */
export interface RunEntry {
  /** Identifier of the run. */
  readonly id: string;
  /** Name at its checkpointer. */
  readonly thread: string;
  /** Name of the spec. */
  readonly dag: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** `running` also of one whose service was killed: the next one goes on with it. */
  readonly state: RunState | "running";
  /** How often the run was taken up from the store; its events are numbered anew each time, above all earlier ones. */
  readonly takenUp: number;
  /** The input of a run that has not ended, for one that was killed before it wrote anything down. */
  readonly input?: unknown;
  /** The caller's span, under which the run's spans stand in whichever process it goes on. */
  readonly caller?: {
    /** 32 hexadecimal digits. */
    readonly traceId: string;
    /** 16 hexadecimal digits. */
    readonly spanId: string;
    /** Whether the caller records its trace. */
    readonly isSampled: boolean;
    /** Its `tracestate`; empty for none. */
    readonly state: string;
  };
  /** What a run waits for. */
  readonly interrupts?: readonly RunInterrupt[];
}

/** What is the name of something else, in the store and in JavaScript, or cannot be written down by every store. */
const unusable = /^\$|^(__proto__|constructor|prototype)$|[\p{Cc}\p{Cs}]/u;

/** Whether a text can be the id or the thread of a run: of no other one a store is asked. */
export function isRunName(text: string): boolean {
  return text !== "" && !unusable.test(text);
}

/** The thread of the index: no run can have it, because names that begin with `$` are refused. */
const indexThread = "$runs";
const namespace = "agent-dag-runs";
const pageSize = 200;

/**
 * The runs of a service by id, newest first, kept at its checkpointer beside the threads: what a service that is started
 * again finds of the one before. What reads or writes one entry rejects with `STORE_FAILED`, the lists with the
 * checkpointer's errors.
 */
export class RunIndex {
  readonly #saver: BaseCheckpointSaver;
  /** Ids of runs that stand there as running, by this service. */
  readonly #running = new Set<string>();
  /** Ends that the store did not take: without them the next service would run again what was answered. */
  readonly #owed = new Map<string, RunEntry>();

  constructor(saver: BaseCheckpointSaver) {
    this.#saver = saver;
  }

  async get(id: string): Promise<RunEntry | null> {
    const tuple = await fromStore(storeNameOf(this.#saver), () => this.#saver.getTuple(at(id)));
    return entryIn(tuple?.metadata);
  }

  /** Writes an entry over the one before; one that tells of an end and finds no store is written with the next one. */
  async put(entry: RunEntry): Promise<void> {
    try {
      await fromStore(storeNameOf(this.#saver), () => this.#write(entry));
    } catch (error) {
      if (entry.state !== "running" && this.#running.has(entry.id)) this.#owed.set(entry.id, entry);
      throw error;
    }
    this.#owed.delete(entry.id);
    if (entry.state === "running") this.#running.add(entry.id);
    else this.#running.delete(entry.id);
    await this.settle();
  }

  /** Writes the ends that the store did not take before, as far as it takes them now. Never rejects. */
  async settle(): Promise<void> {
    for (const [id, entry] of [...this.#owed]) {
      try {
        await this.#write(entry);
      } catch {
        return;
      }
      if (this.#owed.get(id) !== entry) continue;
      this.#owed.delete(id);
      this.#running.delete(id);
    }
  }

  async #write(entry: RunEntry): Promise<void> {
    const checkpoint = { ...emptyCheckpoint(), id: entry.id };
    const { state } = entry;
    const metadata = { source: "update", step: -1, parents: {}, state, run: JSON.stringify(entry) } as const;
    await this.#saver.put(at(), checkpoint, metadata, {});
  }

  /** The entries of runs under way, those of services that were killed too. */
  async *underWay(): AsyncGenerator<RunEntry> {
    // A checkpointer that knows no filters gives others too.
    for await (const entry of this.list(undefined, { state: "running" }))
      if (entry.state === "running") yield entry;
  }

  /** The entries, newest first, from the one after `before` on. They are read as they are needed. */
  async *list(before?: string, filter?: { readonly state: string }): AsyncGenerator<RunEntry> {
    for (let last = before; ; ) {
      let found = 0;
      const options = {
        limit: pageSize,
        ...(last !== undefined && { before: at(last) }),
        ...(filter !== undefined && { filter }),
      };
      for await (const { metadata, config } of this.#saver.list(at(), options)) {
        found++;
        last = String(config.configurable?.checkpoint_id);
        const entry = entryIn(metadata);
        if (entry !== null) yield entry;
      }
      if (found < pageSize) return;
    }
  }
}

function at(id?: string) {
  return {
    configurable: {
      thread_id: indexThread,
      checkpoint_ns: namespace,
      ...(id !== undefined && { checkpoint_id: id }),
    },
  };
}

function entryIn(metadata: unknown): RunEntry | null {
  const { run } = (metadata ?? {}) as { run?: unknown };
  return typeof run === "string" ? (JSON.parse(run) as RunEntry) : null;
}

/** An id that sorts by the time at which it was made (UUID version 7, RFC 9562). */
export function newRunId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
