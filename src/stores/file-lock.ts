import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { errorCode } from "../errors.js";
import { makeFolder } from "./make-folder.js";
import { statFile } from "./stat-file.js";
import { storeError } from "./store-error.js";

/** The holder of a lock shows this often that it lives, in milliseconds. */
const renewEveryMs = 4000;

/** A lock of another host whose holder has not shown that it lives for so long, in milliseconds, can be taken over. */
const expiresAfterMs = 15_000;

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** Tells this lock from an earlier one of a process with the same number. */
  readonly token: string;
  /** ISO 8601. */
  readonly since: string;
}

/** Held while one process writes a file. */
export interface FileLock {
  /** Gives the file back; only the first call counts. */
  release(): void;
}

// On the global object, so that every copy of this file in a process sees the same locks.
const heldKey = Symbol.for("agent-dag.file-locks");

function heldHere(): Set<string> {
  const holder = globalThis as { [heldKey]?: Set<string> };
  holder[heldKey] ??= new Set();
  return holder[heldKey];
}

/**
 * Makes the caller the only one that writes a file, in this process and in others: `FILE.lock` stands beside it until it is
 * released. The lock of a process of this host that is gone is taken over at once, one of another host after 15 s without a
 * sign of life.
 * @param inUse The error for a file that somebody else holds; `waitMs` is when it is free if its holder is gone, `null` where
 * the holder lives for sure.
 * @throws DagError `STORE_FAILED` where the lock cannot be written.
 */
export function lockFile(
  file: string,
  inUse: (holder: LockHolder, waitMs: number | null) => Error,
): FileLock {
  const lock = `${resolve(file)}.lock`;
  const own: LockHolder = {
    pid: process.pid,
    host: hostname(),
    token: randomUUID(),
    since: new Date().toISOString(),
  };
  try {
    makeFolder(dirname(lock));
  } catch (error) {
    // "Exists already" is said of a folder that is a file, too, and would be taken for a lock.
    throw storeError(error, file);
  }
  for (let tries = 0; !create(lock, own); tries++) {
    const holder = holderOf(lock);
    if (holder === null) continue;
    const waitMs = leftMs(lock, holder);
    if (waitMs !== 0 || tries > 3) throw inUse(holder, waitMs);
    remove(lock, holder);
  }
  heldHere().add(own.token);
  const timer = setInterval(() => {
    try {
      utimesSync(lock, new Date(), new Date());
    } catch {
      // Without its lock file the file is still ours: nobody who asks this process gets it.
    }
  }, renewEveryMs);
  timer.unref();
  const release = () => {
    clearInterval(timer);
    process.removeListener("exit", release);
    if (heldHere().delete(own.token) && holderOf(lock)?.token === own.token) rmSync(lock, { force: true });
  };
  process.once("exit", release);
  return { release };
}

/** Who holds a lock, as a message says it. */
export function holderName({ pid, host, since }: LockHolder): string {
  return Number.isNaN(pid) ? "another process" : `process ${pid} on ${host} since ${since}`;
}

/** Whether the lock is ours now. */
function create(lock: string, own: LockHolder): boolean {
  try {
    writeFileSync(lock, JSON.stringify(own), { flag: "wx" });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    // A full disk takes the name of a file, and nothing into it.
    if (/^(ENOSPC|EDQUOT|EFBIG)$/.test(errorCode(error))) rmSync(lock, { force: true });
    throw storeError(error, lock);
  }
}

/** Takes away a lock whose holder is gone; one that somebody else has taken meanwhile is put back. */
function remove(lock: string, gone: LockHolder): void {
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
    if (holderOf(aside)?.token === gone.token) rmSync(aside, { force: true });
    else renameSync(aside, lock);
  } catch {
    // Somebody else was quicker.
  }
}

/** `null` where the lock has just gone. A bare number is a process of this host. */
function holderOf(lock: string): LockHolder | null {
  let text: string;
  try {
    text = readFileSync(lock, "utf8");
  } catch {
    return null;
  }
  const unknown = { pid: Number.NaN, host: hostname(), token: text, since: "" };
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === "number") return { ...unknown, pid: read };
    return typeof read === "object" && read !== null ? { ...unknown, ...read } : unknown;
  } catch {
    return unknown;
  }
}

/** Milliseconds until a lock can be taken over: 0 when it can be now, `null` when its holder lives. */
function leftMs(lock: string, { pid, host, token }: LockHolder): number | null {
  const silentMs = Date.now() - (statFile(lock)?.mtimeMs ?? 0);
  if (host === hostname()) {
    // Its holder may be about to write its name.
    if (Number.isNaN(pid)) return silentMs < 1000 ? 1000 : 0;
    if (pid === process.pid) return heldHere().has(token) ? null : 0;
    return isAlive(pid) ? null : 0;
  }
  return Math.max(0, expiresAfterMs - silentMs);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
