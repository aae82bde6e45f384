import { type Command, Option } from "commander";
import { type Topology, topologyNames } from "../../graphs/topology.js";
import { errorMessage } from "../errors.js";
import { type Io, write } from "./io.js";
import {
  addInputFlags,
  addRunFlags,
  addWebFlag,
  optionsFromFlags,
  type RunFlags,
  type WebFlags,
} from "./run-flags.js";
import { addThreadFlags, howToResume, openThread, type ThreadFlags } from "./thread-flags.js";
import { UsageError } from "./usage-error.js";

interface ResumeFlags extends RunFlags, ThreadFlags, WebFlags {
  readonly topology?: Topology;
  readonly answer?: string;
  readonly timeline?: boolean;
}

/** `agent-dag resume <file>`: goes on with a run that a store holds. */
export function addResumeCommand(program: Command, io: Io): void {
  const command = program
    .command("resume")
    .description("Go on with a run after a crash, an interruption or at an approval.")
    .argument("<file>", "the graph that the run was started with")
    .addOption(new Option("--topology <name>", "the one it was started in").choices([...topologyNames]))
    .option("--answer <json>", 'answer to its approval: true, false, {"edit": …}, or answers by node')
    .option("--timeline", "print who ran when");
  addRunFlags(addWebFlag(addInputFlags(addThreadFlags(command)))).action((file: string, flags: ResumeFlags) =>
    resumeCommand(file, flags, io),
  );
}

async function resumeCommand(file: string, flags: ResumeFlags, io: Io): Promise<void> {
  if (flags.text !== undefined || flags.input !== undefined) {
    throw new UsageError(
      "A resumed run has its input already.",
      "Leave out --text and --input, or start a new run.",
    );
  }
  const { loadValidGraph } = await import("./graph-file.js");
  const { driveRun } = await import("./drive-run.js");
  const { resume } = await import("../run/run.js");
  const { dag } = await loadValidGraph(file);
  const answer = flags.answer === undefined ? undefined : readAnswer(flags.answer);
  const store = await openThread(flags, { create: false });
  const { thread } = flags;
  if (store === null || thread === undefined) {
    throw new UsageError("Say which run goes on.", "Give --checkpoint sqlite:FILE and --thread ID.");
  }
  const { checkpointer } = store;
  try {
    const record = await driveRun({ dag, flags, io, kept: { checkpointer, thread } }, (hooks) =>
      resume(dag, {
        ...optionsFromFlags(flags),
        ...(flags.topology !== undefined && { topology: flags.topology }),
        ...hooks,
        checkpointer,
        thread,
        ...(answer !== undefined && { answer }),
      }),
    );
    if (record.state === "interrupted") await write(io.stderr, `${howToResume(file, flags)}\n`);
  } finally {
    await store.close();
  }
}

function readAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `--answer is not JSON: ${errorMessage(error)}.`,
      'For example --answer true, or --answer \'{"edit":"…"}\'.',
    );
  }
}
