import type { Pool, PoolClient, QueryConfig, QueryResult } from "pg";

/**
 * One connection of its own. Statements go out at once, without waiting for the answers to those before them, and take effect in
 * order. One that is lost is made anew by the next statement.
 */
export class OrderedConnection {
  readonly #pool: Pool;
  #client: Promise<PoolClient> | null = null;

  /** @param pool Of one connection, made with `pipeline`: drivers that do not know it send one statement after the other. */
  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async query(statement: QueryConfig): Promise<QueryResult> {
    this.#client ??= this.#connect();
    const connected = this.#client;
    try {
      return await (await connected).query(statement);
    } catch (error) {
      await this.#drop(connected);
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#client !== null) await this.#drop(this.#client);
    await this.#pool.end();
  }

  #connect(): Promise<PoolClient> {
    const connected = this.#pool.connect();
    const onLost = () => void this.#drop(connected);
    connected.then(
      (client) => client.once("end", onLost).once("error", onLost),
      // Whoever asked for it is told.
      () => {},
    );
    return connected;
  }

  /** Once for each connection: the pool makes room for another. */
  async #drop(connected: Promise<PoolClient>): Promise<void> {
    if (this.#client !== connected) return;
    this.#client = null;
    const client = await connected.catch(() => null);
    client?.release(true);
  }
}
