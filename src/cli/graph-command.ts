import { type Command, Option } from "commander";
import { projectDag } from "../records/projection.js";
import { assertValid } from "../spec/assert-valid.js";
import { loadGraphFile } from "./graph-file.js";
import { type Io, write } from "./io.js";

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
    .action(async (file: string, { format }: { format: "mermaid" | "svg" | "json" }) => {
      const { dag } = await loadGraphFile(file);
      assertValid(dag);
      await write(io.stdout, `${await render(projectDag(dag), format)}\n`);
    });
}

async function render(
  projection: ReturnType<typeof projectDag>,
  format: "mermaid" | "svg" | "json",
): Promise<string> {
  if (format === "json") return JSON.stringify(projection, null, 2);
  if (format === "svg") return (await import("../report/svg.js")).renderSvg(projection).trimEnd();
  return (await import("../report/mermaid.js")).renderMermaid(projection).trimEnd();
}
