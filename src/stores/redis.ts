import {
  BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  copyCheckpoint,
} from "@langchain/langgraph";
import type { Redis } from "ioredis";
import { DagError, errorMessage } from "../errors.js";
import { addressOf, type StoreCause, storeError } from "./store-error.js";
import type { ThreadSaver } from "./thread-saver.js";

type Config = Parameters<BaseCheckpointSaver["getTuple"]>[0];
type ListOptions = Parameters<BaseCheckpointSaver["list"]>[1];
type Configurable = NonNullable<Config["configurable"]>;
type Writes = Parameters<BaseCheckpointSaver["putWrites"]>[1];

/** A Redis checkpointer of our own making. */
export interface OpenRedis {
  readonly checkpointer: BaseCheckpointSaver;
  close(): Promise<void>;
}

/** What a script is given. */
interface Packed {
  readonly keys: readonly string[];
  readonly words: readonly string[];
}

/** Longest to wait for a connection, and for the answer to one command, in milliseconds. */
const patienceMs = 10_000;

/** Under which all keys stand. */
const prefix = "agent-dag:";

/** The key of the set of all threads. */
const allThreads = `${prefix}threads`;

/**
 * Connects to a Redis server (6 or newer, without modules).
 * @param address `redis://user:password@host:port/database`, or `rediss://…` with TLS.
 * @throws DagError `CHECKPOINTER_PACKAGE_MISSING`, `CHECKPOINTER_UNUSABLE`. No message, fact or cause of it holds the password.
 */
export async function connectRedis(address: string): Promise<Redis> {
  if (!URL.canParse(address)) {
    throw new DagError("CHECKPOINTER_UNUSABLE", "The address of the Redis server cannot be read.", {
      hint: "Write redis://user:password@host:6379/0, with characters such as @, / and # in the password percent-encoded.",
    });
  }
  const Client = await loadRedis();
  const client = new Client(address, {
    lazyConnect: true,
    connectTimeout: patienceMs,
    commandTimeout: patienceMs,
    maxRetriesPerRequest: 3,
    connectionName: "agent-dag",
    // What is asked for in one turn goes out together.
    enableAutoPipelining: true,
    retryStrategy: (times) => Math.min(50 * 2 ** times, 1000),
  });
  // A server that goes away fails the commands under way; as an event that nobody listens to it would end the process.
  let lost: unknown;
  client.on("error", (error) => {
    lost = error;
  });
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    client.disconnect();
    // What is rejected says no more than that there is no connection.
    throw unusable(
      /connection is closed/i.test(errorMessage(error)) ? (lost ?? error) : error,
      addressOf(address),
    );
  }
  return client;
}

/** Opens a Redis server as a checkpointer. @throws DagError as {@link connectRedis} does. */
export async function openRedis(address: string, create: boolean): Promise<OpenRedis> {
  const client = await connectRedis(address);
  const name = addressOf(address);
  if (!create && (await client.exists(allThreads)) === 0) {
    client.disconnect();
    throw new DagError("CHECKPOINTER_UNUSABLE", `The store "${name}" holds no runs.`, {
      facts: { store: name },
      hint: "Give the store that the run was started with (--checkpoint): nothing was written.",
    });
  }
  return { checkpointer: new RedisSaver(client, name), close: async () => client.disconnect() };
}

// What is put is one script, so one command, which goes out together with what else is asked for in the same turn.

/** `KEYS`: all threads, and of one its namespaces, their checkpoints in order, and these; `ARGV`: thread, namespace, checkpoint, body. */
const putPoint = `
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[3], 0, ARGV[3])
redis.call('HSET', KEYS[4], ARGV[3], ARGV[4])`;

/** `KEYS`: a thread's lists of writes, so that deleting the thread finds them, and one of them; `ARGV`: command, field and body of each. */
const enterWrites = `
redis.call('SADD', KEYS[1], KEYS[2])
for i = 1, #ARGV, 3 do redis.call(ARGV[i], KEYS[2], ARGV[i + 1], ARGV[i + 2]) end`;

/** Both, unless the checkpoint is there: `KEYS` and `ARGV` of the one, then those of the other. */
const putPointAndWrites = `
if redis.call('HEXISTS', KEYS[4], ARGV[3]) == 1 then return 0 end${putPoint}
redis.call('SADD', KEYS[5], KEYS[6])
for i = 5, #ARGV, 3 do redis.call(ARGV[i], KEYS[6], ARGV[i + 1], ARGV[i + 2]) end
return 1`;

/** `KEYS`: all threads, and what is there of one; `ARGV`: the thread. */
const forgetThread = `
redis.call('SREM', KEYS[1], ARGV[1])
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end`;

/** The server's own clock, in milliseconds since 1970. */
export async function redisNowMs(client: Redis): Promise<number> {
  const [seconds, microseconds] = await client.time();
  return Number(seconds) * 1000 + Number(microseconds) / 1000;
}

