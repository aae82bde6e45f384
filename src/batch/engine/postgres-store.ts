import type { Pool, PoolClient } from "pg";
import { connectPostgres, setUpPostgres } from "../../stores/postgres.js";
import { addressOf, fromStore } from "../../stores/store-error.js";
import { type BatchItem, standingOf } from "../item.js";
import {
  type Changed,
  type EngineStore,
  isThreadOf,
  type LedgerRow,
  mostTold,
  type NumberedRow,
  type Told,
} from "./engine-store.js";
import { OrderedConnection } from "./ordered-connection.js";
import { PostgresThreads, stored, threadTables, withoutThreads } from "./postgres-threads.js";

/**
 * All of it stands in a schema of its own; a column that earlier versions had not is added. A line's number comes from its batch's
 * row, whose lock keeps them in order.
 */
const tables = `
CREATE SCHEMA IF NOT EXISTS agent_dag;
CREATE TABLE IF NOT EXISTS agent_dag.documents (name text PRIMARY KEY, body text NOT NULL);
CREATE TABLE IF NOT EXISTS agent_dag.ledgers (batch text PRIMARY KEY, lines bigint NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS agent_dag.lines (
  batch text NOT NULL, key text NOT NULL, n bigint NOT NULL, entry text NOT NULL,
  item text NOT NULL, figures text, record text, open boolean NOT NULL,
  PRIMARY KEY (batch, key)
);
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'agent_dag.lines'::regclass AND attname = 'open') THEN
    ALTER TABLE agent_dag.lines ADD COLUMN open boolean NOT NULL DEFAULT false;
  END IF;
END $$;
CREATE UNIQUE INDEX IF NOT EXISTS lines_in_order ON agent_dag.lines (batch, n);
CREATE UNLOGGED TABLE IF NOT EXISTS agent_dag.told (
  batch text NOT NULL, n bigint NOT NULL, message text NOT NULL, PRIMARY KEY (batch, n)
);`;

/**
 * Connections of one process, beside the one that writes down what rows have come to: statements of many rows go together, and a
 * server has few connections to give.
 */
const mostConnections = 2;

/** The store of an engine on PostgreSQL. */
export class PostgresEngineStore implements EngineStore {
  readonly name: string;
  readonly threads: PostgresThreads;
  readonly #pool: Pool;
  readonly #journal: OrderedConnection;

  private constructor(pool: Pool, journal: OrderedConnection, name: string) {
    this.#pool = pool;
    this.#journal = journal;
    this.name = name;
    this.threads = new PostgresThreads(pool, journal, name);
  }

  /** @throws DagError as `openPostgres` does. */
  static async open(url: string): Promise<PostgresEngineStore> {
    const pool = await connectPostgres(url, mostConnections);
    await setUpPostgres(pool, addressOf(url), () => pool.query(tables + threadTables), "agent_dag.writes");
    // The connection is made when it is needed: whoever runs no rows has none.
    const journal = new OrderedConnection(await connectPostgres(url, 1, { pipeline: true }));
    return new PostgresEngineStore(pool, journal, addressOf(url));
  }

