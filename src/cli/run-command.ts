import { type Command, Option } from "commander";
import { type Topology, topologyNames } from "../../graphs/topology-names.js";
import type { RunRecord } from "../records/record.js";
import { cassetteFromFlags, finishCassette, withCassette } from "./cassette-flags.js";
import { type Io, write } from "./io.js";
import { addRunFlags, optionsFromFlags, type RunFlags } from "./run-flags.js";

interface RunCommandFlags extends RunFlags {
  readonly topology: Topology;
  readonly timeline?: boolean;
  readonly reuse?: string;
}

/** `agent-dag run <file>`: runs a graph on an input. */
export function addRunCommand(program: Command, io: Io): void {
  const command = program
    .command("run")
    .description("Run a graph on an input and print what its nodes produced.")
    .argument("<file>", "a .ts, .js, .yaml or .json graph; file.ts#name picks an export")
    .addOption(
      new Option("--topology <name>", "how the graph is wired")
        .choices([...topologyNames])
        .default("deterministic"),
    )
    .option("--timeline", "print who ran when")
    .option("--reuse <file>", "run only what the record of an earlier run (from --json) did not complete");
  addRunFlags(command).action((file: string, flags: RunCommandFlags) => runCommand(file, flags, io));
}

async function runCommand(file: string, flags: RunCommandFlags, io: Io): Promise<void> {
  // Loaded here, so that `--help` and the other commands do not wait for LangGraph.
  const { loadValidGraph } = await import("./graph-file.js");
  const { readInput } = await import("./input-flag.js");
  const { createProgress } = await import("./progress.js");
  const { run } = await import("../run/run.js");
  const { dag, example } = await loadValidGraph(file);
  const input = await readInput(dag, flags, example, io);
  const { listenForInterrupt } = await import("./interrupt.js");
  const { loadRecord } = await import("./record-file.js");
  const reuse = flags.reuse === undefined ? undefined : await loadRecord(flags.reuse);
  const tape = await cassetteFromFlags(flags);
  const progress = createProgress(io.stderr, { isTerminal: io.isTerminal, color: io.colorErr });
  const interrupt = listenForInterrupt(() => io.stderr.write("Interrupted: ending the run.\n"));
  let record: RunRecord;
  try {
    record = await run(dag, input, {
      ...withCassette(optionsFromFlags(flags), tape),
      topology: flags.topology,
      ...(reuse !== undefined && { reuse }),
      signal: interrupt.signal,
      onEvent: (event) => progress.onEvent(event),
    });
  } finally {
    progress.end();
    interrupt.close();
    tape?.close();
  }
  await write(
    io.stdout,
    flags.json ? `${JSON.stringify(record, null, 2)}\n` : await renderRun(record, flags, io),
  );
  const notice = endNotice(record);
  if (notice !== null) await write(io.stderr, `${notice}\n`);
  io.exitCode = exitCodeOf(record);
  await finishCassette(tape, io);
}

async function renderRun(record: RunRecord, flags: RunCommandFlags, io: Io): Promise<string> {
  const { renderOutputs } = await import("../report/outputs.js");
  const { renderTimeline } = await import("../report/timeline.js");
  const outputs = renderOutputs(record, { color: io.colorOut, width: io.columns });
  const timeline = flags.timeline
    ? `\n${renderTimeline(record, { color: io.colorOut, width: io.columns })}`
    : "";
  return `${outputs.trimEnd()}\n${timeline.trimEnd()}${timeline === "" ? "" : "\n"}`;
}

/** 0 done (partial and waiting too), 1 failed, 130 interrupted by the user. */
export function exitCodeOf(record: RunRecord): number {
  if (record.state === "failed") return 1;
  return record.state === "cancelled" ? 130 : 0;
}

function endNotice(record: RunRecord): string | null {
  if (record.state === "failed" || record.state === "cancelled")
    return `${record.state}: ${record.error?.message ?? ""}`;
  if (record.state !== "partial") return null;
  const lost = Object.entries(record.outcomes).filter(([, outcome]) => outcome.state !== "completed");
  return `partial: there is an output, but not everything completed: ${lost.map(([name, { state }]) => `${name} ${state}`).join(", ")}.`;
}