/**
 * A LangGraph checkpointer on plain Redis: a thread's checkpoints are one hash, their order a sorted set, a checkpoint's writes
 * a hash of their own. As in LangGraph's savers the first write of a task counts, and those of its special channels the last.
 */
export class RedisSaver extends BaseCheckpointSaver implements ThreadSaver {
  /** So that an error of the store can name it. */
  readonly storeName: string;
  /** What is put first is there first: commands go out at once, on one connection. */
  readonly keepsOrder = true;
  readonly #client: Redis;
  /** Settles when what was to be put last is packed. */
  #packing: Promise<unknown> = Promise.resolve();

  constructor(client: Redis, storeName: string) {
    super();
    this.#client = client;
    this.storeName = storeName;
  }

  /** What leases go by. */
  storeNowMs(): Promise<number> {
    return redisNowMs(this.#client);
  }

  override async getTuple({ configurable = {} }: Config): Promise<CheckpointTuple | undefined> {
    const { thread_id: thread, checkpoint_ns: namespace = "", checkpoint_id: asked } = configurable;
    if (typeof thread !== "string") return undefined;
    const id = typeof asked === "string" && asked !== "" ? asked : await this.#latest(thread, namespace);
    return id === undefined ? undefined : this.#read(thread, namespace, id);
  }

  override async *list(
    { configurable = {} }: Config,
    { limit = Infinity, before, filter = {} }: ListOptions = {},
  ): AsyncGenerator<CheckpointTuple> {
    const { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id } = configurable;
    const threads = typeof thread === "string" ? [thread] : (await this.#client.smembers(allThreads)).sort();
    const below: unknown = before?.configurable?.checkpoint_id;
    let left = limit;
    for (const one of threads) {
      const namespaces =
        typeof namespace === "string" ? [namespace] : await this.#client.smembers(keyOf("spaces", one));
      for (const space of namespaces.sort()) {
        const ids = await this.#client.zrevrangebylex(keyOf("order", one, space), "+", "-");
        for (const found of ids) {
          if (typeof id === "string" && id !== "" && found !== id) continue;
          if (typeof below === "string" && found >= below) continue;
          const tuple = await this.#read(one, space, found);
          const metadata = (tuple?.metadata ?? {}) as Record<string, unknown>;
          if (tuple === undefined || Object.entries(filter).some(([key, value]) => metadata[key] !== value))
            continue;
          if (left-- <= 0) return;
          yield tuple;
        }
      }
    }
  }

  override async put(
    { configurable = {} }: Config,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
  ): Promise<Config> {
    const { thread, namespace } = placeIn(configurable);
    await this.#run(putPoint, this.#point(configurable, checkpoint, metadata));
    return {
      configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: checkpoint.id },
    };
  }

  /** A checkpoint and its first writes as one, unless it is there already; whether it was not. */
  async putNew(
    { configurable = {} }: Config,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    writes: Writes,
    task: string,
  ): Promise<boolean> {
    const at = { ...configurable, checkpoint_id: checkpoint.id };
    const packing = Promise.all([
      this.#point(configurable, checkpoint, metadata),
      this.#writes(at, writes, task, ""),
    ]);
    const both = packing.then(([point, entered]) => ({
      keys: [...point.keys, ...entered.keys],
      words: [...point.words, ...entered.words],
    }));
    return (await this.#run(putPointAndWrites, both)) === 1;
  }

  override async putWrites(
    { configurable = {} }: Config,
    writes: Writes,
    task: string,
    taskPath = "",
  ): Promise<void> {
    await this.#run(enterWrites, this.#writes(configurable, writes, task, taskPath));
  }

  override async deleteThread(thread: string): Promise<void> {
    const [spaces, written] = await Promise.all([
      this.#client.smembers(keyOf("spaces", thread)),
      this.#client.smembers(keyOf("written", thread)),
    ]);
    const ofSpaces = spaces.flatMap((space) => [
      keyOf("order", thread, space),
      keyOf("points", thread, space),
    ]);
    const keys = [...ofSpaces, ...written, keyOf("spaces", thread), keyOf("written", thread)];
    await this.#run(forgetThread, Promise.resolve({ keys: [allThreads, ...keys], words: [thread] }));
  }

  /** In the order in which it was asked for, however long it took to pack. */
  async #run(script: string, packing: Promise<Packed>): Promise<unknown> {
    // It may fail before its turn.
    packing.catch(() => {});
    const inTurn = this.#packing.then(() => packing);
    this.#packing = inTurn.catch(() => {});
    const { keys, words } = await inTurn;
    return this.#client.eval(script, keys.length, ...keys, ...words);
  }

  /** Keys and words of {@link putPoint}. */
  async #point(
    configurable: Configurable,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
  ): Promise<Packed> {
    const { thread, namespace } = placeIn(configurable);
    const parent: unknown = configurable.checkpoint_id;
    const body = JSON.stringify([
      await this.#packed(copyCheckpoint(checkpoint)),
      await this.#packed(metadata),
      typeof parent === "string" ? parent : null,
    ]);
    const places = [keyOf("order", thread, namespace), keyOf("points", thread, namespace)];
    return {
      keys: [allThreads, keyOf("spaces", thread), ...places],
      words: [thread, namespace, checkpoint.id, body],
    };
  }

