import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { errorMessage } from "../errors.js";
import { type Io, write } from "./io.js";
import { UsageError } from "./usage-error.js";

/** `agent-dag diff OLD.json NEW.json`: what changed between two records or comparisons; 1 when anything but times did. */
export function addDiffCommand(program: Command, io: Io): void {
  program
    .command("diff")
    .description("Tell what changed between two records or comparisons; exit 1 when anything but times did.")
    .argument("<old>", "a record or comparison, as --json printed it")
    .argument("<new>", "another one of the same kind")
    .option("--json", "print the differences as JSON and nothing else on stdout")
    .option("--debug", "show stack traces")
    .action(async (old: string, now: string, flags: { readonly json?: boolean }) => {
      const { diffRecords, renderRecordDiff } = await import("../report/record-diff.js");
      const diff = diffRecords(readRecord(old), readRecord(now));
      await write(io.stdout, `${flags.json ? JSON.stringify(diff, null, 2) : renderRecordDiff(diff)}\n`);
      io.exitCode = diff.changed ? 1 : 0;
    });
}

function readRecord(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as unknown;
  } catch (error) {
    throw new UsageError(
      `"${file}" cannot be read as JSON: ${errorMessage(error)}`,
      "Give a file that `agent-dag run --json` or `agent-dag compare --json` wrote.",
    );
  }
}
