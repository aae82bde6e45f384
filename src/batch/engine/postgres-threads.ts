import {
  BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
} from "@langchain/langgraph";
import type { Pool } from "pg";
import { logNamespace } from "../../stores/thread-log.js";
import type { ThreadSaver } from "../../stores/thread-saver.js";
import type { OrderedConnection } from "./ordered-connection.js";
import { Together } from "./together.js";

type Config = Parameters<BaseCheckpointSaver["getTuple"]>[0];
type Writes = Parameters<BaseCheckpointSaver["putWrites"]>[1];

/** Tables of rows' threads; they are emptied as rows are done. */
export const threadTables = `
CREATE TABLE IF NOT EXISTS agent_dag.threads (
  thread text NOT NULL, space text NOT NULL, id text NOT NULL, checkpoint text NOT NULL, metadata text NOT NULL,
  PRIMARY KEY (thread, space, id)
);
CREATE TABLE IF NOT EXISTS agent_dag.writes (
  thread text NOT NULL, space text NOT NULL, id text NOT NULL, task text NOT NULL, place int NOT NULL,
  channel text NOT NULL, value text NOT NULL,
  PRIMARY KEY (thread, space, id, task, place)
);`;

interface Place {
  readonly thread: string;
  readonly space: string;
}

interface Point extends Place {
  readonly id: string;
  readonly checkpoint: string;
  readonly metadata: string;
}

interface Write extends Place {
  readonly id: string;
  readonly task: string;
  readonly place: number;
  readonly channel: string;
  readonly value: string;
}

/** What is entered at once: a checkpoint that is to be new, or `null`, and writes, which are left out where it was not. */
interface Entry {
  readonly point: Point | null;
  readonly writes: readonly Write[];
}

/** Most that goes into one statement. */
const mostAtOnce = 100;

/** Statements of what rows have come to that are under way at once; what comes meanwhile goes into the next one. */
const writesUnderWay = 4;

/**
 * Keeps the logs and leases of rows in PostgreSQL. What rows that run side by side ask for at one time goes into one statement, so
 * that a busy worker takes a fraction of the round trips of a checkpointer of general use. It holds what is JSON, which is all that
 * logs and leases are; LangGraph's own checkpoints are not given to it.
 */
export class PostgresThreads extends BaseCheckpointSaver implements ThreadSaver {
  /** So that an error of the store can name it. */
  readonly storeName: string;
  /** What is put first is there first. */
  readonly keepsOrder = true;
  readonly #pool: Pool;
  readonly #journal: OrderedConnection;
  readonly #reads = new Together((places: Place[]) => this.#read(places), mostAtOnce);
  readonly #puts = new Together((points: Point[]) => this.#put(points), mostAtOnce);
  readonly #entries = new Together(
    (entries: Entry[]) => this.#enter(this.#journal, entries),
    mostAtOnce,
    writesUnderWay,
  );
  /** Leases are not what rows have come to: nothing of that waits for them. */
  readonly #claims = new Together((entries: Entry[]) => this.#enter(this.#pool, entries), mostAtOnce);
  readonly #deletes = new Together((threads: string[]) => this.#delete(threads), mostAtOnce);

  /**
   * @param journal Serves nothing but what rows have come to: a reply is written down at once, whatever else the store is busy
   * with.
   */
  constructor(pool: Pool, journal: OrderedConnection, storeName: string) {
    super();
    this.#pool = pool;
    this.#journal = journal;
    this.storeName = storeName;
  }

  override getTuple({ configurable = {} }: Config): Promise<CheckpointTuple | undefined> {
    return this.#reads.ask(placeIn(configurable));
  }

  override async put({ configurable = {} }: Config, checkpoint: Checkpoint, metadata: CheckpointMetadata) {
    await this.#puts.ask(pointOf(placeIn(configurable), checkpoint, metadata));
    return { configurable: { ...configurable, checkpoint_id: checkpoint.id } };
  }

  putNew(
    { configurable = {} }: Config,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    writes: Writes,
    task: string,
  ): Promise<boolean> {
    const place = placeIn(configurable);
    const point = pointOf(place, checkpoint, metadata);
    const entry = { point, writes: writesOf({ ...place, id: checkpoint.id, task }, writes) };
    return (place.space === logNamespace ? this.#entries : this.#claims).ask(entry);
  }

  override async putWrites({ configurable = {} }: Config, writes: Writes, task: string): Promise<void> {
    const at = { ...placeIn(configurable), id: String(configurable.checkpoint_id), task };
    await this.#entries.ask({ point: null, writes: writesOf(at, writes) });
  }

  override async deleteThread(thread: string): Promise<void> {
    await this.#deletes.ask(stored(thread));
  }

  /** Deletes threads by the names that they are kept under. */
  async forget(threads: readonly string[]): Promise<void> {
    await this.#delete(threads);
  }

  async #read(places: readonly Place[]): Promise<(CheckpointTuple | undefined)[]> {
    const { rows } = await this.#pool.query({
      name: "agent-dag-threads-read",
      text: `
SELECT nr, latest.id, checkpoint, metadata, task, channel, value
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked(thread, space, nr)
CROSS JOIN LATERAL (
  SELECT * FROM agent_dag.threads t WHERE t.thread = asked.thread AND t.space = asked.space ORDER BY id DESC LIMIT 1
) latest
LEFT JOIN agent_dag.writes w ON w.thread = latest.thread AND w.space = latest.space AND w.id = latest.id`,
      values: [places.map(({ thread }) => thread), places.map(({ space }) => space)],
    });
    const byPlace = new Map<number, any[]>();
    for (const row of rows) {
      const nr = Number(row.nr) - 1;
      const known = byPlace.get(nr);
      if (known === undefined) byPlace.set(nr, [row]);
      else known.push(row);
    }
    return places.map((place, nr) => tupleOf(place, byPlace.get(nr)));
  }

  async #put(points: readonly Point[]): Promise<null[]> {
    const latest = new Map(
      points.map((point) => [JSON.stringify([point.thread, point.space, point.id]), point]),
    );
    await this.#pool.query({
      name: "agent-dag-threads-put",
      text: `
INSERT INTO agent_dag.threads SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
ON CONFLICT (thread, space, id) DO UPDATE SET checkpoint = excluded.checkpoint, metadata = excluded.metadata`,
      values: columns([...latest.values()], pointColumns),
    });
    return points.map(() => null);
  }

  /** Whether each entry's checkpoint was new. */
  async #enter(at: Pick<OrderedConnection, "query">, entries: readonly Entry[]): Promise<boolean[]> {
    const points = entries.flatMap(({ point }) => (point === null ? [] : [point]));
    if (points.length === 0) {
      await at.query({
        name: "agent-dag-threads-write",
        text: `
INSERT INTO agent_dag.writes
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[])
ON CONFLICT DO NOTHING`,
        values: columns(
          entries.flatMap(({ writes }) => writes),
          writeColumns,
        ),
      });
      return entries.map(() => false);
    }
    const writes = entries.flatMap(({ point, writes }) =>
      writes.map((one) => ({ one, isNew: point !== null })),
    );
    const { rows } = await at.query({
      name: "agent-dag-threads-begin",
      text: `
WITH entered AS (
  INSERT INTO agent_dag.threads SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
  ON CONFLICT DO NOTHING RETURNING thread, space, id
), written AS (
  INSERT INTO agent_dag.writes
  SELECT w.thread, w.space, w.id, task, place, channel, value
  FROM unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::int[], $11::text[], $12::text[], $13::boolean[])
  AS w(thread, space, id, task, place, channel, value, is_new)
  WHERE NOT is_new OR (w.thread, w.space, w.id) IN (SELECT * FROM entered)
  ON CONFLICT DO NOTHING
)
SELECT * FROM entered`,
      values: [
        ...columns(points, pointColumns),
        ...columns(
          writes.map(({ one }) => one),
          writeColumns,
        ),
        writes.map(({ isNew }) => isNew),
      ],
    });
    const entered = new Set(rows.map(({ thread, space, id }) => JSON.stringify([thread, space, id])));
    return entries.map(
      ({ point }) => point !== null && entered.has(JSON.stringify([point.thread, point.space, point.id])),
    );
  }

  async #delete(threads: readonly string[]): Promise<null[]> {
    await this.#pool.query({
      name: "agent-dag-threads-delete",
      text: `
WITH ${withoutThreads("$1")} SELECT`,
      values: [threads],
    });
    return threads.map(() => null);
  }

  // biome-ignore lint/correctness/useYield: nobody lists the threads of rows.
  override async *list(): AsyncGenerator<CheckpointTuple> {
    return;
  }
}

