import type { Command } from "commander";
import type { Comparison } from "../compare/compare.js";
import { createBudget } from "../limits/budget.js";
import type { RunDagOptions } from "../run/run.js";
import { cassetteFromFlags, finishCassette, withCassette } from "./cassette-flags.js";
import { type Io, tell, writeJson, writePainted } from "./io.js";
import { addInputFlags, addRunFlags, optionsFromFlags, positiveInteger, type RunFlags } from "./run-flags.js";
import { addThreadFlags, openThread, type ThreadFlags } from "./thread-flags.js";

interface CompareCommandFlags extends RunFlags, ThreadFlags {
  readonly topologies?: string;
  readonly repeat?: number;
}

/** `agent-dag compare <file>`: runs a graph in several topologies and prints them side by side. */
export function addCompareCommand(program: Command, io: Io): void {
  const command = program
    .command("compare")
    .description("Run a graph in several topologies on one input and print them side by side.")
    .argument("<file>", "a .ts, .js, .yaml or .json graph; file.ts#name picks an export")
    .option(
      "--topologies <list>",
      'what to compare, for example "deterministic,planned,planned?toolInput=argument" (default: "sequential,deterministic,planned,planned-dag")',
    )
    .option("--repeat <n>", "runs of each topology, interleaved (default: 1)", positiveInteger);
  addRunFlags(addInputFlags(addThreadFlags(command))).action((file: string, flags: CompareCommandFlags) =>
    compareCommand(file, flags, io),
  );
}

async function compareCommand(file: string, flags: CompareCommandFlags, io: Io): Promise<void> {
  // Loaded here, so that `--help` and the other commands do not wait for LangGraph.
  const { loadValidGraph } = await import("./graph-file.js");
  const { readInput } = await import("./input-flag.js");
  const { listenForInterrupt } = await import("./interrupt.js");
  const { compare } = await import("../compare/compare.js");
  const { renderComparison } = await import("../report/comparison.js");
  const { dag, example } = await loadValidGraph(file);
  const input = await readInput(dag, flags, example, io);
  const store = await openThread(flags);
  const tape = await cassetteFromFlags(flags);
  const interrupt = listenForInterrupt(() => tell(io.stderr, "Interrupted: ending the runs.\n"));
  let comparison: Comparison;
  try {
    comparison = await compare(dag, input, {
      ...withOneBudget(withCassette(optionsFromFlags(flags), tape)),
      ...(flags.topologies !== undefined && { topologies: flags.topologies.split(",") }),
      ...(flags.repeat !== undefined && { repeat: flags.repeat }),
      ...(store !== null &&
        flags.thread !== undefined && { checkpointer: store.checkpointer, thread: flags.thread }),
      signal: interrupt.signal,
      onRun: ({ topology, repeat }) =>
        tell(io.stderr, `${topology}${(flags.repeat ?? 1) > 1 ? `, run ${repeat + 1}` : ""}\n`),
    });
  } finally {
    interrupt.close();
    tape?.close();
    await store?.close();
  }
  if (flags.json) await writeJson(io.stdout, comparison);
  else await writePainted(io.stdout, renderComparison(comparison, { width: io.columns, color: io.colorOut }));
  if (flags.report !== undefined) {
    const { renderReport } = await import("../report/report.js");
    const { writeReport } = await import("./report-command.js");
    await writeReport(flags.report, renderReport(comparison, { texts: flags.texts ?? true }), io);
  }
  const states = comparison.topologies.flatMap(({ runs }) => runs.map(({ state }) => state));
  io.exitCode = interrupt.signal.aborted ? 130 : states.includes("failed") ? 1 : 0;
  await finishCassette(tape, io);
}

/** A budget on the command line is what the command may spend: its runs share it. */
function withOneBudget(options: RunDagOptions): RunDagOptions {
  const { maxTokens, maxCostUsd, maxModelCalls, ...limits } = options.limits ?? {};
  const budget = createBudget({
    ...(maxTokens !== undefined && { maxTokens }),
    ...(maxCostUsd !== undefined && { maxCostUsd }),
    ...(maxModelCalls !== undefined && { maxModelCalls }),
  });
  return budget === null ? options : { ...options, limits: { ...limits, budget } };
}
