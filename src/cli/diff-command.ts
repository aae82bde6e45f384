import type { Command } from "commander";
import { type Io, write, writeJson } from "./io.js";
import type { RecordFile } from "./record-file.js";

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
      const { readRecordFile } = await import("./record-file.js");
      const [before, after] = [await readRecordFile(old), await readRecordFile(now)];
      const diff = diffRecords(heldBy(before), heldBy(after));
      if (flags.json) await writeJson(io.stdout, diff);
      else await write(io.stdout, `${renderRecordDiff(diff)}\n`);
      io.exitCode = diff.changed ? 1 : 0;
    });
}

const heldBy = (file: RecordFile) => (file.kind === "record" ? file.record : file.comparison);
