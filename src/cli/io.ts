import type { Readable, Writable } from "node:stream";

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

/** The process's own streams. Colors go to terminals only, and nowhere when `NO_COLOR` is set. */
export function processIo(): Io {
  const { env, stdin, stdout, stderr } = process;
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

/** Writes the whole text and resolves when the stream has taken it, so that a pipe is never cut. */
export function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
