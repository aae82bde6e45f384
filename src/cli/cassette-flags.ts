import type { Command } from "commander";
import { errorMessage } from "../errors.js";
import type { RunDagOptions } from "../run/run.js";
import type { Cassette } from "../testing/cassette.js";
import { type Io, write } from "./io.js";
import { UsageError } from "./usage-error.js";

/** The flags that record and replay model calls. */
export interface CassetteFlags {
  readonly record?: string;
  readonly replay?: string;
}

/** Adds the flags that record and replay model calls. */
export function addCassetteFlags(command: Command): Command {
  return command
    .option("--record <file>", "call the models and write their replies to this cassette")
    .option("--replay <file>", "answer from this cassette; no model, key or network is needed");
}

/**
 * The cassette that the flags ask for, `null` without them.
 * @throws UsageError for both at once; DagError when there is nothing to replay, or it cannot be read.
 */
export async function cassetteFromFlags({ record, replay }: CassetteFlags): Promise<Cassette | null> {
  if (record !== undefined && replay !== undefined) {
    throw new UsageError("--record and --replay were both given.", "Give one of them.");
  }
  const file = record ?? replay;
  if (file === undefined) return null;
  const { cassette } = await import("../testing/cassette.js");
  const tape = cassette(file, { mode: record === undefined ? "replay" : "record" });
  tape.load();
  return tape;
}

/** Options with the cassette nearest to the model: simulated latency is not recorded, and replays have it too. */
export function withCassette(options: RunDagOptions, tape: Cassette | null): RunDagOptions {
  return tape === null ? options : { ...options, use: [...(options.use ?? []), tape] };
}

/** Lets go of the cassette; one that was not written, missed calls, or left some unused, is told and ends with status 1. */
export async function finishCassette(tape: Cassette | null, io: Io): Promise<void> {
  if (tape === null) return;
  try {
    tape.assertComplete();
  } catch (error) {
    await write(io.stderr, `${errorMessage(error)}\n`);
    if (io.exitCode === 0) io.exitCode = 1;
  }
}