function placeIn({
  thread_id: thread,
  checkpoint_ns: space = "",
}: NonNullable<Config["configurable"]>): Place {
  return { thread: stored(thread), space: String(space) };
}

const pointColumns = ["thread", "space", "id", "checkpoint", "metadata"] as const;
const writeColumns = ["thread", "space", "id", "task", "place", "channel", "value"] as const;

function pointOf(place: Place, checkpoint: Checkpoint, metadata: CheckpointMetadata): Point {
  const texts = { checkpoint: JSON.stringify(checkpoint), metadata: JSON.stringify(metadata) };
  return { ...place, id: checkpoint.id, ...texts };
}

function writesOf(at: Place & Pick<Write, "id" | "task">, writes: Writes): Write[] {
  return writes.map(([channel, value], place) => ({ ...at, place, channel, value: JSON.stringify(value) }));
}

function tupleOf({ thread, space }: Place, rows: readonly any[] | undefined): CheckpointTuple | undefined {
  const first = rows?.[0];
  if (rows === undefined || first === undefined) return undefined;
  return {
    config: { configurable: { thread_id: thread, checkpoint_ns: space, checkpoint_id: first.id } },
    checkpoint: JSON.parse(first.checkpoint) as Checkpoint,
    metadata: JSON.parse(first.metadata) as CheckpointMetadata,
    pendingWrites: rows
      .filter(({ task }) => task !== null)
      .map(({ task, channel, value }): [string, string, unknown] => [task, channel, JSON.parse(value)]),
  };
}

/** Rows as lists, one a column: what `unnest` takes apart again. */
function columns<Row>(rows: readonly Row[], names: readonly (keyof Row)[]): unknown[][] {
  return names.map((name) => rows.map((row) => row[name]));
}

/** Parts of a statement that delete threads. @param names The parameter that holds their names, as they are {@link stored}. */
export function withoutThreads(names: string): string {
  return `unwritten AS (DELETE FROM agent_dag.writes WHERE thread = ANY(${names})),
gone AS (DELETE FROM agent_dag.threads WHERE thread = ANY(${names}))`;
}

/** A text column holds no zero character and no half of a pair: such names are kept in JSON's spelling. */
export function stored(name: unknown): string {
  const text = String(name);
  return /^"|\0|[\ud800-\udfff]/u.test(text) ? JSON.stringify(text) : text;
}
