import { EventEmitter } from "node:events";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { Pool, PoolClient, PoolConfig, types as Types } from "pg";
import { DagError } from "../errors.js";
import { addressOf, type StoreCause, storeError } from "./store-error.js";

/** A PostgreSQL checkpointer of our own making. */
export interface OpenPostgres {
  readonly checkpointer: BaseCheckpointSaver;
  close(): Promise<void>;
}

/** Longest to wait for a connection, and for the answer to one statement, in milliseconds: a server may hang, too. */
const patienceMs = 10_000;

/** Two processes that make the tables at once wait for each other at this advisory lock. */
const setupLock = 4_241_735_001;

/**
 * Opens a database as a checkpointer. Its tables are made where they are missing, unless nothing is to be created; a role that
 * may not create anything can use tables that are there.
 * @param address `postgres://user:password@host:port/database?sslmode=…`; what it leaves out is taken from `PGHOST`,
 * `PGPASSWORD` and so on.
 * @throws DagError as `openCheckpointer` does. No message, fact or cause of it holds the password.
 */
export async function openPostgres(address: string, create: boolean): Promise<OpenPostgres> {
  const { PostgresSaver } = await loadSaver();
  const pool = await connectPostgres(address);
  const name = addressOf(address);
  if (create) await setUpPostgres(pool, name, () => new PostgresSaver(pool).setup(), table);
  else await assertHoldsRuns(pool, name);
  const checkpointer = Object.assign(new PostgresSaver(pool), {
    // So that an error of the store can name it.
    storeName: name,
    storeNowMs: () => nowMs(pool),
  });
  return { checkpointer, close: () => pool.end() };
}

/**
 * Connections to a database, at most `most`; the first is made when it is needed.
 * @param more What else the driver is told.
 * @throws DagError `CHECKPOINTER_UNUSABLE`, `CHECKPOINTER_PACKAGE_MISSING`.
 */
export async function connectPostgres(address: string, most = 10, more: PoolConfig = {}): Promise<Pool> {
  if (!URL.canParse(address)) {
    throw new DagError("CHECKPOINTER_UNUSABLE", "The address of the PostgreSQL database cannot be read.", {
      hint: "Write postgres://user:password@host:5432/database, with characters such as @, / and # in the password percent-encoded.",
    });
  }
  const { Pool, types } = await loadDriver();
  const pool = new Pool({
    connectionString: address,
    max: most,
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
    keepAlive: true,
    // A forgotten `close` does not keep a process alive.
    allowExitOnIdle: true,
    application_name: "agent-dag",
    types: { getTypeParser: (id: number, format?: any) => quickly(types, id, format) },
    ...more,
  });
  outliveServer(pool);
  return pool;
}

/**
 * Keeps a server that goes away from ending the process: `pg` tells of a lost connection as an event, and an `error` event
 * that nobody listens to is an uncaught exception. The statements that were under way fail by themselves.
 */
export function outliveServer(pool: unknown): void {
  if (!(pool instanceof EventEmitter) || outliving.has(pool)) return;
  outliving.add(pool);
  pool.on("error", () => {});
  pool.on("connect", (client: EventEmitter) => client.on("error", () => {}));
}

const outliving = new WeakSet<EventEmitter>();

const table = "public.checkpoint_writes";

/**
 * Makes tables, one process at a time; a role that may not is fine where they are there. The connections are ended when it fails.
 * @param madeOf The table by which it is seen that they are there.
 * @throws DagError `CHECKPOINTER_UNUSABLE` naming the database and the cause.
 */
export async function setUpPostgres(
  pool: Pool,
  name: string,
  make: () => Promise<unknown>,
  madeOf: string,
): Promise<void> {
  let client: PoolClient | undefined;
  try {
    client = await pool.connect();
    await client.query("SELECT pg_advisory_lock($1)", [setupLock]);
    await make();
  } catch (error) {
    const isForbidden = (error as { code?: unknown }).code === "42501";
    if (isForbidden && (await hasTable(pool, madeOf))) return;
    client?.release(true);
    client = undefined;
    await pool.end();
    throw unusable(error, name);
  } finally {
    // Ends the session, and the lock with it.
    client?.release(true);
  }
}

async function assertHoldsRuns(pool: Pool, name: string): Promise<void> {
  const error = await hasTable(pool, table).then(
    (there) => (there ? null : undefined),
    (failure) => unusable(failure, name),
  );
  if (error === null) return;
  await pool.end();
  if (error !== undefined) throw error;
  throw new DagError("CHECKPOINTER_UNUSABLE", `The database "${name}" holds no runs.`, {
    facts: { store: name },
    hint: "Give the database that the run was started with (--checkpoint): nothing was written.",
  });
}

async function hasTable(pool: Pool, named: string): Promise<boolean> {
  const { rows } = await pool.query("SELECT to_regclass($1) IS NOT NULL AS there", [named]);
  return rows[0]?.there === true;
}

/** The database's own clock, in milliseconds since 1970: hosts that share it need not have the same time. */
async function nowMs(pool: Pool): Promise<number> {
  const { rows } = await pool.query("SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now");
  return Number(rows[0]?.now);
}

const byteaList = 1001;

/** How `pg` reads a type; lists of binary values, which is what a checkpointer reads, more than ten times as fast. */
function quickly(types: typeof Types, id: number, format: any): any {
  const slowly = types.getTypeParser(id, format);
  if (id !== byteaList || format === "binary") return slowly;
  return (text: string) => binaryLists(text) ?? slowly(text);
}

/** Nested lists of binary values as PostgreSQL writes them (`{{"\\\\x6162",NULL}}`); `null` for another way of writing. */
function binaryLists(text: string): unknown {
  const open: unknown[][] = [[]];
  let read = 0;
  for (const [token, hex] of text.matchAll(/"\\\\x([\da-f]*)"|NULL|[{},]/g)) {
    read += token.length;
    if (token === "{") open.push([]);
    else if (token === "}") open.at(-2)?.push(open.pop());
    else if (token !== ",") open.at(-1)?.push(hex === undefined ? null : Buffer.from(hex, "hex"));
  }
  return read === text.length ? open[0]?.[0] : null;
}

function unusable(error: unknown, name: string): DagError {
  const { facts } = storeError(error, name);
  const reason = facts.reason as StoreCause;
  const hint =
    reason === "unreachable"
      ? "Check that its server runs, its host and its port."
      : "Check the database, the user and the password (PGPASSWORD is used where the address has none).";
  return new DagError(
    "CHECKPOINTER_UNUSABLE",
    `The database "${name}" cannot be opened: ${String(facts.why)}.`,
    { facts, hint, cause: error },
  );
}

async function loadDriver() {
  try {
    const { default: pg } = await import("pg");
    return { Pool: pg.Pool, types: pg.types };
  } catch (error) {
    throw packagesMissing(error);
  }
}

async function loadSaver() {
  try {
    return await import("@langchain/langgraph-checkpoint-postgres");
  } catch (error) {
    throw packagesMissing(error);
  }
}

function packagesMissing(cause: unknown): DagError {
  const packages = "@langchain/langgraph-checkpoint-postgres pg";
  return new DagError(
    "CHECKPOINTER_PACKAGE_MISSING",
    `A postgres: checkpointer needs the packages ${packages.replace(" ", " and ")}.`,
    { cause, hint: `Run: npm install ${packages}` },
  );
}
