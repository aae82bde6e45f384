import {
  BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
} from "@langchain/langgraph";
import { instanceSecrets, noteSecrets } from "../../src/models/secrets.js";
import { outliveServer } from "../../src/stores/postgres.js";

type Config = Parameters<BaseCheckpointSaver["getTuple"]>[0];
type ListOptions = Parameters<BaseCheckpointSaver["list"]>[1];
type Versions = Parameters<BaseCheckpointSaver["put"]>[3];
type Writes = Parameters<BaseCheckpointSaver["putWrites"]>[1];

const jsonKey = "agent-dag/json";

/** Whoever drives a thread, as far as its store is concerned. */
export interface StoreWatcher {
  /** Whether the store has failed the run: then it is not asked any more. */
  readonly hasFailed: () => boolean;
  readonly onFailure: (error: unknown) => void;
}

/**
 * A checkpointer that hands JSON on as text. LangGraph's serialiser brings to life what looks like LangChain's own data and
 * drops keys it does not like; text it leaves alone, so that every value comes back as it went in.
 *
 * An error of the checkpointer behind it is told to whoever drives the thread, and the run goes on without it: LangGraph needs
 * what it reads here only to begin.
 */
export class OpaqueSaver extends BaseCheckpointSaver {
  readonly inner: BaseCheckpointSaver;
  /** Who is told of errors, by thread. */
  readonly watchers = new Map<string, StoreWatcher>();

  constructor(inner: BaseCheckpointSaver) {
    super(inner.serde);
    this.inner = inner;
  }

  override async getTuple(config: Config): Promise<CheckpointTuple | undefined> {
    const read = async () => {
      const tuple = await this.inner.getTuple(config);
      return tuple === undefined ? undefined : decodedTuple(tuple);
    };
    return this.#orGoOn(config, read, undefined);
  }

  override async *list(config: Config, options?: ListOptions): AsyncGenerator<CheckpointTuple> {
    for await (const tuple of this.inner.list(config, options)) yield decodedTuple(tuple);
  }

  override async put(
    config: Config,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: Versions,
  ): Promise<Config> {
    const values = Object.fromEntries(
      Object.entries(checkpoint.channel_values).map(([name, value]) => [name, encoded(value)]),
    );
    const opaque = { ...checkpoint, channel_values: values };
    return this.#orGoOn(config, () => this.inner.put(config, opaque, metadata, newVersions), {
      configurable: {
        thread_id: config.configurable?.thread_id,
        checkpoint_ns: config.configurable?.checkpoint_ns ?? "",
        checkpoint_id: checkpoint.id,
      },
    });
  }

  /** @param rest Later versions of LangGraph give the task's path as well. */
  override async putWrites(
    config: Config,
    writes: Writes,
    taskId: string,
    ...rest: unknown[]
  ): Promise<void> {
    const opaque = writes.map(([channel, value]): Writes[number] => [channel, encoded(value)]);
    const put = this.inner.putWrites as (...args: unknown[]) => Promise<void>;
    await this.#orGoOn(config, () => put.call(this.inner, config, opaque, taskId, ...rest), undefined);
  }

  override deleteThread(threadId: string): Promise<void> {
    return this.inner.deleteThread(threadId);
  }

  /**
   * The next whole number, and a random fraction: a channel's version is one value. Checkpointers that keep values by version
   * (PostgreSQL's) would else give a fork what the branch before it had put there.
   */
  override getNextVersion(current: number | undefined): number {
    return Math.floor(current ?? 0) + 1 + Math.random();
  }

  async #orGoOn<T>(config: Config, work: () => Promise<T>, otherwise: T): Promise<T> {
    const watcher = this.watchers.get(config.configurable?.thread_id);
    if (watcher?.hasFailed()) return otherwise;
    try {
      return await work();
    } catch (error) {
      if (watcher === undefined) throw error;
      watcher.onFailure(error);
      return otherwise;
    }
  }
}

const wrapped = new WeakMap<BaseCheckpointSaver, OpaqueSaver>();

/** The opaque form of a checkpointer, the same one each time. */
export function opaqueSaver(saver: BaseCheckpointSaver): OpaqueSaver {
  if (saver instanceof OpaqueSaver) return saver;
  let opaque = wrapped.get(saver);
  if (opaque === undefined) {
    const { pool } = saver as { pool?: { readonly options?: unknown } };
    outliveServer(pool);
    noteSecrets(instanceSecrets(pool?.options));
    opaque = new OpaqueSaver(saver);
    wrapped.set(saver, opaque);
  }
  return opaque;
}

function decodedTuple(tuple: CheckpointTuple): CheckpointTuple {
  const values = Object.entries(tuple.checkpoint.channel_values);
  return {
    ...tuple,
    checkpoint: {
      ...tuple.checkpoint,
      channel_values: Object.fromEntries(values.map(([name, value]) => [name, decoded(value)])),
    },
    ...(tuple.pendingWrites !== undefined && {
      pendingWrites: tuple.pendingWrites.map(([task, channel, value]) => [task, channel, decoded(value)]),
    }),
  };
}

/** JSON as text; within what is not JSON (LangGraph's own objects), the parts that are. */
function encoded(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isJson(value)) return { [jsonKey]: JSON.stringify(value) };
  if (Array.isArray(value)) return value.map(encoded);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, encoded(part)]));
}

function decoded(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(decoded);
  if (!isPlain(value)) return value;
  const text = (value as Record<string, unknown>)[jsonKey];
  if (typeof text === "string" && Object.keys(value).length === 1) return JSON.parse(text);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, decoded(part)]));
}

/** Whether JSON holds all of a value; what was settled before is known to be, so this looks for LangGraph's own objects. */
function isJson(value: unknown): boolean {
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") return false;
  if (typeof value !== "object" || value === null) return true;
  return Array.isArray(value)
    ? value.every((part) => part !== undefined && isJson(part))
    : isPlain(value) && Object.values(value).every(isJson);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
