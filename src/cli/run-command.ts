import { type Command, Option } from "commander";
import { type Topology, topologyNames } from "../../graphs/topology.js";
import { cassetteFromFlags, finishCassette, withCassette } from "./cassette-flags.js";
import { type Io, write } from "./io.js";
import {
  addInputFlags,
  addRunFlags,
  addWebFlag,
  optionsFromFlags,
  type RunFlags,
  type WebFlags,
  webPort,
} from "./run-flags.js";
import {
  addThreadFlags,
  asksForApproval,
  howToResume,
  openThread,
  storeInMemory,
  type ThreadFlags,
} from "./thread-flags.js";
import { UsageError } from "./usage-error.js";

interface RunCommandFlags extends RunFlags, ThreadFlags, WebFlags {
  readonly topology: Topology;
  readonly timeline?: boolean;
  readonly reuse?: string;
  readonly times?: string;
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
    .option("--reuse <file>", "run only what the record of an earlier run (from --json) did not complete")
    .option("--times <file>", "where requests wait for a slot, go by the times of an earlier run's record");
  addRunFlags(addWebFlag(addInputFlags(addThreadFlags(command)))).action(
    (file: string, flags: RunCommandFlags) => runCommand(file, flags, io),
  );
}

async function runCommand(file: string, flags: RunCommandFlags, io: Io): Promise<void> {
  if (flags.goal !== undefined && !flags.topology.startsWith("planned")) {
    throw new UsageError(
      `--goal is for a planner, and "${flags.topology}" has none.`,
      "Add --topology planned or --topology planned-dag.",
    );
  }
  // Loaded here, so that `--help` and the other commands do not wait for LangGraph.
  const { loadValidGraph } = await import("./graph-file.js");
  const { readInput } = await import("./input-flag.js");
  const { driveRun } = await import("./drive-run.js");
  const { run } = await import("../run/run.js");
  const { loadRecord, recordToReuse } = await import("./record-file.js");
  const { dag, example } = await loadValidGraph(file);
  const input = await readInput(dag, flags, example, io);
  const reuse = await recordToReuse(flags.reuse, dag, io);
  const times = flags.times === undefined ? undefined : await loadRecord(flags.times);
  const canAnswer = webPort(flags) !== null || (io.isTerminal && asksForApproval(dag));
  const store = (await openThread(flags)) ?? (canAnswer ? await storeInMemory() : null);
  const kept =
    store === null ? null : { checkpointer: store.checkpointer, thread: flags.thread ?? "terminal" };
  const tape = await cassetteFromFlags(flags);
  try {
    const record = await driveRun({ dag, flags, io, kept, command: commandLine(file, flags) }, (hooks) =>
      run(dag, input, {
        ...withCassette(optionsFromFlags(flags), tape),
        topology: flags.topology,
        ...(reuse !== undefined && { reuse }),
        ...(times !== undefined && { times }),
        ...(kept ?? {}),
        ...hooks,
      }),
    );
    if (record.state === "interrupted") await write(io.stderr, `${howToResume(file, flags)}\n`);
  } finally {
    tape?.close();
    await store?.close();
  }
  await finishCassette(tape, io);
}

/** The command that runs the same again; texts on the command line stay out of it, because they may be long or private. */
function commandLine(file: string, flags: RunCommandFlags): string {
  const given: [string, string | number | undefined][] = [
    ["--topology", flags.topology],
    ["--input", flags.input],
    ["--model", flags.model],
    ["--goal", flags.goal],
    ["--simulate", flags.simulate],
    ["--seed", flags.seed],
    ["--speed", flags.speed],
    ["--replay", flags.replay],
  ];
  const words = given.flatMap(([flag, value]) =>
    value === undefined ? [] : [flag, shellWord(String(value))],
  );
  return ["agent-dag run", shellWord(file), ...words].join(" ");
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
