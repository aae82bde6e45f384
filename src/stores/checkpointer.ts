import { type BaseCheckpointSaver, MemorySaver } from "@langchain/langgraph";
import { DagError, errorMessage } from "../errors.js";

/** An open checkpointer. */
export interface OpenCheckpointer {
  readonly checkpointer: BaseCheckpointSaver;
  /** Closes its file; later runs cannot use it. */
  close(): void;
}

/** The part of a better-sqlite3 database that is used here. */
interface Database {
  pragma(text: string): unknown;
  close(): unknown;
}

/**
 * Opens the checkpointer that a text names: `memory:`, which lasts as long as the process, or `sqlite:FILE`.
 * @throws DagError `CHECKPOINTER_UNKNOWN` for another text, `CHECKPOINTER_PACKAGE_MISSING` when the SQLite package is
 * not installed, `CHECKPOINTER_UNUSABLE` when the file cannot be opened.
 */
export async function openCheckpointer(text: string): Promise<OpenCheckpointer> {
  if (text === "memory:") return { checkpointer: new MemorySaver(), close() {} };
  const file = /^sqlite:(.+)$/s.exec(text)?.[1];
  if (file !== undefined) return openSqlite(file);
  throw new DagError("CHECKPOINTER_UNKNOWN", `"${text}" names no checkpointer.`, {
    facts: { checkpointer: text },
    hint: "Use memory: or sqlite:FILE.",
  });
}

async function openSqlite(file: string): Promise<OpenCheckpointer> {
  const { SqliteSaver } = await loadSqlite();
  try {
    const checkpointer = SqliteSaver.fromConnString(file);
    const db = checkpointer.db as unknown as Database;
    // With a write-ahead log this is safe against a killed process; only a power cut can take the last writes.
    db.pragma("journal_mode=WAL");
    db.pragma("synchronous=NORMAL");
    db.pragma("busy_timeout=5000");
    return { checkpointer, close: () => void db.close() };
  } catch (error) {
    throw new DagError(
      "CHECKPOINTER_UNUSABLE",
      `The SQLite file "${file}" cannot be opened: ${errorMessage(error)}.`,
      {
        facts: { file },
        cause: error,
        hint: "Check that its folder exists, that it can be written, and that it is an SQLite database.",
      },
    );
  }
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
