import { dirname } from "node:path";
import { type Command, Option } from "commander";
import type { ReportInput } from "../report/report.js";
import { packageJson } from "../spec/package-json.js";
import { replaceFile } from "../stores/replace-file.js";
import { statFile } from "../stores/stat-file.js";
import { type Io, OutputError, write, writeJson } from "./io.js";
import { loadRecord, type RecordFile, readJson, readRecordFile } from "./record-file.js";
import { reportOptionsFrom } from "./run-flags.js";
import { type OutputFlags, renderRun } from "./run-output.js";
import { UsageError } from "./usage-error.js";

interface ReportFlags {
  readonly out: string;
  readonly texts: boolean;
  readonly prices?: string;
}

/** `agent-dag report RECORD…`: one HTML file that shows kept records. */
export function addReportCommand(program: Command, io: Io): void {
  program
    .command("report")
    .description(
      "Write one HTML file that shows a run, two runs and where they part, many runs, or a comparison.",
    )
    .argument("<record...>", "records or a comparison, as --json printed them")
    .option("--out <file>", "where to write; - is standard output", "report.html")
    .option("--no-texts", "leave out prompts, answers and values")
    .option("--prices <file>", "JSON file of prices by model, for what the page predicts")
    .option("--debug", "show stack traces")
    .action(async (files: string[], { out, ...flags }: ReportFlags) => {
      const { readReportInput } = await import("../report/page-input.js");
      const { renderReport } = await import("../report/report.js");
      if (out !== "-") assertReportPlace(out);
      const inputs: ReportInput[] = [];
      for (const file of files) {
        const value = await readJson(file);
        readReportInput(value, `"${file}"`);
        inputs.push(value as ReportInput);
      }
      const html = renderReport(inputs, reportOptionsFrom(flags));
      if (out === "-") await write(io.stdout, html);
      else await writeReport(out, html, io);
    });
}

/**
 * Tells before anything is paid for that a report has no place.
 * @throws UsageError when its folder is not there, or it is a folder.
 */
export function assertReportPlace(file: string | undefined): void {
  if (file === undefined) return;
  const isFolder = (path: string) => statFile(path)?.isDirectory() === true;
  const problem = isFolder(file)
    ? "it is a folder"
    : isFolder(dirname(file))
      ? null
      : `there is no folder "${dirname(file)}"`;
  if (problem === null) return;
  throw new UsageError(
    `The report cannot be written to "${file}": ${problem}.`,
    "Give the name of a file in a folder that is there; nothing was run.",
  );
}

/**
 * Writes a report and says where. What stood there before stays whole where it cannot be written.
 * @throws OutputError
 */
export async function writeReport(file: string, html: string, io: Io): Promise<void> {
  try {
    await replaceFile(file, html);
  } catch (error) {
    throw new OutputError(`"${file}"`, "", error);
  }
  await write(io.stderr, `Report: ${file}\n`);
}

/** `agent-dag show RECORD`: prints a kept record as `run` did. */
export function addShowCommand(program: Command, io: Io): void {
  program
    .command("show")
    .description("Print a kept record as `run` did: what its nodes gave, and who ran when.")
    .argument("<record>", "a record, as --json printed it")
    .option("--timeline", "print who ran when (the default)")
    .option("--no-timeline", "leave out who ran when")
    .option("--debug", "show stack traces")
    .action(async (file: string, flags: OutputFlags) => {
      const { readReportInput } = await import("../report/page-input.js");
      const record = await loadRecord(file);
      readReportInput(record, `"${file}"`);
      await write(io.stdout, await renderRun(record, flags, io));
    });
}

interface DiffFlags {
  readonly json?: boolean;
  readonly report?: string;
  readonly texts: boolean;
}

/** `agent-dag diff OLD.json NEW.json`: what changed between two records or comparisons; 1 when anything but times did. */
export function addDiffCommand(program: Command, io: Io): void {
  program
    .command("diff")
    .description("Tell what changed between two records or comparisons; exit 1 when anything but times did.")
    .argument("<old>", "a record or comparison, as --json printed it")
    .argument("<new>", "another one of the same kind")
    .option("--json", "print the differences as JSON and nothing else on stdout")
    .option("--report <file>", "also write one HTML file that shows where two records part")
    .option("--no-texts", "keep prompts, answers and values out of the report")
    .option("--debug", "show stack traces")
    .action(async (old: string, now: string, flags: DiffFlags) => {
      const { diffRecords, renderRecordDiff } = await import("../report/record-diff.js");
      const [before, after] = [await readRecordFile(old), await readRecordFile(now)];
      if (flags.report !== undefined) {
        if (before.kind !== "record" || after.kind !== "record") {
          throw new UsageError(
            "--report shows where two records part, and a comparison holds several.",
            "Give two records, or show each comparison by itself: agent-dag report FILE.",
          );
        }
        const { renderReport } = await import("../report/report.js");
        const html = renderReport([before.record, after.record], { texts: flags.texts });
        await writeReport(flags.report, html, io);
      }
      const diff = diffRecords(heldBy(before), heldBy(after));
      if (flags.json) await writeJson(io.stdout, diff);
      else await write(io.stdout, `${renderRecordDiff(diff)}\n`);
      io.exitCode = diff.changed ? 1 : 0;
    });
}

const heldBy = (file: RecordFile) => (file.kind === "record" ? file.record : file.comparison);

interface ExportFlags {
  readonly format?: "otlp" | "perfetto";
  readonly texts?: boolean;
}

/** `agent-dag export RECORD`: a kept record as a trace. */
export function addExportCommand(program: Command, io: Io): void {
  program
    .command("export")
    .description("Print a kept record as a trace, for a collector (otlp) or for ui.perfetto.dev (perfetto).")
    .argument("<record>", "a record, as --json printed it")
    .addOption(
      new Option(
        "--format <format>",
        "otlp: a request for a collector's /v1/traces; perfetto: a trace-event file",
      ).choices(["otlp", "perfetto"]),
    )
    .option("--texts", "also prompts, replies and values, without what looks like a key")
    .option("--debug", "show stack traces")
    .action(async (file: string, { format, texts = false }: ExportFlags) => {
      if (format === undefined)
        throw new UsageError(
          "required option '--format <format>' not specified.",
          "Add --format otlp or --format perfetto.",
        );
      const { loadRecord } = await import("./record-file.js");
      const record = await loadRecord(file);
      if (format === "otlp") {
        const { otlpTrace } = await import("../telemetry/otlp.js");
        await writeJson(io.stdout, otlpTrace(record, { texts, version: packageJson().version }));
      } else {
        const { perfettoTrace } = await import("../telemetry/perfetto.js");
        await writeJson(io.stdout, perfettoTrace(record, { texts }));
      }
    });
}
