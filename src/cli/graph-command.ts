import { type Command, Option } from "commander";
import { type Io, write, writeJson } from "./io.js";
import { UsageError } from "./usage-error.js";

interface GraphFlags {
  readonly format: Format;
  readonly record?: string;
}

type Format = "mermaid" | "svg" | "json";

/** `agent-dag graph <file>`: draws the declared graph. */
export function addGraphCommand(program: Command, io: Io): void {
  program
    .command("graph")
    .description("Draw the declared graph.")
    .argument("<file>", "a .ts, .js, .yaml or .json graph; file.ts#name picks an export")
    .addOption(
      new Option("--format <format>", "what to write").choices(["mermaid", "svg", "json"]).default("mermaid"),
    )
    .option("--record <file>", "draw a run's states, times and critical path into it (svg)")
    .option("--debug", "show stack traces")
    .action(async (file: string, { format: asked, record }: GraphFlags, command: Command) => {
      const format =
        record !== undefined && command.getOptionValueSource("format") === "default" ? "svg" : asked;
      const { loadValidGraph } = await import("./graph-file.js");
      const { dag } = await loadValidGraph(file);
      if (format === "json") {
        if (record !== undefined) throw notDrawnInto(format);
        const { projectDag } = await import("../records/projection.js");
        return writeJson(io.stdout, projectDag(dag));
      }
      const { renderGraph } = await import("../report/graph.js");
      if (record === undefined) return write(io.stdout, `${renderGraph(dag, { format }).trimEnd()}\n`);
      if (format !== "svg") throw notDrawnInto(format);
      const { loadRecord } = await import("./record-file.js");
      const { readReportInput } = await import("../report/page-input.js");
      const kept = await loadRecord(record);
      readReportInput(kept, `"${record}"`);
      await write(io.stdout, renderGraph(dag, { format, record: kept }));
    });
}

function notDrawnInto(format: Format): UsageError {
  return new UsageError(`A run is drawn into SVG, not into ${format}.`, "Leave out --format, or give svg.");
}
