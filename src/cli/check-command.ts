import type { Command } from "commander";
import { DagValidationError } from "../errors.js";
import { projectDag } from "../records/projection.js";
import { orderOf } from "../spec/order.js";
import { validate } from "../spec/validate.js";
import { loadGraphFile } from "./graph-file.js";
import { type Io, write } from "./io.js";

/** `agent-dag check <file>`: validates a graph and says what it is. */
export function addCheckCommand(program: Command, io: Io): void {
  program
    .command("check")
    .description("Validate a graph: every mistake at once, with what to do about it.")
    .argument("<file>", "a .ts, .js, .yaml or .json graph; file.ts#name picks an export")
    .option("--debug", "show stack traces")
    .action(async (file: string) => {
      const { dag } = await loadGraphFile(file);
      const issues = validate(dag);
      if (issues.length > 0) throw new DagValidationError(`"${file}"`, issues);
      const { layers, outputs } = orderOf(dag);
      const { nodes } = projectDag(dag);
      const counts = `${plural(Object.keys(nodes).length, "node")} in ${plural(layers.length, "layer")}`;
      await write(io.stdout, `${dag.name}: ${counts}, output ${outputs.join(", ")}. No issues.\n`);
    });
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
