import { readFile, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { errorMessage } from "../errors.js";
import type { ReportInput } from "../report/report.js";
import { type Io, write } from "./io.js";
import { loadRecord } from "./record-file.js";
import { type OutputFlags, renderRun } from "./run-output.js";
import { UsageError } from "./usage-error.js";

interface ReportFlags {
  readonly out: string;
  readonly texts: boolean;
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
    .option("--debug", "show stack traces")
    .action(async (files: string[], { out, texts }: ReportFlags) => {
      const { readReportInput } = await import("../report/page-input.js");
      const { renderReport } = await import("../report/report.js");
      const inputs: ReportInput[] = [];
      for (const file of files) {
        const value = await readJson(file);
        readReportInput(value, `"${file}"`);
        inputs.push(value as ReportInput);
      }
      const html = renderReport(inputs, { texts });
      if (out === "-") await write(io.stdout, html);
      else await writeReport(out, html, io);
    });
}

/** Writes a report and says where. */
export async function writeReport(file: string, html: string, io: Io): Promise<void> {
  try {
    await writeFile(file, html);
  } catch (error) {
    throw new UsageError(
      `The report cannot be written to "${file}": ${errorMessage(error)}.`,
      undefined,
      error,
    );
  }
  await write(io.stderr, `Report: ${file}\n`);
}

/** `agent-dag show RECORD`: prints a kept record as `run` did. */
export function addShowCommand(program: Command, io: Io): void {
  program
    .command("show")
    .description("Print a kept record as `run` did: what its nodes gave, and who ran when.")
    .argument("<record>", "a record, as --json printed it")
    .option("--no-timeline", "leave out who ran when")
    .option("--debug", "show stack traces")
    .action(async (file: string, flags: OutputFlags) => {
      const { readReportInput } = await import("../report/page-input.js");
      const record = await loadRecord(file);
      readReportInput(record, `"${file}"`);
      await write(io.stdout, await renderRun(record, flags, io));
    });
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new UsageError(
      `"${file}" cannot be read as JSON: ${errorMessage(error)}.`,
      "Give a file that `agent-dag run --json` or `agent-dag compare --json` wrote.",
      error,
    );
  }
}
