import { PassThrough, Readable, Writable } from "node:stream";
import type { Io } from "../../src/cli/io.js";
import { runCli } from "../../src/cli/program.js";

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs one command line in this process, as a pipe would see it. */
export async function cli(
  args: readonly string[],
  stdin: string | Uint8Array = "",
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const out: string[] = [];
  const err: string[] = [];
  const into = (lines: string[]) =>
    new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk));
        done();
      },
    });
  const io: Io = {
    stdin: stdin === "" ? new PassThrough().end() : Readable.from([Buffer.from(stdin)]),
    stdout: into(out),
    stderr: into(err),
    env,
    columns: 80,
    isTerminal: false,
    colorOut: false,
    colorErr: false,
    exitCode: 0,
  };
  await runCli(args, io);
  return { stdout: out.join(""), stderr: err.join(""), exitCode: io.exitCode };
}
