import { type Command, Option } from "commander";
import type { DagProjection } from "../records/events.js";
import { type Io, write, writeJson } from "./io.js";

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
    .option("--debug", "show stack traces")
    .action(async (file: string, { format }: { format: Format }) => {
      const { loadValidGraph } = await import("./graph-file.js");
      const { projectDag } = await import("../records/projection.js");
      const { dag } = await loadValidGraph(file);
      const projection = projectDag(dag);
      if (format === "json") await writeJson(io.stdout, projection);
      else await write(io.stdout, `${(await render(projection, format)).trimEnd()}\n`);
    });
}

async function render(projection: DagProjection, format: Exclude<Format, "json">): Promise<string> {
  if (format === "svg") return (await import("../report/svg.js")).renderSvg(projection);
  return (await import("../report/mermaid.js")).renderMermaid(projection);
}
