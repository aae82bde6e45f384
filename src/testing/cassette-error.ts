import { DagError } from "../errors.js";
import type { CassetteEntry } from "./cassette-entry.js";

/** There is nothing to replay. */
export function missingFile(file: string): DagError {
  return new DagError("CASSETTE_MISSING", `There is no cassette "${file}" to replay.`, {
    facts: { file },
    hint: 'Record it once with a real model: `mode: "record"` (or "auto"), or --record FILE on the command line.',
  });
}

/** Calls that were not in the file. */
export function missedCalls(file: string, misses: readonly DagError[]): DagError {
  const list = misses.map((miss) => miss.message).join("\n");
  return new DagError(
    "CASSETTE_MISSED",
    `${misses.length} calls were not in the cassette "${file}":\n${list}`,
    {
      facts: { file, misses: misses.length },
    },
  );
}

/** Entries that nobody asked for. */
export function unusedEntries(file: string, unused: readonly CassetteEntry[]): DagError {
  const list = unused.map((entry) => {
    const item = entry.item === undefined ? "" : `[${entry.item}]`;
    return `  - ${entry.node}${item}, request ${entry.turn + 1}`;
  });
  return new DagError(
    "CASSETTE_UNUSED",
    `${unused.length} recorded ${unused.length === 1 ? "call" : "calls"} of "${file}" ${unused.length === 1 ? "was" : "were"} never asked for:\n${list.join("\n")}\n`,
    {
      facts: { file, unused: unused.length },
      hint: "Record again, so that the file holds what the run needs.",
    },
  );
}

/** A cassette that no run was given. */
export function neverUsed(file: string): DagError {
  return new DagError("CASSETTE_UNUSED", `The cassette "${file}" was never used.`, {
    facts: { file },
    hint: "Pass it to `run` in `use`, or take it out of the test.",
  });
}
