import { Command, CommanderError } from "commander";
import { createColors } from "picocolors";
import { DagValidationError, errorMessage } from "../errors.js";
import { redactKeys } from "../models/redact.js";
import { cleanText } from "../report/plain-text.js";
import { packageJson } from "../spec/package-json.js";
import { addBatchCommand } from "./batch-command.js";
import { addCheckCommand } from "./check-command.js";
import { addCompareCommand } from "./compare-command.js";
import { addGraphCommand } from "./graph-command.js";
import { addHelpTexts } from "./help-texts.js";
import { addInitCommand } from "./init-command.js";
import { type Io, OutputError, tell, writePainted } from "./io.js";
import { addPredictCommand } from "./predict-command.js";
import { addDiffCommand, addExportCommand, addReportCommand, addShowCommand } from "./report-command.js";
import { addResumeCommand } from "./resume-command.js";
import { addRunCommand } from "./run-command.js";
import { addServeCommand } from "./serve-command.js";
import { traceCommands } from "./tracing.js";
import { addWorkerCommand } from "./worker-command.js";

/** Runs one command line; never rejects. The status is left in `io.exitCode`. */
export async function runCli(args: readonly string[], io: Io): Promise<void> {
  const program = createProgram(io);
  const tracing = traceCommands(program, io);
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      io.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    io.exitCode = error instanceof OutputError ? 1 : 2;
    await writePainted(
      io.stderr,
      renderError(error, { debug: args.includes("--debug"), color: io.colorErr }),
    );
    // It may have been paid for.
    if (error instanceof OutputError && error.lost !== "")
      await writePainted(io.stderr, `It is:\n${error.lost}`);
  } finally {
    await tracing.flush();
  }
}

/** The whole command line. */
export function createProgram(io: Io): Command {
  const program = new Command("agent-dag")
    .description("Run a DAG of agents in any topology, see what happened and what it cost.")
    .version(packageJson().version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => tell(io.stdout, text),
      writeErr: (text) => tell(io.stderr, text),
    })
    .showHelpAfterError("(--help shows the options)");
  for (const add of [
    addRunCommand,
    addResumeCommand,
    addCompareCommand,
    addBatchCommand,
    addWorkerCommand,
    addPredictCommand,
    addGraphCommand,
    addCheckCommand,
    addDiffCommand,
    addReportCommand,
    addShowCommand,
    addExportCommand,
    addServeCommand,
    addInitCommand,
  ])
    add(program, io);
  addHelpTexts(program);
  return program;
}

/** An error as a person reads it; the stack only with `debug`. */
function renderError(error: unknown, { debug, color }: { debug: boolean; color: boolean }): string {
  const { red } = createColors(color);
  const message = error instanceof DagValidationError ? error.message : errorMessage(error);
  const stack = debug && error instanceof Error ? `\n${error.stack ?? ""}${causes(error)}` : "";
  return `${red("error:")} ${cleanText(redactKeys(`${message}${stack}`))}\n`;
}

function causes(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `\ncaused by: ${cause.stack ?? cause.message}${causes(cause)}` : "";
}
