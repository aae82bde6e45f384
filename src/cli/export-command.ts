import { type Command, Option } from "commander";
import { packageJson } from "../spec/package-json.js";
import { type Io, writeJson } from "./io.js";

interface ExportFlags {
  readonly format: "otlp" | "perfetto";
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
      )
        .choices(["otlp", "perfetto"])
        .makeOptionMandatory(),
    )
    .option("--texts", "also prompts, replies and values, without what looks like a key")
    .option("--debug", "show stack traces")
    .action(async (file: string, { format, texts = false }: ExportFlags) => {
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
