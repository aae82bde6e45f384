import type { Command } from "commander";
import type { Comparison } from "../compare/compare.js";
import { createBudget } from "../limits/budget.js";
import type { RunDagOptions } from "../run/run.js";
import type { DagSpec } from "../spec/shape.js";
import { cassetteFromFlags, finishCassette, withCassette } from "./cassette-flags.js";
import { interruptedStatus } from "./interrupt.js";
import { type Io, tell, writeJson, writePainted } from "./io.js";
import {
  addInputFlags,
  addRunFlags,
  addWebFlag,
  optionsFromFlags,
  positiveInteger,
  type RunFlags,
  reportOptionsFrom,
  type WebFlags,
  webPort,
} from "./run-flags.js";
import { addThreadFlags, openThread, storeInMemory, type ThreadFlags } from "./thread-flags.js";

interface CompareCommandFlags extends RunFlags, ThreadFlags, WebFlags {
  readonly topologies?: string;
  readonly repeat?: number;
  readonly reuse?: string;
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
    .option("--repeat <n>", "runs of each topology, interleaved (default: 1)", positiveInteger)
    .option("--reuse <file>", "run only what the record of an earlier run (from --json) did not complete");
  addRunFlags(addWebFlag(addInputFlags(addThreadFlags(command)))).action(
    (file: string, flags: CompareCommandFlags) => compareCommand(file, flags, io),
  );
}

async function compareCommand(file: string, flags: CompareCommandFlags, io: Io): Promise<void> {
  // Loaded here, so that `--help` and the other commands do not wait for LangGraph.
  const { loadValidGraph } = await import("./graph-file.js");
  const { assertReportPlace } = await import("./report-command.js");
  assertReportPlace(flags.report);
  const { readInput } = await import("./input-flag.js");
  const { stay } = await import("./web-page.js");
  const { dag, example } = await loadValidGraph(file);
  const input = await readInput(dag, flags, example, io);
  const web = await webFor(dag, input, flags, io);
  try {
    const tape = await cassetteFromFlags(flags);
    const comparison = await drive(dag, input, flags, io, web, tape);
    await printComparison(comparison, flags, io);
    await finishCassette(tape, io);
    if (web !== null) await stay(web, io);
  } finally {
    await web?.close();
  }
}

/** Runs the topologies; tells which one runs, and shows them on the page. */
async function drive(
  dag: DagSpec,
  input: unknown,
  flags: CompareCommandFlags,
  io: Io,
  web: Awaited<ReturnType<typeof webFor>>,
  tape: Awaited<ReturnType<typeof cassetteFromFlags>>,
): Promise<Comparison> {
  const { listenForInterrupt } = await import("./interrupt.js");
  const { compare } = await import("../compare/compare.js");
  const { recordToReuse } = await import("./record-file.js");
  const reuse = await recordToReuse(flags.reuse, dag, io);
  const store = (await openThread(flags)) ?? (web === null ? null : await storeInMemory());
  const interrupt = listenForInterrupt(() => tell(io.stderr, "Interrupted: ending the runs.\n"));
  try {
    const comparison = await compare<DagSpec>(dag, input, {
      ...withOneBudget(withCassette(optionsFromFlags(flags), tape)),
      ...(flags.topologies !== undefined && { topologies: flags.topologies.split(",") }),
      ...(flags.repeat !== undefined && { repeat: flags.repeat }),
      ...(reuse !== undefined && { reuse }),
      ...(store !== null && { checkpointer: store.checkpointer, thread: flags.thread ?? "terminal" }),
      signal: interrupt.signal,
      onRun: ({ topology, repeat }) =>
        tell(io.stderr, `${topology}${(flags.repeat ?? 1) > 1 ? `, run ${repeat + 1}` : ""}\n`),
      ...(web !== null && {
        onRunEvent: web.page.onRunEvent,
        answer: (record) => {
          tell(io.stderr, `"${record.topology}" waits for an answer on ${web.url}\n`);
          return web.desk.next(record.id, interrupt.signal);
        },
      }),
    });
    web?.page.end(comparison);
    if (interrupt.signal.aborted) io.exitCode = interruptedStatus;
    return comparison;
  } finally {
    interrupt.close();
    tape?.close();
    await store?.close();
  }
}

async function printComparison(comparison: Comparison, flags: CompareCommandFlags, io: Io): Promise<void> {
  const { renderComparison } = await import("../report/comparison.js");
  if (flags.json) await writeJson(io.stdout, comparison);
  else await writePainted(io.stdout, renderComparison(comparison, { width: io.columns, color: io.colorOut }));
  if (flags.report !== undefined) {
    const { renderReport } = await import("../report/report.js");
    const { writeReport } = await import("./report-command.js");
    await writeReport(flags.report, renderReport(comparison, reportOptionsFrom(flags)), io);
  }
  const states = comparison.topologies.flatMap(({ runs }) => runs.map(({ state }) => state));
  if (io.exitCode === 0 && states.includes("failed")) io.exitCode = 1;
}

/** The page that shows the topologies side by side; `null` where none is asked for. */
async function webFor(dag: DagSpec, input: unknown, flags: CompareCommandFlags, io: Io) {
  const port = webPort(flags);
  if (port === null) return null;
  const { createComparisonPage } = await import("../report/live-comparison.js");
  const { projectDag } = await import("../records/projection.js");
  const { createAnswerDesk, serveWeb } = await import("./web-page.js");
  const desk = createAnswerDesk();
  const page = createComparisonPage({
    dag: projectDag(dag),
    input,
    ...reportOptionsFrom(flags),
    onAnswer: desk.take,
  });
  return { ...(await serveWeb(port, page, io)), page, desk };
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
