import { randomUUID } from "node:crypto";
import {
  type BaseCheckpointSaver,
  type CheckpointMetadata,
  type CheckpointTuple,
  emptyCheckpoint,
} from "@langchain/langgraph";
import { threadSaver } from "./thread-saver.js";

/** Where the log lies beside LangGraph's own checkpoints of the thread: deleting the thread deletes it too. */
export const logNamespace = "agent-dag";

const channel = "log";

const metadata: CheckpointMetadata = { source: "input", step: -1, parents: {} };

/** One entry of a log: JSON with a kind. */
export interface LogEntry {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/**
 * What one run has done, written down at a checkpointer as it happens: an append-only list of JSON entries. Each entry is one
 * string to the checkpointer, so that no serialiser reads anything into it. Every run on a thread has a log of its own; the
 * latest one counts.
 *
 * Entries are written in groups, in the order in which they were appended: one group after the other, or, where the checkpointer
 * itself keeps the order (`keepsOrder`), each at once. Where it can, a log is begun by its first group. An error of the checkpointer ends the writing: it is told once to
 * `onFailure`, and later entries are dropped.
 */
export class ThreadLog {
  readonly #saver: BaseCheckpointSaver;
  readonly #config: { configurable: { thread_id: string; checkpoint_ns: string; checkpoint_id: string } };
  readonly #onFailure: (error: unknown) => void;
  readonly #keepsOrder: boolean;
  /** Whether the next group begins the log. */
  #begins: boolean;
  #queue: string[] = [];
  /** The group that collects, until it is sent. */
  #collecting: Promise<void> | null = null;
  /** Resolves when all that was appended so far is written or dropped. */
  #written: Promise<void> = Promise.resolve();
  #next: number;
  #failed = false;

  private constructor(
    saver: BaseCheckpointSaver,
    thread: string,
    id: string,
    next: number,
    onFailure: (error: unknown) => void,
    begins = false,
  ) {
    this.#saver = saver;
    this.#config = { configurable: { thread_id: thread, checkpoint_ns: logNamespace, checkpoint_id: id } };
    this.#next = next;
    this.#onFailure = onFailure;
    this.#keepsOrder = threadSaver(saver).keepsOrder === true;
    this.#begins = begins;
  }

  /** Begins a log for a new run on the thread; `after` is the id of the log before it. Rejects with the checkpointer's error. */
  static async create(
    saver: BaseCheckpointSaver,
    thread: string,
    after: string | null,
    onFailure: (error: unknown) => void,
  ): Promise<ThreadLog> {
    const id = laterThan(after);
    if (threadSaver(saver).putNew !== undefined) return new ThreadLog(saver, thread, id, 1, onFailure, true);
    const config = { configurable: { thread_id: thread, checkpoint_ns: logNamespace } };
    await saver.put(config, { ...emptyCheckpoint(), id }, metadata, {});
    return new ThreadLog(saver, thread, id, 1, onFailure);
  }

  /** Goes on with a log that was read. */
  static goOn(saver: BaseCheckpointSaver, read: ReadLog, onFailure: (error: unknown) => void): ThreadLog {
    return new ThreadLog(saver, read.thread, read.id, read.next, onFailure);
  }

  /** Appends an entry; resolves once it and all before it are written, or dropped because the checkpointer has failed. Never rejects. */
  append(entry: LogEntry): Promise<void> {
    if (this.#failed) return Promise.resolve();
    this.#queue.push(JSON.stringify({ n: this.#next++, ...entry }));
    if (this.#collecting === null) {
      const before = this.#written;
      const group = this.#write(before);
      this.#collecting = Promise.all([before, group]).then(() => {});
      this.#written = this.#collecting;
    }
    return this.#collecting;
  }

  /** Resolves when everything that was appended is written or dropped. */
  flushed(): Promise<void> {
    return this.#written;
  }

  async #write(before: Promise<void>): Promise<void> {
    // What is appended in the same turn goes into one write.
    await (this.#keepsOrder ? undefined : before);
    const group = this.#queue;
    this.#queue = [];
    this.#collecting = null;
    if (this.#failed) return;
    try {
      await this.#put(group.map((text) => [channel, text]));
    } catch (error) {
      if (this.#failed) return;
      this.#failed = true;
      this.#onFailure(error);
    }
  }
  async #put(writes: [string, string][]): Promise<void> {
    const { putNew } = threadSaver(this.#saver);
    const begins = this.#begins;
    this.#begins = false;
    if (!begins || putNew === undefined) {
      await this.#saver.putWrites(this.#config, writes, randomUUID());
      return;
    }
    const { checkpoint_id: id, ...place } = this.#config.configurable;
    const point = { ...emptyCheckpoint(), id };
    await putNew.call(this.#saver, { configurable: place }, point, metadata, writes, randomUUID());
  }
}

/** A thread's latest log. */
export interface ReadLog {
  readonly thread: string;
  readonly id: string;
  readonly entries: readonly LogEntry[];
  /** Number of the next entry. */
  readonly next: number;
}

/** The latest log of a thread, `null` where there is none. Rejects with the checkpointer's error. */
export async function readLog(saver: BaseCheckpointSaver, thread: string): Promise<ReadLog | null> {
  const tuple = await saver.getTuple({ configurable: { thread_id: thread, checkpoint_ns: logNamespace } });
  return tuple === undefined ? null : logIn(tuple, thread);
}

/** The latest log of every thread. */
export async function* readLogs(saver: BaseCheckpointSaver): AsyncGenerator<ReadLog> {
  const seen = new Set<string>();
  for await (const tuple of saver.list({ configurable: { checkpoint_ns: logNamespace } })) {
    const thread: unknown = tuple.config.configurable?.thread_id;
    // Newest first; savers that do not filter by namespace give others too.
    if (typeof thread !== "string" || tuple.config.configurable?.checkpoint_ns !== logNamespace) continue;
    if (seen.has(thread)) continue;
    seen.add(thread);
    yield logIn(tuple, thread);
  }
}

function logIn({ checkpoint, pendingWrites = [] }: CheckpointTuple, thread: string): ReadLog {
  const numbered = pendingWrites
    .filter(([, name, text]) => name === channel && typeof text === "string")
    .map(([, , text]) => JSON.parse(text as string) as LogEntry & { readonly n: number })
    .sort((a, b) => a.n - b.n);
  return { thread, id: checkpoint.id, entries: numbered, next: (numbered.at(-1)?.n ?? 0) + 1 };
}

/** An id that sorts by time, and after the one before. */
function laterThan(before: string | null): string {
  const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const id = `${String(microseconds).padStart(17, "0")}-${randomUUID().slice(0, 8)}`;
  return before === null || id > before ? id : `${before}~`;
}