  async read(names: readonly string[]): Promise<(any | null)[]> {
    return fromStore(this.name, async () => {
      const { rows } = await this.#pool.query({
        name: "agent-dag-read",
        text: "SELECT name, body FROM agent_dag.documents WHERE name = ANY($1)",
        values: [names],
      });
      return inOrder(names, rows);
    });
  }

  async change<T>(
    names: readonly string[],
    change: (found: readonly (any | null)[], nowMs: number) => Changed<T>,
  ): Promise<T> {
    return fromStore(this.name, () =>
      this.#within(async (client) => {
        const [first = ""] = names;
        const lock = client.escapeLiteral(`agent-dag ${first}`);
        const listed = names.map((name) => client.escapeLiteral(name)).join(", ");
        // One round trip; the lock goes with the transaction, and stands for documents that do not exist yet too.
        const replies = (await client.query(
          `BEGIN; SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock(hashtextextended(${lock}, 0));
        SELECT name, body FROM agent_dag.documents WHERE name IN (${listed});
        SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now`,
        )) as unknown as { rows: any[] }[];
        const found = inOrder(names, replies[3]?.rows ?? []);
        const { write, result } = change(found, Number(replies[4]?.rows[0]?.now));
        const statements = names.flatMap((name, at) => {
          const body = write[at];
          if (body === undefined) return [];
          const literal = client.escapeLiteral(name);
          if (body === null) return [`DELETE FROM agent_dag.documents WHERE name = ${literal}`];
          const text = client.escapeLiteral(JSON.stringify(body));
          return [
            `INSERT INTO agent_dag.documents VALUES (${literal}, ${text}) ON CONFLICT (name) DO UPDATE SET body = excluded.body`,
          ];
        });
        await client.query([...statements, "COMMIT"].join("; "));
        return result;
      }),
    );
  }

  async find(batch: string, keys: readonly string[]): Promise<(LedgerRow | null)[]> {
    return fromStore(this.name, async () => {
      const { rows } = await this.#pool.query({
        name: "agent-dag-find",
        text: "SELECT key, n, entry, item FROM agent_dag.lines WHERE batch = $1 AND key = ANY($2)",
        values: [batch, keys.map(stored)],
      });
      const lines = new Map(rows.map((row) => [row.key, lineIn(row)]));
      return keys.map((key) => lines.get(stored(key)) ?? null);
    });
  }

  async append(batch: string, rows: readonly LedgerRow[], threads: readonly string[]): Promise<void> {
    const latest = [...new Map(rows.map((row) => [row.item.key, row])).values()];
    const column = (of: (row: LedgerRow) => unknown) => latest.map(of);
    const json = (value: unknown) => (value === null ? null : JSON.stringify(value));
    await fromStore(this.name, () =>
      this.#pool.query({
        name: "agent-dag-append",
        text: `
WITH given AS (
  SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[]) WITH ORDINALITY
  AS t(key, entry, item, figures, record, open, place)
), ledger AS (
  INSERT INTO agent_dag.ledgers AS l VALUES ($1, cardinality($2::text[]))
  ON CONFLICT (batch) DO UPDATE SET lines = l.lines + excluded.lines RETURNING lines
), ${withoutThreads("$8")}
INSERT INTO agent_dag.lines AS l (batch, key, n, entry, item, figures, record, open)
SELECT $1, key, lines - cardinality($2::text[]) + place, entry, item, figures, record, open FROM given, ledger
ON CONFLICT (batch, key) DO UPDATE SET n = excluded.n, entry = excluded.entry, item = excluded.item,
figures = excluded.figures, record = excluded.record, open = excluded.open
WHERE l.entry <> excluded.entry`,
        values: [
          batch,
          column(({ item }) => stored(item.key)),
          column(({ entry }) => entry),
          column(({ item }) => json(item)),
          column(({ figures }) => json(figures)),
          column(({ record }) => json(record)),
          column(({ item }) => standingOf(item) === "open"),
          threads.map(stored),
        ],
      }),
    );
  }

  async after(batch: string, n: number, most: number): Promise<NumberedRow[]> {
    return fromStore(this.name, async () => {
      const { rows } = await this.#pool.query({
        name: "agent-dag-after",
        text: "SELECT n, entry, item, figures, record FROM agent_dag.lines WHERE batch = $1 AND n > $2 ORDER BY n LIMIT $3",
        values: [batch, n, most],
      });
      return rows.map(lineIn);
    });
  }

  async count(batch: string): Promise<{ readonly all: number; readonly done: number }> {
    let [all, open, last] = [0, 0, 0];
    return fromStore(this.name, async () => {
      for (;;) {
        // In portions, as below.
        const some =
          "SELECT n, open FROM agent_dag.lines WHERE batch = $1 AND n > $2 ORDER BY n LIMIT 100000";
        const sums = "count(*) AS found, count(*) FILTER (WHERE open) AS open, max(n) AS last";
        const { rows } = await this.#pool.query(`SELECT ${sums} FROM (${some}) AS portion`, [batch, last]);
        const found = Number(rows[0]?.found ?? 0);
        if (found === 0) return { all, done: all - open };
        all += found;
        open += Number(rows[0]?.open);
        last = Number(rows[0]?.last);
      }
    });
  }

  async last(batch: string): Promise<number> {
    return fromStore(this.name, async () => {
      const text = "SELECT lines FROM agent_dag.ledgers WHERE batch = $1";
      const { rows } = await this.#pool.query(text, [batch]);
      return Number(rows[0]?.lines ?? 0);
    });
  }

  async tell(batch: string, messages: readonly string[]): Promise<void> {
    await fromStore(this.name, async () => {
      // The row of the count is locked until the messages are there, so that nobody reads past them.
      const { rows } = await this.#pool.query({
        name: "agent-dag-tell",
        text: `
WITH ledger AS (
  INSERT INTO agent_dag.ledgers AS l VALUES ($1, cardinality($2::text[]))
  ON CONFLICT (batch) DO UPDATE SET lines = l.lines + excluded.lines RETURNING lines
), entered AS (
  INSERT INTO agent_dag.told SELECT $3, lines - cardinality($2::text[]) + place, message
  FROM unnest($2::text[]) WITH ORDINALITY AS t(message, place), ledger
)
SELECT lines FROM ledger`,
        values: [toldOf(batch), messages.map(stored), batch],
      });
      const last = Number(rows[0]?.lines ?? 0);
      // Now and then, as a share of all.
      if (last % 1000 >= messages.length) return;
      const text = "DELETE FROM agent_dag.told WHERE batch = $1 AND n <= $2";
      await this.#pool.query(text, [batch, last - mostTold]);
    });
  }

  async told(batch: string, after: string | null, most: number): Promise<Told> {
    if (after === null) return { messages: [], last: String(await this.last(toldOf(batch))) };
    return fromStore(this.name, async () => {
      const { rows } = await this.#pool.query({
        name: "agent-dag-told",
        text: "SELECT n, message FROM agent_dag.told WHERE batch = $1 AND n > $2 ORDER BY n LIMIT $3",
        values: [batch, after, most],
      });
      return { messages: rows.map(({ message }) => message), last: String(rows.at(-1)?.n ?? after) };
    });
  }

  async forget(batch: string, names: readonly string[], under: string): Promise<number> {
    // In portions: a statement over millions of rows would take longer than an answer may.
    const emptied = async (table: string) => {
      const some = `SELECT ctid FROM agent_dag.${table} WHERE batch = $1 LIMIT 5000`;
      for (let all = 0; ; ) {
        const text = `DELETE FROM agent_dag.${table} WHERE ctid = ANY(ARRAY(${some}))`;
        const gone = (await this.#pool.query(text, [batch])).rowCount ?? 0;
        if (gone === 0) return all;
        all += gone;
      }
    };
    return fromStore(this.name, async () => {
      const lines = await emptied("lines");
      await emptied("told");
      await this.#forgetThreads(batch);
      const text = "DELETE FROM agent_dag.ledgers WHERE batch = ANY($1)";
      await this.#pool.query(text, [[batch, toldOf(batch)]]);
      const ofRows = "starts_with(name, $1) AND substr(name, length($1) + 1) ~ '^[0-9a-f]{16}$'";
      await this.#pool.query(`DELETE FROM agent_dag.documents WHERE ${ofRows}`, [`${under}/`]);
      await this.#pool.query("DELETE FROM agent_dag.documents WHERE name = ANY($1)", [names]);
      return lines;
    });
  }

  async #forgetThreads(batch: string): Promise<void> {
    const prefix = "starts_with(name, $1)";
    const batches = await this.#pool.query(`SELECT name FROM agent_dag.documents WHERE ${prefix}`, [
      "batch/",
    ]);
    const others = batches.rows.map(({ name }) => String(name).slice("batch/".length));
    const text = "SELECT DISTINCT thread FROM agent_dag.threads WHERE starts_with(thread, $1)";
    const { rows } = await this.#pool.query(text, [`${batch}/`]);
    const threads = rows.map(({ thread }) => String(thread)).filter((one) => isThreadOf(one, batch, others));
    for (let at = 0; at < threads.length; at += 1000) await this.threads.forget(threads.slice(at, at + 1000));
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.end(), this.#journal.close()]);
  }

  async #within<T>(act: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let failed = true;
    try {
      const result = await act(client);
      failed = false;
      return result;
    } finally {
      // A connection in the midst of a transaction is not used again.
      client.release(failed);
    }
  }
}

/** The count of a batch's messages stands beside those of lines. */
function toldOf(batch: string): string {
  return `${batch}\u0001told`;
}

function inOrder(names: readonly string[], rows: readonly { name: string; body: string }[]): unknown[] {
  const bodies = new Map(rows.map(({ name, body }) => [name, JSON.parse(body)]));
  return names.map((name) => bodies.get(name) ?? null);
}

function lineIn(row: any): NumberedRow {
  return {
    n: Number(row.n),
    entry: row.entry,
    item: JSON.parse(row.item) as BatchItem,
    figures: row.figures == null ? null : JSON.parse(row.figures),
    record: row.record == null ? null : JSON.parse(row.record),
  };
}
