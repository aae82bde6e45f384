import type { Command } from "commander";
import { renderIssue } from "../errors.js";
import { dagHash } from "../spec/canonical.js";
import type { DagSpec } from "../spec/shape.js";
import { type Io, write } from "./io.js";
import { UsageError } from "./usage-error.js";

interface CheckFlags {
  readonly explain?: boolean;
  readonly times?: string;
}

/** `agent-dag check <file>`: validates a graph and says what it is. */
export function addCheckCommand(program: Command, io: Io): void {
  program
    .command("check")
    .description("Validate a graph: every mistake at once, with what to do about it.")
    .argument("<file>", "a .ts, .js, .yaml or .json graph; file.ts#name picks an export")
    .option("--explain", "draw the layers, name the critical path, and say who would wait for whom")
    .option("--times <file>", "take the times for --explain from the record of a run (from --json)")
    .option("--debug", "show stack traces")
    .action(async (file: string, flags: CheckFlags) => {
      const { loadValidGraph } = await import("./graph-file.js");
      const { orderOf } = await import("../spec/order.js");
      const { dag } = await loadValidGraph(file);
      const { topological, layers, outputs } = orderOf(dag);
      const counts = `${plural(topological.length, "node")} in ${plural(layers.length, "layer")}`;
      await write(io.stdout, `${dag.name}: ${counts}, output ${outputs.join(", ")}. No issues.\n`);
      const { warningsOf } = await import("../spec/warnings.js");
      for (const warning of warningsOf(dag)) await write(io.stderr, `warning:${renderIssue(warning)}\n`);
      if (flags.explain || flags.times !== undefined)
        await write(io.stdout, `\n${await explanation(dag, flags)}\n`);
    });
}

async function explanation(dag: DagSpec, { times }: CheckFlags): Promise<string> {
  const { estimatedDurations, explain, recordedDurations, renderExplanation } = await import(
    "../report/explain.js"
  );
  if (times === undefined) {
    const durations = estimatedDurations(dag);
    return renderExplanation(explain(dag, durations), durations.source);
  }
  const { loadRecord } = await import("./record-file.js");
  const record = await loadRecord(times);
  if (record.dag.name !== dag.name) {
    throw new UsageError(
      `"${times}" is the record of "${record.dag.name}", not of "${dag.name}".`,
      "Give a record of this graph.",
    );
  }
  const durations = recordedDurations(record);
  const other =
    record.dag.hash === dagHash(dag)
      ? ""
      : "\nThe record is of another version of this graph: its nodes may have changed.";
  return renderExplanation(explain(dag, durations), durations.source) + other;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
