import type { Redis } from "ioredis";
import { connectRedis, RedisSaver } from "../../stores/redis.js";
import { addressOf, fromStore } from "../../stores/store-error.js";
import { standingOf } from "../item.js";
import {
  type Changed,
  type EngineStore,
  isThreadOf,
  type LedgerRow,
  mostTold,
  type NumberedRow,
  type Told,
} from "./engine-store.js";

/** Writes documents if the first still is what it was: `KEYS` are the documents, `ARGV` what the first was, then what they become. */
const swap = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
for i, key in ipairs(KEYS) do
  local body = ARGV[i + 1]
  if body == '-' then redis.call('DEL', key) elseif body ~= '=' then redis.call('SET', key, body) end
end
return 1`;

/** Enters lines: `KEYS` are the ledger, its order, its count and its open rows; `ARGV` key, entry, line and `1` where it is open. */
const enter = `
for i = 1, #ARGV, 4 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  if not known or string.sub(known, 1, #ARGV[i + 1]) ~= ARGV[i + 1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ARGV[i + 2])
    redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[3]), ARGV[i])
    redis.call(ARGV[i + 3] == '1' and 'SADD' or 'SREM', KEYS[4], ARGV[i])
  end
end`;

/** Messages of a batch are kept for so long after the last one, in seconds. */
const toldForS = 3600;

/** Length of an entry's name: a UUID's. */
const entryLength = 36;

/** The store of an engine on Redis. */
export class RedisEngineStore implements EngineStore {
  readonly name: string;
  readonly threads: RedisSaver;
  readonly #client: Redis;

  private constructor(client: Redis, name: string) {
    this.#client = client;
    this.name = name;
    this.threads = new RedisSaver(client, name);
  }

  /** @throws DagError as `openRedis` does. */
  static async open(url: string): Promise<RedisEngineStore> {
    return new RedisEngineStore(await connectRedis(url), addressOf(url));
  }

  async read(names: readonly string[]): Promise<(any | null)[]> {
    return fromStore(this.name, async () => {
      const bodies = await this.#client.mget(names.map(documentKey));
      return bodies.map((body) => (body === null ? null : JSON.parse(body)));
    });
  }

  async change<T>(
    names: readonly string[],
    change: (found: readonly (any | null)[], nowMs: number) => Changed<T>,
  ): Promise<T> {
    return fromStore(this.name, async () => {
      const keys = names.map(documentKey);
      for (let tries = 0; ; tries++) {
        const [bodies, [seconds, microseconds]] = await Promise.all([
          this.#client.mget(keys),
          this.#client.time(),
        ]);
        const nowMs = Number(seconds) * 1000 + Number(microseconds) / 1000;
        const found = bodies.map((body) => (body === null ? null : JSON.parse(body)));
        const { write, result } = change(found, nowMs);
        if (write.every((body) => body === undefined)) return result;
        const texts = keys.map((_, at) => {
          const body = write[at];
          return body === undefined ? "=" : body === null ? "-" : JSON.stringify(body);
        });
        // Whoever only changes what belongs to the first document changes that too, so that others notice.
        if (texts[0] === "=") texts[0] = bumped(found[0]);
        if ((await this.#client.eval(swap, keys.length, ...keys, bodies[0] ?? "", ...texts)) === 1)
          return result;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(50, 2 ** tries)));
      }
    });
  }

  async find(batch: string, keys: readonly string[]): Promise<(LedgerRow | null)[]> {
    return fromStore(this.name, async () => {
      const texts = await this.#client.hmget(ledgerKey(batch), ...keys);
      return texts.map((text) => (text === null ? null : lineIn(text)));
    });
  }

  async append(batch: string, rows: readonly LedgerRow[], threads: readonly string[]): Promise<void> {
    const words = rows.flatMap(({ entry, ...line }) => {
      const isOpen = standingOf(line.item) === "open";
      return [line.item.key, entry, JSON.stringify(line), isOpen ? "1" : "0"];
    });
    const ledger = ledgerKey(batch);
    await fromStore(this.name, async () => {
      const keys = [ledger, `${ledger}:order`, `${ledger}:lines`, `${ledger}:open`];
      await this.#client.eval(enter, keys.length, ...keys, ...words);
      await Promise.all(threads.map((thread) => this.threads.deleteThread(thread)));
    });
  }

  async after(batch: string, n: number, most: number): Promise<NumberedRow[]> {
    return fromStore(this.name, async () => {
      const order = await this.#client.zrangebyscore(
        `${ledgerKey(batch)}:order`,
        `(${n}`,
        "+inf",
        "WITHSCORES",
        "LIMIT",
        0,
        most,
      );
      const keys = order.filter((_, at) => at % 2 === 0);
      if (keys.length === 0) return [];
      const texts = await this.#client.hmget(ledgerKey(batch), ...keys);
      return texts.flatMap((text, at) =>
        text === null ? [] : [{ n: Number(order[2 * at + 1]), ...lineIn(text) }],
      );
    });
  }

  async count(batch: string): Promise<{ readonly all: number; readonly done: number }> {
    const ledger = ledgerKey(batch);
    return fromStore(this.name, async () => {
      const [all, open] = await Promise.all([
        this.#client.hlen(ledger),
        this.#client.scard(`${ledger}:open`),
      ]);
      return { all, done: all - open };
    });
  }

  async last(batch: string): Promise<number> {
    return fromStore(this.name, async () =>
      Number((await this.#client.get(`${ledgerKey(batch)}:lines`)) ?? 0),
    );
  }

  async tell(batch: string, messages: readonly string[]): Promise<void> {
    await fromStore(this.name, () =>
      Promise.all([
        ...messages.map((message) =>
          this.#client.xadd(toldKey(batch), "MAXLEN", "~", mostTold, "*", "m", message),
        ),
        this.#client.expire(toldKey(batch), toldForS),
      ]),
    );
  }

  async told(batch: string, after: string | null, most: number): Promise<Told> {
    return fromStore(this.name, async () => {
      if (after === null) {
        const [newest] = await this.#client.xrevrange(toldKey(batch), "+", "-", "COUNT", 1);
        return { messages: [], last: newest?.[0] ?? "0" };
      }
      const found = await this.#client.xrange(toldKey(batch), `(${after}`, "+", "COUNT", most);
      return { messages: found.map(([, [, message = ""]]) => message), last: found.at(-1)?.[0] ?? after };
    });
  }

  async forget(batch: string, names: readonly string[], under: string): Promise<number> {
    return fromStore(this.name, async () => {
      const client = this.#client;
      const others = (await this.#keysOf(documentKey("batch/"))).map((key) =>
        key.slice(documentKey("batch/").length),
      );
      const threads = await client.smembers("agent-dag:threads");
      for (const thread of threads) {
        if (isThreadOf(thread, batch, others)) await this.threads.deleteThread(thread);
      }
      const ledger = ledgerKey(batch);
      const lines = await client.hlen(ledger);
      await client.unlink(ledger, `${ledger}:order`, `${ledger}:lines`, `${ledger}:open`, toldKey(batch));
      const start = documentKey(`${under}/`);
      const ofRows = (await this.#keysOf(start)).filter((key) =>
        /^[0-9a-f]{16}$/.test(key.slice(start.length)),
      );
      if (ofRows.length > 0) await client.unlink(...ofRows);
      await client.unlink(...names.map(documentKey));
      return lines;
    });
  }

  async #keysOf(prefix: string): Promise<string[]> {
    const found = new Set<string>();
    const pattern = `${prefix.replaceAll(/[*?[\]\\^]/g, "\\$&")}*`;
    let cursor = "0";
    do {
      const [next, keys] = await this.#client.scan(cursor, "MATCH", pattern, "COUNT", 1000);
      for (const key of keys) found.add(key);
      cursor = next;
    } while (cursor !== "0");
    return [...found];
  }

  async close(): Promise<void> {
    this.#client.disconnect();
  }
}

function documentKey(name: string): string {
  return `agent-dag:document:${name}`;
}

function toldKey(batch: string): string {
  return `agent-dag:told:${batch}`;
}

function ledgerKey(batch: string): string {
  return `agent-dag:ledger:${batch}`;
}

function bumped(found: { turn?: number } | null): string {
  return JSON.stringify({ ...found, turn: (found?.turn ?? 0) + 1 });
}

function lineIn(text: string): LedgerRow {
  return { entry: text.slice(0, entryLength), ...JSON.parse(text.slice(entryLength)) };
}
