import type { Command } from "commander";
import { type Io, write } from "./io.js";

/** `agent-dag check <file>`: validates a graph and says what it is. */
export function addCheckCommand(program: Command, io: Io): void {
  program
    .command("check")
    .description("Validate a graph: every mistake at once, with what to do about it.")
    .argument("<file>", "a .ts, .js, .yaml or .json graph; file.ts#name picks an export")
    .option("--debug", "show stack traces")
    .action(async (file: string) => {
      const { loadValidGraph } = await import("./graph-file.js");
      const { orderOf } = await import("../spec/order.js");
      const { dag } = await loadValidGraph(file);
      const { topological, layers, outputs } = orderOf(dag);
      const counts = `${plural(topological.length, "node")} in ${plural(layers.length, "layer")}`;
      await write(io.stdout, `${dag.name}: ${counts}, output ${outputs.join(", ")}. No issues.\n`);
    });
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
