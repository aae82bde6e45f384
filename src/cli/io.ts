import { fstatSync, writeSync } from "node:fs";
import { type Readable, Writable } from "node:stream";
import { isatty } from "node:tty";
import { DagError } from "../errors.js";
import { cleanPaintedText, cleanText, jsonText } from "../report/plain-text.js";
import { storeError } from "../stores/store-error.js";

/** What a command reads and writes: the process, or a test's stand-in. */
export interface Io {
  readonly stdin: Readable;
  /** Results only. */
  readonly stdout: Writable;
  /** Progress and notices. */
  readonly stderr: Writable;
  readonly env: NodeJS.ProcessEnv;
  /** Columns of the terminal that stdout is; 80 when it is none. */
  readonly columns: number;
  /** Whether stderr is a terminal that a live view can be drawn on. */
  readonly isTerminal: boolean;
  readonly colorOut: boolean;
  readonly colorErr: boolean;
  /** Status that the process ends with; commands set it. */
  exitCode: number;
}

/**
 * The process's own streams. Colors go to terminals only, and nowhere when `NO_COLOR` is set. A reader that goes away (`| head`)
 * ends nothing: what it would have read is dropped, and so are notices that a full disk does not take.
 */
export function processIo(): Io {
  const { env, stdin, stdout, stderr } = process;
  for (const stream of [stdout, stderr]) {
    // Whoever sent a result is told by what `send` gives.
    stream.on("error", () => {});
    if (isFile(stream.fd)) writeWhole(stream);
  }
  const plain = (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  return {
    stdin,
    stdout,
    stderr,
    env,
    columns: stdout.isTTY ? Math.max(40, stdout.columns) : 80,
    isTerminal: stderr.isTTY === true && env.TERM !== "dumb" && env.CI === undefined,
    colorOut: stdout.isTTY === true && !plain,
    colorErr: stderr.isTTY === true && !plain,
    exitCode: 0,
  };
}

/**
 * Ends the process by SIGHUP where its terminal is gone by the time that it exits: Node puts back the settings of a terminal as
 * it ends, and aborts with a core dump where there is none any more.
 */
export function endWithTerminal(): void {
  const terminals = [process.stdin, process.stdout, process.stderr].filter(({ isTTY }) => isTTY);
  process.on("exit", () => {
    if (terminals.every(({ fd }) => isatty(fd))) return;
    process.removeAllListeners("SIGHUP");
    process.kill(process.pid, "SIGHUP");
  });
}

/**
 * Writes the whole text and resolves when the stream has taken it, so that a pipe is never cut. What a terminal would
 * obey (escape sequences, control characters, direction overrides) is taken out, whoever wrote it.
 */
export function write(stream: Writable, text: string): Promise<void> {
  return send(stream, cleanText(text, "keep-tabs"));
}

/** As {@link write}, for a text that a renderer has painted: colours stay. */
export function writePainted(stream: Writable, text: string): Promise<void> {
  return send(stream, cleanPaintedText(text));
}

/** Writes a value as JSON. What a terminal would obey is escaped, so that the data stays equal. */
export function writeJson(stream: Writable, value: unknown): Promise<void> {
  return send(stream, `${jsonText(value)}\n`);
}

/** A result that could not be written where it was to go. */
export class OutputError extends DagError {
  /** The whole of what could not be written; empty where it can be made again without a request. */
  readonly lost: string;

  /** @param place Ends the sentence "The output cannot be written to". */
  constructor(place: string, lost: string, cause: unknown) {
    const { facts } = storeError(cause, null);
    super("OUTPUT_UNWRITTEN", `The output cannot be written to ${place}: ${String(facts.why)}.`, {
      facts: { reason: facts.reason, why: facts.why },
      cause,
      hint: facts.reason === "full" ? "Make room on its disk." : "Name another place.",
    });
    this.lost = lost;
  }
}

function send(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      const isLost = error && !isUnread(error, stream) && stream !== process.stderr;
      return isLost ? reject(new OutputError("standard output", text, error)) : resolve();
    });
  });
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

/**
 * Has a file take all of what is written, or say that it does not. Node's own stream writes once and takes no notice of what did
 * not fit: a disk that fills up would leave half an answer, and status 0.
 */
function writeWhole(stream: Writable & { readonly fd: number }): void {
  stream._write = (chunk: Buffer | string, encoding, done) => {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(stream.fd, bytes, at);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
}

/** Whether a write failed because nobody reads the stream any more: its reader went away, or its terminal was closed. */
function isUnread({ code }: NodeJS.ErrnoException, stream: Writable & { readonly isTTY?: boolean }): boolean {
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED" || (code === "EIO" && stream.isTTY === true);
}

/** Writes a line at once, without waiting for the stream: for what is told while something else goes on. */
export function tell(stream: Writable, text: string): void {
  stream.write(cleanText(text, "keep-tabs"));
}

/**
 * Keeps stdout for whoever holds what this gives: what anything else in the process prints there goes to stderr. For
 * protocols that are spoken over stdout.
 */
export function stdoutAlone(io: Io): Writable {
  const { stdout, stderr } = io;
  if (stdout !== process.stdout) return stdout;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  return new Writable({
    decodeStrings: false,
    write: (chunk, encoding, done) => void write(chunk, encoding, done),
  });
}
