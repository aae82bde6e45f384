import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import {
  type BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  emptyCheckpoint,
} from "@langchain/langgraph";
import { DagError } from "../errors.js";
import { threadSaver } from "./thread-saver.js";

const namespace = "agent-dag-lease";

/** The task that the holder is the write of. */
const holderTask = "holder";

/** A holder renews its lease this often, in milliseconds. */
export const renewEveryMs = 4000;

/** A lease that was not renewed for so long, in milliseconds, can be taken over. */
export const expiresAfterMs = 12_000;

/** Who drives a thread. */
interface Holder {
  readonly token: string;
  readonly process: string;
  readonly pid: number;
  readonly host: string;
  /** Where that process number means something: of one name there may be several hosts, and containers on each. */
  readonly place: string;
  /** ISO 8601. */
  readonly since: string;
}

/** Tells this process from an earlier one with the same number. */
const thisProcess = randomUUID();

/** The threads that this process drives, by checkpointer: what a checkpointer without atomic writes could not tell. */
const driven = new WeakMap<BaseCheckpointSaver, Map<string, Holder>>();

/** The leases that this process holds or reaches for, by token: two checkpointers may be one database. */
const heldHere = new Set<string>();

/**
 * The right to drive a thread: one holder at a time, within a process and between processes. Generations of the lease are
 * numbered; of several processes that reach for the same generation, the one whose write came first has it, because
 * checkpointers keep the first write of a task. The holder renews it until it is released; a holder that is gone can be
 * followed by another: at once where its process is known to be dead, else when it has not renewed for
 * {@link expiresAfterMs}.
 */
