import { type Command, Option } from "commander";
import type { DagProjection } from "../records/events.js";
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
      const { projectDag } = await import("../records/projection.js");
      const { dag } = await loadValidGraph(file);
      if (record !== undefined) {
        if (format !== "svg") {
          throw new UsageError(
            `A run is drawn into SVG, not into ${format}.`,
            "Leave out --format, or give svg.",
          );
        }
        const { loadRecord } = await import("./record-file.js");
        const { readReportInput } = await import("../report/page-input.js");
        const { renderSvg } = await import("../report/svg.js");
        const kept = await loadRecord(record);
        readReportInput(kept, `"${record}"`);
        await write(io.stdout, renderSvg(projectDag(dag), { record: kept }));
        return;
      }
      const projection = projectDag(dag);
      if (format === "json") await writeJson(io.stdout, projection);
      else await write(io.stdout, `${(await render(projection, format)).trimEnd()}\n`);
    });
}

async function render(projection: DagProjection, format: Exclude<Format, "json">): Promise<string> {
  if (format === "svg") return (await import("../report/svg.js")).renderSvg(projection);
  return (await import("../report/mermaid.js")).renderMermaid(projection);
}
