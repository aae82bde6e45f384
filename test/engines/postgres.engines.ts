import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { defineDag, runMany, runWorker } from "agent-dag";
import pg from "pg";
import { PostgresEngineStore } from "../../src/batch/engine/postgres-store.js";
import { openRowQueue } from "../../src/batch/engine/row-queue.js";
import { ThreadLog } from "../../src/stores/thread-log.js";
import { startPostgres, type TestPostgres } from "../support/postgres.js";
import { testBatches } from "./batch-suite.js";
import { until } from "./engines.js";

const tables = [
  "documents name",
  "ledgers batch",
  "lines batch",
  "told batch",
  "threads thread",
  "writes thread",
];

testBatches("PostgreSQL", startPostgres, async (url) => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const texts = tables.map((table) => {
    const [name, column] = table.split(" ");
    return `SELECT ${column} AS name FROM agent_dag.${name}`;
  });
  const { rows } = await client.query(texts.join(" UNION "));
  await client.end();
  return rows.map(({ name }) => name);
});

describe("what rows have come to, on PostgreSQL", () => {
  let postgres: TestPostgres;

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.end());

  it("is written down at once, whatever else the store is busy with", async () => {
    const url = await postgres.database();
    const store = await PostgresEngineStore.open(url);
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    try {
      const log = await ThreadLog.create(store.threads, "row", null, () => {});
      // Another worker is in the midst of changing what all of them share.
      const lock = "hashtextextended('agent-dag limits/b', 0)";
      await other.query(`SELECT pg_advisory_lock(${lock})`);
      const changes = Array.from({ length: 5 }, () =>
        store.change(["limits/b"], () => ({ write: [{}], result: null })),
      );
      const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'";
      await until(async () => (await other.query(waiting)).rows.length > 1, "the changes wait");
      await Promise.all([log.append({ kind: "reply" }), log.append({ kind: "settled" })]);
      const { rows } = await other.query("SELECT value FROM agent_dag.writes");
      expect(rows.map(({ value }) => JSON.parse(JSON.parse(value)).kind)).toEqual(["reply", "settled"]);
      await other.query(`SELECT pg_advisory_unlock(${lock})`);
      await Promise.all(changes);
    } finally {
      await other.end();
      await store.close();
    }
  });

  it("goes on after the server was restarted, in order", async () => {
    const store = await PostgresEngineStore.open(await postgres.database());
    try {
      const failures: unknown[] = [];
      const log = await ThreadLog.create(store.threads, "row", null, (error) => failures.push(error));
      await log.append({ kind: "first" });
      await postgres.stop();
      await postgres.start();
      const put = () =>
        store.threads.putWrites({ configurable: { thread_id: "r", checkpoint_id: "1" } }, [["c", "v"]], "t");
      await until(
        () =>
          put().then(
            () => true,
            () => false,
          ),
        "the store is back",
        10_000,
      );
      for (let n = 0; n < 20; n++) void log.append({ kind: `entry ${n}` });
      await log.flushed();
      expect(failures).toEqual([]);
    } finally {
      await store.close();
    }
  });

  it("goes on in a store that an earlier version made; a worker says why it can do no rows", async () => {
    const url = await postgres.database();
    await (await PostgresEngineStore.open(url)).close();
    await postgres.query(url, "ALTER TABLE agent_dag.lines DROP COLUMN open");
    const dag = defineDag({ name: "d", nodes: { a: { run: () => "done" } } });
    const notices: string[] = [];
    const finish = new AbortController();
    const working = runWorker(dag, {
      engine: url,
      finish: finish.signal,
      onNotice: (message) => notices.push(message),
    });
    try {
      const first = await runMany(dag, ["x"], { engine: url }).summary;
      expect(first.completed).toBe(1);
      expect(notices).toEqual([]);

      await postgres.query(url, "ALTER TABLE agent_dag.lines ADD CONSTRAINT broken CHECK (false) NOT VALID");
      const second = runMany(dag, ["y", "z"], { engine: url }).summary;
      await until(() => notices.length > 0, "the worker says what is wrong", 15_000);
      await postgres.query(url, "ALTER TABLE agent_dag.lines DROP CONSTRAINT broken");
      expect((await second).completed).toBe(2);
      expect(notices).toEqual([expect.stringMatching(/^Row ".*" of batch ".*" is given back: .*broken/)]);
    } finally {
      finish.abort();
      await working;
    }
  });

  it("a queue whose connection is lost while it is made ready says so, and ends no process", async () => {
    const url = await postgres.database();
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    await other.query("BEGIN; CREATE SCHEMA bullmq");
    try {
      const opening = openRowQueue(url, "q", () => {});
      const waiting =
        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
      await until(async () => (await postgres.query(url, waiting)).length > 0, "the queue waits");
      const lost = expect(opening).rejects.toThrow(/terminat/);
      await postgres.query(url, `SELECT pg_terminate_backend(pid) FROM (${waiting}) AS waiting`);
      await lost;
    } finally {
      await other.end();
    }
  });
});
