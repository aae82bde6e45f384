import { closeSync, createReadStream, openSync, readSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { DagError, errorMessage } from "../errors.js";
import { type FileLock, holderName, lockFile } from "../stores/file-lock.js";
import { replaceFile } from "../stores/replace-file.js";
import { statFile } from "../stores/stat-file.js";
import { storeError } from "../stores/store-error.js";
import { type BatchItem, isInputError, knownRow } from "./item.js";
import type { KnownRow, RowTable, Spent } from "./row-table.js";

interface Waiting {
  readonly item: BatchItem;
  readonly text: string;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

const newline = 0x0a;

/** Bytes that are read of the file at once, where rows that are done are looked up. */
const blockSize = 64 * 1024;

/**
 * The results of a batch, one JSON line a row: its ledger too. A line is appended and forced to the disk before its row counts
 * as done; lines that come together are written together. Of several lines with one key the last counts.
 */
export class ResultsFile {
  readonly path: string;
  /** What the rows of the file had used when it was opened. */
  readonly spent: Spent;
  /** Lines that count, of another version of the graph. */
  readonly ofOtherGraph: number;
  readonly #lock: FileLock;
  readonly #handle: FileHandle;
  readonly #rows: RowTable;
  #end: number;
  #superseded: number;
  /** Whether a part of a line may stand behind {@link #end}. */
  #isTorn = false;
  readonly #unusableInputs: number;
  readonly #queue: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #reader: number | undefined;
  #block: { readonly at: number; readonly bytes: Buffer } = { at: 0, bytes: Buffer.alloc(0) };

  private constructor(path: string, lock: FileLock, handle: FileHandle, rows: RowTable, scan: Scan) {
    this.path = path;
    this.#lock = lock;
    this.#handle = handle;
    this.#rows = rows;
    this.#end = scan.end;
    this.#superseded = scan.superseded;
    this.#unusableInputs = scan.unusableInputs;
    this.spent = scan.spent;
    this.ofOtherGraph = scan.ofOtherGraph;
  }

  /**
   * Opens the file, or begins it, for one process; a half-written last line is taken away.
   * @param dag Hash of the graph.
   * @throws DagError `RESULTS_BUSY` while another batch writes it, `RESULTS_UNUSABLE` when it holds something else.
   */
  static async open(path: string, rows: RowTable, dag: string): Promise<ResultsFile> {
    assertFile(path);
    const lock = take(path);
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, "a+");
      const scan = await scanFile(path, rows, dag);
      if (scan.end < (await handle.stat()).size) await handle.truncate(scan.end);
      if (scan.endsOpen) {
        await handle.write("\n");
        scan.end += 1;
      }
      return new ResultsFile(path, lock, handle, rows, scan);
    } catch (error) {
      await handle?.close();
      lock.release();
      throw error instanceof DagError ? error : storeError(error, path);
    }
  }

  /** What the file holds of a row. */
  find(key: string): KnownRow | undefined {
    return this.#rows.find(key);
  }

  /** The line that begins at an offset. Lines that follow one another are read in blocks. */
  read(offset: number): BatchItem {
    for (let size = blockSize; ; size *= 4) {
      const from = offset - this.#block.at;
      const isInBlock = from >= 0 && from < this.#block.bytes.length;
      const end = isInBlock ? this.#block.bytes.indexOf(newline, from) : -1;
      if (end >= 0) return JSON.parse(this.#block.bytes.toString("utf8", from, end)) as BatchItem;
      this.#reader ??= openSync(this.path, "r");
      const bytes = Buffer.allocUnsafe(size);
      this.#block = { at: offset, bytes: bytes.subarray(0, readSync(this.#reader, bytes, 0, size, offset)) };
      if (this.#block.bytes.indexOf(newline) < 0 && this.#block.bytes.length < size) {
        return JSON.parse(this.#block.bytes.toString("utf8")) as BatchItem;
      }
    }
  }

  /**
   * Appends a row's line; resolves once it is on the disk.
   * @throws DagError `STORE_FAILED` naming the file and the cause.
   */
  append(item: BatchItem): Promise<void> {
    const { record: _record, reused: _reused, ...line } = item;
    return new Promise((done, failed) => {
      this.#queue.push({ item, text: `${JSON.stringify(line)}\n`, done, failed });
      this.#writing ??= this.#write();
    });
  }

  async #write(): Promise<void> {
    let atOnce = Number.POSITIVE_INFINITY;
    while (this.#queue.length > 0) {
      const lines = this.#queue.splice(0, atOnce);
      try {
        if (this.#isTorn) await this.#takeBack();
        await this.#handle.appendFile(lines.map(({ text }) => text).join(""));
        await this.#handle.datasync();
        await this.#assertThere();
        for (const { item, text, done } of lines) {
          if (this.#rows.find(item.key) !== undefined) this.#superseded++;
          this.#rows.enter(item.key, knownRow(item, this.#end));
          this.#end += Buffer.byteLength(text);
          done();
        }
      } catch (error) {
        this.#isTorn = true;
        await this.#takeBack().catch(() => {});
        // Where all together find no room, some of them may.
        if (lines.length > 1) {
          atOnce = 1;
          this.#queue.unshift(...lines);
        } else for (const { failed } of lines) failed(storeError(error, this.path));
      }
    }
    this.#writing = undefined;
  }

  /** A file that was deleted or replaced can be written on, and all of it is lost. */
  async #assertThere(): Promise<void> {
    const { ino, dev } = await this.#handle.stat();
    const now = statFile(this.path);
    if (now?.ino === ino && now.dev === dev) return;
    const message = "the file was deleted, moved or replaced while it was written";
    throw Object.assign(new Error(message), { code: "ENOENT" });
  }

  /** Takes away what a failed write has left: a part of a line, behind which no other may stand. */
  async #takeBack(): Promise<void> {
    await this.#handle.truncate(this.#end);
    this.#isTorn = false;
  }

  /**
   * Lets go of the file. Lines that were replaced are taken out of it, in one step.
   * @param complete Whether every input was met: lines of rows that could not be read and are not among them any more go too.
   */
  async close(complete: boolean): Promise<void> {
    try {
      await this.#writing;
      if (this.#reader !== undefined) closeSync(this.#reader);
      await this.#handle.close();
      if (this.#superseded > 0 || (complete && this.#unusableInputs > 0)) await this.#compact(complete);
    } finally {
      this.#lock.release();
    }
  }

  async #compact(complete: boolean): Promise<void> {
    const counts = (line: Line) =>
      this.#rows.find(line.item.key)?.offset === line.offset &&
      !(complete && isInputError(line.item.error?.code) && !this.#rows.wasMet(line.item.key));
    const { path } = this;
    const kept = async function* () {
      for await (const line of linesOf(path)) if (counts(line)) yield `${line.text}\n`;
    };
    try {
      await replaceFile(path, kept());
    } catch (error) {
      const told = storeError(error, path);
      // The file is whole with them too: the next batch takes them out.
      if (told.facts.reason !== "full") throw told;
    }
  }
}

/** A device, a pipe or a folder keeps no place to go on from. */
function assertFile(path: string): void {
  let stat: Stats | undefined;
  try {
    stat = statFile(path);
  } catch (error) {
    throw storeError(error, path);
  }
  if (stat === undefined || stat.isFile()) return;
  const what = stat.isDirectory() ? "a folder" : "no file on a disk";
  throw new DagError("RESULTS_UNUSABLE", `The results cannot be written to "${path}": it is ${what}.`, {
    facts: { file: path },
    hint: "Give the name of a file: a batch reads it to go on.",
  });
}

function take(path: string): FileLock {
  try {
    return lockOf(path);
  } catch (error) {
    throw error instanceof DagError ? error : storeError(error, path);
  }
}

function lockOf(path: string): FileLock {
  return lockFile(path, (holder, waitMs) => {
    const { pid, host, since } = holder;
    const who = pid === process.pid ? `another batch of this process since ${since}` : holderName(holder);
    return new DagError("RESULTS_BUSY", `The results file "${path}" is being written by ${who}.`, {
      facts: { file: path, pid, host, since, waitMs },
      hint:
        waitMs === null
          ? "Wait until that batch has ended, or give another file."
          : `Wait until that batch has ended; if it is gone, the file is free in ${Math.ceil(waitMs / 1000)} s.`,
    });
  });
}

interface Scan {
  /** Length of the file up to its last whole line, in bytes. */
  end: number;
  /** Whether the last line is whole but for its line break. */
  readonly endsOpen: boolean;
  readonly superseded: number;
  /** Lines of rows whose input could not be used. */
  readonly unusableInputs: number;
  readonly spent: Spent;
  readonly ofOtherGraph: number;
}

async function scanFile(path: string, rows: RowTable, dag: string): Promise<Scan> {
  let [modelCalls, tokens, costUsd] = [0, 0, 0];
  const add = (spent: Spent, sign: 1 | -1) => {
    modelCalls += sign * spent.modelCalls;
    tokens += sign * spent.tokens;
    costUsd += sign * spent.costUsd;
  };
  let [end, superseded, unusableInputs, others, number] = [0, 0, 0, 0, 0];
  let endsOpen = false;
  for await (const { text, offset, bytes, ended } of rawLines(path)) {
    number++;
    const item = itemIn(text);
    if (item === null) {
      if (!ended) break;
      if (text.trim() === "") {
        end = offset + bytes;
        continue;
      }
      throw unusable(path, number, text);
    }
    end = offset + bytes;
    endsOpen = !ended;
    const known = rows.find(item.key);
    if (known !== undefined) {
      superseded++;
      add(known.spent, -1);
    }
    const row = knownRow(item, offset);
    rows.enter(item.key, row);
    add(row.spent, 1);
    if (item.dag !== dag) others++;
    if (isInputError(item.error?.code)) unusableInputs++;
  }
  const spent = { modelCalls, tokens, costUsd };
  return { end, endsOpen, superseded, unusableInputs, spent, ofOtherGraph: others };
}

interface Line {
  readonly item: BatchItem;
  readonly text: string;
  readonly offset: number;
}

async function* linesOf(path: string): AsyncGenerator<Line> {
  for await (const { text, offset } of rawLines(path)) {
    const item = itemIn(text);
    if (item !== null) yield { item, text, offset };
  }
}

interface RawLine {
  readonly text: string;
  readonly offset: number;
  /** Length with the line break. */
  readonly bytes: number;
  /** Whether a line break ends it. */
  readonly ended: boolean;
}

async function* rawLines(path: string): AsyncGenerator<RawLine> {
  let parts: Buffer[] = [];
  let offset = 0;
  const lineOf = (last: Buffer, ended: boolean): RawLine => {
    const whole = parts.length === 0 ? last : Buffer.concat([...parts, last]);
    return { text: whole.toString("utf8"), offset, bytes: whole.length + (ended ? 1 : 0), ended };
  };
  for await (const read of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    const chunk = read as Buffer;
    let from = 0;
    for (let to = chunk.indexOf(newline); to >= 0; to = chunk.indexOf(newline, from)) {
      const line = lineOf(chunk.subarray(from, to), true);
      parts = [];
      offset += line.bytes;
      from = to + 1;
      yield line;
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
  }
  if (parts.length > 0) yield lineOf(Buffer.alloc(0), false);
}

/** The item of a line; `null` where the line is none. */
function itemIn(text: string): BatchItem | null {
  try {
    const value = JSON.parse(text) as Partial<BatchItem> | null;
    const fits =
      typeof value?.key === "string" &&
      typeof value.state === "string" &&
      /^[0-9a-f]{16}$/.test(String(value.inputHash)) &&
      typeof value.usage === "object" &&
      value.usage !== null;
    return fits ? (value as BatchItem) : null;
  } catch {
    return null;
  }
}

function unusable(path: string, line: number, text: string): DagError {
  let why = "it is no row of results";
  try {
    JSON.parse(text);
  } catch (error) {
    why = `it is not JSON (${errorMessage(error)})`;
  }
  return new DagError(
    "RESULTS_UNUSABLE",
    `"${path}" is no results file of a batch: line ${line} cannot be used: ${why}.`,
    {
      facts: { file: path, line },
      hint: "Give a new file, or one that an earlier batch wrote. If it is one, take that line out: the rows of the other lines stay done. Nothing was written to it.",
    },
  );
}