  /** Keys and words of {@link enterWrites}. */
  async #writes(configurable: Configurable, writes: Writes, task: string, taskPath: string): Promise<Packed> {
    const { thread, namespace } = placeIn(configurable);
    const key = keyOf("writes", thread, namespace, String(configurable.checkpoint_id));
    const packed = await Promise.all(writes.map(([, value]) => this.#packed(value)));
    const words = writes.flatMap(([channel], index) => {
      const isSpecial = channel.startsWith("__") && channel !== "__pregel_tasks";
      const field = JSON.stringify([taskPath, task, isSpecial ? channel : index]);
      return [isSpecial ? "HSET" : "HSETNX", field, JSON.stringify([channel, packed[index]])];
    });
    return { keys: [keyOf("written", thread), key], words };
  }

  async #latest(thread: string, namespace: string): Promise<string | undefined> {
    const key = keyOf("order", thread, namespace);
    const [id] = await this.#client.zrevrangebylex(key, "+", "-", "LIMIT", 0, 1);
    return id;
  }

  async #read(thread: string, namespace: string, id: string): Promise<CheckpointTuple | undefined> {
    const [body, written] = await Promise.all([
      this.#client.hget(keyOf("points", thread, namespace), id),
      this.#client.hgetall(keyOf("writes", thread, namespace, id)),
    ]);
    if (body === null) return undefined;
    const [checkpoint, metadata, parent] = JSON.parse(body);
    const inOrder = Object.entries(written)
      .map(([field, text]) => ({ field: JSON.parse(field) as [string, string, unknown], text }))
      .sort(({ field: a }, { field: b }) => inOrderOf(a, b));
    const pendingWrites = await Promise.all(
      inOrder.map(async ({ field: [, task], text }): Promise<[string, string, unknown]> => {
        const [channel, value] = JSON.parse(text);
        return [task, channel, await this.#unpacked(value)];
      }),
    );
    const at = (one: string) => ({
      configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: one },
    });
    return {
      config: at(id),
      checkpoint: await this.#unpacked(checkpoint),
      metadata: await this.#unpacked(metadata),
      pendingWrites,
      ...(parent !== null && { parentConfig: at(parent) }),
    };
  }

  async #packed(value: unknown): Promise<[string, string]> {
    const [type, bytes] = await this.serde.dumpsTyped(value);
    return [type, Buffer.from(bytes).toString("base64")];
  }

  async #unpacked([type, text]: [string, string]): Promise<any> {
    return this.serde.loadsTyped(type, Buffer.from(text, "base64"));
  }
}

function inOrderOf(a: readonly unknown[], b: readonly unknown[]): number {
  for (const [at, one] of a.entries()) {
    const other = b[at];
    if (one === other) continue;
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one) < String(other) ? -1 : 1;
  }
  return 0;
}

function keyOf(kind: string, ...parts: readonly string[]): string {
  return `${prefix}${kind}:${parts.length === 1 ? parts[0] : JSON.stringify(parts)}`;
}

function placeIn({ thread_id: thread, checkpoint_ns: namespace = "" }: NonNullable<Config["configurable"]>) {
  if (typeof thread !== "string" || thread === "") {
    throw new DagError("THREAD_MISSING", "A checkpoint needs a thread.", { hint: "Pass a thread_id." });
  }
  return { thread, namespace: String(namespace) };
}

function unusable(error: unknown, name: string): DagError {
  const { facts } = storeError(error, name);
  const reason = facts.reason as StoreCause;
  return new DagError(
    "CHECKPOINTER_UNUSABLE",
    `The store "${name}" cannot be opened: ${String(facts.why)}.`,
    {
      facts,
      cause: error,
      hint:
        reason === "unreachable"
          ? "Check that its server runs, its host and its port."
          : "Check the user and the password, and that the server is Redis 6 or newer.",
    },
  );
}

async function loadRedis(): Promise<typeof import("ioredis").Redis> {
  try {
    return (await import("ioredis")).Redis;
  } catch (error) {
    throw new DagError("CHECKPOINTER_PACKAGE_MISSING", "A redis: store needs the package ioredis.", {
      cause: error,
      hint: "Run: npm install ioredis",
    });
  }
}
