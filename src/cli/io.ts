import { type Readable, Writable } from "node:stream";
import { isatty } from "node:tty";
import { cleanPaintedText, cleanText, jsonText } from "../report/plain-text.js";

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
 * ends nothing: what it would have read is dropped.
 */
export function processIo(): Io {
  const { env, stdin, stdout, stderr } = process;
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error) => {
      if (!isUnread(error, stream)) throw error;
    });
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

function send(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error && !isUnread(error, stream) ? reject(error) : resolve()));
  });
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