export class ThreadLease {
  readonly #saver: BaseCheckpointSaver;
  readonly #thread: string;
  readonly #generation: string;
  readonly #holder: Holder;
  /** Whether nobody has driven the thread before: then it holds nothing. */
  readonly isFirst: boolean;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    saver: BaseCheckpointSaver,
    thread: string,
    generation: string,
    holder: Holder,
    isFirst = false,
  ) {
    this.#saver = saver;
    this.#thread = thread;
    this.#generation = generation;
    this.#holder = holder;
    this.isFirst = isFirst;
  }

  /**
   * Takes the lease of a thread. `onLost` is called when another process has taken it over, because this one did not renew
   * it in time.
   * @throws DagError `THREAD_BUSY` when somebody else drives the thread; rejects with the checkpointer's error.
   */
  static async acquire(saver: BaseCheckpointSaver, thread: string, onLost: () => void): Promise<ThreadLease> {
    const here = drivenBy(saver);
    const known = here.get(thread);
    if (known !== undefined) throw busy(thread, known, null);
    const holder: Holder = {
      token: randomUUID(),
      process: thisProcess,
      pid: process.pid,
      host: hostname(),
      place: placeOfProcess(),
      since: new Date().toISOString(),
    };
    here.set(thread, holder);
    // Before it is written: what reads it from there finds out here that its holder is there.
    heldHere.add(holder.token);
    try {
      const first = new ThreadLease(saver, thread, generationAfter(null), holder, true);
      if (await first.#claim()) {
        first.#renew(onLost);
        return first;
      }
      const current = await read(saver, thread);
      if (current?.generation === first.#generation && current.holder?.token === holder.token) {
        // It was claimed, and the answer was lost on its way.
        first.#renew(onLost);
        return first;
      }
      const wait = current === null ? 0 : leftMs(current, holder.place, await storeNowMs(saver));
      if (current !== null && current.holder !== null && wait > 0) throw busy(thread, current.holder, wait);
      // A generation that nobody holds yet is being reached for by somebody: both go for the same one.
      const free = current?.holder === null && !current.released ? current.generation : null;
      const generation = free ?? generationAfter(current);
      const lease = new ThreadLease(saver, thread, generation, holder);
      await lease.#put(false);
      await saver.putWrites(
        { configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: generation } },
        lease.#holding(),
        holderTask,
      );
      const now = await read(saver, thread);
      if (now?.generation !== generation || now.holder?.token !== holder.token) {
        throw busy(thread, now?.holder ?? null, expiresAfterMs);
      }
      lease.#renew(onLost);
      return lease;
    } catch (error) {
      here.delete(thread);
      heldHere.delete(holder.token);
      throw error;
    }
  }

  /** Gives the thread back. Never rejects: a lease that cannot be given back expires. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    drivenBy(this.#saver).delete(this.#thread);
    heldHere.delete(this.#holder.token);
    const giveBack = () => this.#put(true).catch(() => {});
    const saver = threadSaver(this.#saver);
    if (saver.letGo === undefined) await giveBack();
    else saver.letGo(this.#thread, giveBack);
  }

  /** Takes a thread that nobody has driven before in one step, where the checkpointer can; whether it did. */
  async #claim(): Promise<boolean> {
    const saver = threadSaver(this.#saver);
    if (saver.putNew === undefined) return false;
    const config = { configurable: { thread_id: this.#thread, checkpoint_ns: namespace } };
    return saver.putNew(config, this.#point(), await this.#beat(false), this.#holding(), holderTask);
  }

  #holding(): [string, string][] {
    return [["holder", JSON.stringify(this.#holder)]];
  }

  #point(): Checkpoint {
    return { ...emptyCheckpoint(), id: this.#generation };
  }

  #renew(onLost: () => void): void {
    this.#timer = setInterval(async () => {
      try {
        const now = await read(this.#saver, this.#thread);
        if (now !== null && now.generation > this.#generation) {
          clearInterval(this.#timer);
          onLost();
        } else await this.#put(false);
      } catch {
        // The store may be back at the next beat; if not, the run's own writes say what is wrong.
      }
    }, renewEveryMs);
    this.#timer.unref();
  }

  async #put(released: boolean): Promise<void> {
    const config = { configurable: { thread_id: this.#thread, checkpoint_ns: namespace } };
    await this.#saver.put(config, this.#point(), await this.#beat(released), {});
  }

  /** In the metadata, because some checkpointers keep the first value of a channel's version for good. */
  async #beat(released: boolean): Promise<CheckpointMetadata<LeaseMetadata>> {
    const beat = await storeNowMs(this.#saver);
    return { source: "update", step: -1, parents: {}, lease: JSON.stringify({ beat, released }) };
  }
}

/** Whether somebody drives a thread now, in this process or in another. Rejects with the checkpointer's error. */
export async function isDriven(saver: BaseCheckpointSaver, thread: string): Promise<boolean> {
  if (drivenBy(saver).has(thread)) return true;
  const current = await read(saver, thread);
  return current !== null && leftMs(current, placeOfProcess(), await storeNowMs(saver)) > 0;
}

interface LeaseMetadata {
  /** JSON: when the lease was last renewed (milliseconds since 1970), and whether it was given back. */
  readonly lease: string;
}

interface Current {
  readonly generation: string;
  readonly holder: Holder | null;
  /** Milliseconds since 1970. */
  readonly beat: number;
  readonly released: boolean;
}

function generationAfter(current: Pick<Current, "generation"> | null): string {
  return String(Number(current?.generation ?? 0) + 1).padStart(12, "0");
}

async function read(saver: BaseCheckpointSaver, thread: string): Promise<Current | null> {
  const tuple = await saver.getTuple({ configurable: { thread_id: thread, checkpoint_ns: namespace } });
  return tuple === undefined ? null : currentIn(tuple);
}

function currentIn({ checkpoint, metadata, pendingWrites = [] }: CheckpointTuple): Current {
  const text = pendingWrites.find(([, name]) => name === "holder")?.[2];
  const { lease } = (metadata ?? {}) as Partial<LeaseMetadata>;
  const { beat = 0, released = false } = JSON.parse(lease ?? "{}");
  return {
    generation: checkpoint.id,
    holder: typeof text === "string" ? (JSON.parse(text) as Holder) : null,
    beat,
    released,
  };
}

/** Milliseconds until a lease can be taken over; 0 when it can be now. */
function leftMs({ holder, beat, released }: Current, place: string, nowMs: number): number {
  if (released || holder === null) return 0;
  if (holder.host === hostname() && holder.place === place) {
    const isHere = holder.process === thisProcess;
    if (isHere ? !heldHere.has(holder.token) : holder.pid === process.pid || !isAlive(holder.pid)) return 0;
  }
  return Math.max(0, beat + expiresAfterMs - nowMs);
}

/** The time that all who share a store go by, in milliseconds since 1970: the store's own clock where it has one. */
async function storeNowMs(saver: BaseCheckpointSaver): Promise<number> {
  return (await threadSaver(saver).storeNowMs?.()) ?? Date.now();
}

/** Which list of processes this process is in: the boot of its kernel, and the namespace of its container. */
function placeOfProcess(): string {
  place ??= readPlace();
  return place;
}

/** Read once: it does not change. */
let place: string | undefined;

function readPlace(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code !== "ESRCH";
  }
}

function drivenBy(saver: BaseCheckpointSaver): Map<string, Holder> {
  let threads = driven.get(saver);
  if (threads === undefined) {
    threads = new Map();
    driven.set(saver, threads);
  }
  return threads;
}

function busy(thread: string, holder: Holder | null, wait: number | null): DagError {
  const who =
    holder === null
      ? "another process"
      : holder.process === thisProcess
        ? "this process"
        : `process ${holder.pid} on ${holder.host}`;
  const since = holder === null ? "" : ` since ${holder.since}`;
  const seconds = wait === null ? null : Math.ceil(wait / 1000);
  return new DagError("THREAD_BUSY", `The thread "${thread}" is being driven by ${who}${since}.`, {
    facts: { thread, holder, waitMs: wait },
    hint:
      seconds === null
        ? "Wait until that run has ended."
        : `Wait until that run has ended; if it is gone, the thread is free in ${seconds} s.`,
  });
}
