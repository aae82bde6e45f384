import { existsSync } from "node:fs";
import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph";
import { DagError, errorCode } from "../errors.js";
import { redact } from "../models/redact.js";
import { noteAddress } from "../models/secrets.js";
import { assertArgument } from "../spec/issue.js";
import { openPostgres } from "./postgres.js";
import { openRedis } from "./redis.js";
import { statFile } from "./stat-file.js";
import { storeError } from "./store-error.js";

/** An open checkpointer. */
export interface OpenCheckpointer {
  /** For `run`, `stream`, `resume` and `compile`. */
  readonly checkpointer: BaseCheckpointSaver;
  /** Closes its file or its connections; later runs cannot use it. */
  close(): Promise<void>;
}

/** The part of a better-sqlite3 database that is used here. */
interface Database {
  pragma(text: string): unknown;
  prepare(sql: string): { get(): unknown };
  close(): unknown;
}

/** How a store is opened. */
export interface OpenOptions {
  /**
   * Whether a file that is not there is created. Without it, nothing is written to a file that holds no runs either:
   * for whoever only reads, or goes on with what is there. @default true
   */
  readonly create?: boolean;
}

/**
 * Opens the checkpointer that a text names: `memory:`, which lasts as long as the process, `sqlite:FILE`,
 * `postgres://user:password@host:port/database` (`postgresql://` too) or `redis://user:password@host:port/0` (`rediss://` too),
 * whose password nothing shows: it is a key in use.
 * @throws DagError `CHECKPOINTER_UNKNOWN` for another text, `CHECKPOINTER_PACKAGE_MISSING` when the package for it is
 * not installed, `CHECKPOINTER_MISSING` when there is no such file and none is to be created, `CHECKPOINTER_UNUSABLE`
 * when the file or the database cannot be opened, or holds no runs and nothing is to be created.
 */
export async function openCheckpointer(
  text: string,
  { create = true }: OpenOptions = {},
): Promise<OpenCheckpointer> {
  assertArgument("openCheckpointer", typeof text === "string", [
    "text",
    text,
    'a text such as "sqlite:FILE"',
  ]);
  noteAddress(text);
  if (text === "memory:") return { checkpointer: new MemorySaver(), async close() {} };
  const file = /^sqlite:(.+)$/s.exec(text)?.[1];
  if (file !== undefined) return openSqlite(file, create);
  if (/^postgres(ql)?:/.test(text)) return openPostgres(text, create);
  if (/^rediss?:\/\//.test(text)) return openRedis(text, create);
  const shown = redact(text, []);
  throw new DagError("CHECKPOINTER_UNKNOWN", `"${shown}" names no checkpointer.`, {
    facts: { checkpointer: shown },
    hint: "Use memory:, sqlite:FILE or postgres://user:password@host:port/database, or redis://host:port/0.",
  });
}

async function openSqlite(file: string, create: boolean): Promise<OpenCheckpointer> {
  if (!create && !existsSync(file)) {
    throw new DagError("CHECKPOINTER_MISSING", `There is no SQLite file "${file}".`, {
      facts: { file },
      hint: "Check its name, as seen from the current folder: nothing was created.",
    });
  }
  const { SqliteSaver } = await loadSqlite();
  let db: Database | undefined;
  try {
    const checkpointer = SqliteSaver.fromConnString(file);
    db = checkpointer.db as unknown as Database;
    const opened = db;
    db.pragma(`busy_timeout=${patienceMs}`);
    await whileBusy(() => {
      if (!create) assertHoldsRuns(opened, file);
      // With a write-ahead log this is safe against a killed process; only a power cut can take the last writes.
      opened.pragma("journal_mode=WAL");
    });
    db.pragma("synchronous=NORMAL");
    const assertThere = fileWatch(file);
    const { put, putWrites } = checkpointer;
    const watched: Pick<typeof checkpointer, "put" | "putWrites"> = {
      async put(...args) {
        assertThere();
        return put.apply(checkpointer, args);
      },
      async putWrites(...args) {
        assertThere();
        return putWrites.apply(checkpointer, args);
      },
    };
    return {
      // Its name is there so that an error of the store can say it.
      checkpointer: Object.assign(checkpointer, { storeName: file, ...watched }),
      close: async () => void opened.close(),
    };
  } catch (error) {
    db?.close();
    if (error instanceof DagError) throw error;
    const told = storeError(error, file);
    throw new DagError(
      "CHECKPOINTER_UNUSABLE",
      `The SQLite file "${file}" cannot be opened: ${String(told.facts.why)}.`,
      {
        facts: told.facts,
        cause: error,
        hint: "Check that its folder exists, that it can be written, and that it is an SQLite database.",
      },
    );
  }
}

/**
 * Tells when a file is not the one any more that is being written. SQLite goes on writing into a file that was deleted, moved
 * away or emptied, and all of it is lost.
 */
function fileWatch(file: string): () => void {
  let known = statFile(file);
  return () => {
    const now = statFile(file);
    if (known !== undefined && (now === undefined || now.ino !== known.ino || now.dev !== known.dev)) {
      const message = "the file was deleted, moved or replaced while it was written";
      throw Object.assign(new Error(message), { code: "SQLITE_READONLY_DBMOVED" });
    }
    // In use it only grows.
    if (known !== undefined && now !== undefined && now.size < known.size) {
      throw Object.assign(new Error("the file was cut while it was written"), { code: "SQLITE_CORRUPT" });
    }
    known = now;
  };
}

/** How long another process may hold a database, in milliseconds. */
const patienceMs = 5000;

/** SQLite itself does not wait while another process switches the journal or recovers it after a crash. */
async function whileBusy(act: () => void): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return act();
    } catch (error) {
      if (!errorCode(error).startsWith("SQLITE_BUSY") || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** A database of something else is left as it is: asking the saver would create its tables. */
function assertHoldsRuns(db: Database, file: string): void {
  const table = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'checkpoints'").get();
  if (table !== undefined) return;
  throw new DagError("CHECKPOINTER_UNUSABLE", `The SQLite file "${file}" holds no runs.`, {
    facts: { file },
    hint: "Give the file that the run was started with (--checkpoint): nothing was written.",
  });
}

async function loadSqlite(): Promise<typeof import("@langchain/langgraph-checkpoint-sqlite")> {
  try {
    return await import("@langchain/langgraph-checkpoint-sqlite");
  } catch (error) {
    throw new DagError(
      "CHECKPOINTER_PACKAGE_MISSING",
      "A sqlite: checkpointer needs the package @langchain/langgraph-checkpoint-sqlite.",
      { cause: error, hint: "Run: npm install @langchain/langgraph-checkpoint-sqlite" },
    );
  }
}
