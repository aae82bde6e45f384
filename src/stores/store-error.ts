import { caught, DagError, errorCode, errorMessage } from "../errors.js";
import { excerpt } from "../spec/issue.js";

interface Cause {
  /** The store's own codes: SQLite's, Node's and PostgreSQL's. */
  readonly codes: RegExp;
  /** Where a code says too little, what the message says. */
  readonly says?: RegExp;
  readonly name: StoreCause;
  /** Ends the sentence "The store … failed: ". */
  readonly why: string;
  readonly hint: string;
  /** Whether the same request may succeed a little later. */
  readonly retryable?: true;
}

/** What went wrong with a store, to branch on: `facts.reason` of a `STORE_FAILED`. */
export type StoreCause = "full" | "read-only" | "locked" | "corrupt" | "gone" | "unreachable" | "unknown";

const resumable = "What was stored before can be resumed.";

/** The first that fits counts: a file that was moved away also reads as read-only. */
const causes: readonly Cause[] = [
  {
    codes:
      /^(SQLITE_READONLY_DBMOVED|SQLITE_IOERR_(DELETE_NOENT|SHORT_READ|FSTAT|SHMOPEN)|SQLITE_CANTOPEN\w*|ENOENT|ENOTDIR|3D000|42P01)$/,
    says: /no such table|unable to open (database file|connection)/i,
    name: "gone",
    why: "it is not there any more, or cannot be opened",
    hint: "Check that the file, its folder and its -wal and -shm files are still there and can be read.",
  },
  {
    codes: /^(SQLITE_FULL|SQLITE_IOERR_(WRITE|FSYNC|TRUNCATE|SHMSIZE)|ENOSPC|EDQUOT|EFBIG|53100)$/,
    says: /database or disk is full|no space left|file too large|cannot rollback/i,
    name: "full",
    why: "there is no room to write",
    hint: `Make room on its disk. ${resumable}`,
  },
  {
    codes: /^(SQLITE_READONLY\w*|SQLITE_PERM|SQLITE_AUTH|EROFS|EACCES|EPERM|25006|42501)$/,
    says: /readonly database|read-only/i,
    name: "read-only",
    why: "it cannot be written",
    hint: "Check who may write the file and its folder, and how its disk is mounted.",
  },
  {
    codes:
      /^(SQLITE_(BUSY|LOCKED|PROTOCOL)\w*|SQLITE_IOERR_(LOCK|BLOCKED|SHMLOCK)|EBUSY|EAGAIN|55P03|40001|40P01)$/,
    says: /database (table )?is locked/i,
    name: "locked",
    why: "another process holds it",
    hint: "End the other process, or wait for it; a store on a network disk may not be able to lock.",
    retryable: true,
  },
  {
    codes: /^(SQLITE_(CORRUPT|NOTADB|FORMAT)\w*|XX00[12])$/,
    says: /malformed|not a database|checksum|in JSON at|not valid JSON|end of JSON input/i,
    name: "corrupt",
    why: "it is damaged, or no store at all",
    hint: "Put a copy of it in its place, or start the run anew in another store.",
  },
  {
    codes: /^(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|57P0\d|08\w{3}|53300)$/,
    says: /connection (terminated|refused|is not open|is closed|error|timeout)|connect(ing)? .*timeout|timeout .*connect|query read timeout|database connection|not queryable|max retries per request|command timed out|stream isn't writeable/i,
    name: "unreachable",
    why: "it cannot be reached",
    hint: "Check that its server runs, and its address.",
    retryable: true,
  },
];

const unknown: Omit<Cause, "codes"> = {
  name: "unknown",
  why: "it gave an error",
  hint: `Check the store. ${resumable}`,
};

/**
 * Whatever a store threw, as a {@link DagError} with code `STORE_FAILED` that names the store, the cause and what to do
 * about it. Its facts are `store`, `reason` (a {@link StoreCause}), `why` in words, and `storeCode` where the store gave
 * a code; its `cause` is what was thrown. An error that is one already is given back.
 * @param store The file, or what else the store is called; `null` where that is not known.
 */
export function storeError(thrown: unknown, store: string | null): DagError {
  const error = caught(thrown);
  if (error instanceof DagError && error.code === "STORE_FAILED") return error;
  const links = [...linksOf(error)];
  const codes = links.map(errorCode).filter((code) => code !== "ERROR");
  const said = links.map(errorMessage);
  const found =
    causes.find((one) => codes.some((code) => one.codes.test(code))) ??
    causes.find(({ says }) => says !== undefined && said.some((text) => says.test(text))) ??
    unknown;
  const [code] = codes;
  const line = firstLine(said[0] ?? "");
  const facts = code === undefined || line.startsWith(`${code}: `) ? [line] : [code, line];
  const why = `${found.why} (${facts.filter((part) => part !== "").join(": ")})`;
  return new DagError("STORE_FAILED", `The store${store === null ? "" : ` "${store}"`} failed: ${why}.`, {
    facts: { store, reason: found.name, why, ...(code !== undefined && { storeCode: code }) },
    retryable: found.retryable ?? false,
    cause: error,
    hint: found.hint,
  });
}

/** What a store gives, or why it gives nothing, as {@link storeError} tells it. */
export async function fromStore<T>(store: string | null, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw storeError(error, store);
  }
}

/** What a checkpointer's store is called in messages: its file or its address; `null` where that is not known. */
export function storeNameOf(saver: unknown): string | null {
  const address = fieldOf(fieldOf(fieldOf(saver, "pool"), "options"), "connectionString");
  const known = typeof address === "string" && URL.canParse(address) ? addressOf(address) : undefined;
  const name = fieldOf(saver, "storeName") ?? fieldOf(fieldOf(saver, "db"), "name") ?? known;
  return typeof name === "string" && name !== "" ? name : null;
}

/** A database's address without its password, and without its query, which can hold one too. */
export function addressOf(url: string): string {
  const { protocol, username, host, pathname } = new URL(url);
  const scheme = protocol.replace("postgresql:", "postgres:");
  return `${scheme}//${username === "" ? "" : `${username}@`}${host}${pathname}`;
}

/** An error, what caused it, and the first of several. */
function* linksOf(error: unknown): Generator<unknown> {
  const seen = new Set<unknown>();
  for (let link = error; link !== undefined && link !== null && !seen.has(link) && seen.size < 8; ) {
    seen.add(link);
    yield link;
    const errors = fieldOf(link, "errors");
    link = fieldOf(link, "cause") ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return (value as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

function firstLine(text: string): string {
  const line = text.split("\n")[0] ?? "";
  return excerpt(line, 200).replace(/\.$/, "");
}
