import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { RunEvent } from "../records/events.js";
import type { RunRecord } from "../records/record.js";
import { resume } from "../run/run.js";
import type { DagSpec } from "../spec/shape.js";
import { askApprovals } from "./ask-approval.js";
import { listenForInterrupt } from "./interrupt.js";
import { type Io, tell } from "./io.js";
import { createProgress } from "./progress.js";
import { optionsFromFlags, type RunFlags } from "./run-flags.js";
import { printRun } from "./run-output.js";
import type { WebRun } from "./web-run.js";

/** What one run on the command line has to do with. */
export interface DrivenRun {
  readonly dag: DagSpec;
  readonly flags: RunFlags & { readonly timeline?: boolean; readonly web?: boolean | number };
  readonly io: Io;
  /** The command line that reproduces it. */
  readonly command?: string;
  /** Where the run is kept; without it an approval cannot be answered. */
  readonly kept: { readonly checkpointer: BaseCheckpointSaver; readonly thread: string } | null;
}

/** What a run is given so that the terminal sees it and can abort it. */
export interface RunHooks {
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/**
 * Runs with a live view, ends it on Ctrl-C, asks the person at the terminal where the run waits for an answer, and prints
 * the record.
 */
export async function driveRun(
  { dag, flags, io, kept, command }: DrivenRun,
  start: (hooks: RunHooks) => Promise<RunRecord>,
): Promise<RunRecord> {
  const heard: RunEvent[] = [];
  const web = await webFor(flags, command, io);
  const watched = async (begin: (hooks: RunHooks) => Promise<RunRecord>): Promise<RunRecord> => {
    const progress = createProgress(io.stderr, { isTerminal: io.isTerminal, color: io.colorErr });
    const interrupt = listenForInterrupt(() => tell(io.stderr, "Interrupted: ending the run.\n"));
    try {
      return await begin({
        signal: interrupt.signal,
        onEvent(event) {
          if (event.type === "text-kept" || (event.type === "call-started" && event.messages !== undefined)) {
            heard.push(event);
          }
          web?.onEvent(event);
          progress.onEvent(event);
        },
      });
    } finally {
      progress.end();
      interrupt.close();
    }
  };
  try {
    let record = await watched(start);
    while (record.state === "interrupted" && kept !== null) {
      const canAsk = io.isTerminal && isTerminal(io.stdin);
      if (web === null && !canAsk) break;
      const answer = web === null ? await askApprovals(record.interrupts, io) : await answersOn(web, io);
      if (answer === null) {
        tell(io.stderr, "\nNot answered.\n");
        break;
      }
      const going = (hooks: RunHooks) =>
        resume(dag, { ...optionsFromFlags(flags), ...hooks, ...kept, answer });
      record = await watched(going);
    }
    await printRun(record, flags, io);
    if (flags.report !== undefined) await reportRun(record, heard, flags, command, io);
    if (web !== null) await stay(web, io);
    return record;
  } finally {
    await web?.close();
  }
}

async function webFor(
  flags: DrivenRun["flags"],
  command: string | undefined,
  io: Io,
): Promise<WebRun | null> {
  if (flags.web === undefined || flags.web === false) return null;
  const { serveRun } = await import("./web-run.js");
  return serveRun(flags.web === true ? 0 : flags.web, command, io);
}

/** The answers that a person gives on the page; `null` after Ctrl-C. */
async function answersOn(web: WebRun, io: Io): Promise<Record<string, unknown> | null> {
  tell(io.stderr, `The run waits for an answer on ${web.url}\n`);
  const interrupt = listenForInterrupt(() => {});
  try {
    return await web.answers(interrupt.signal);
  } finally {
    interrupt.close();
  }
}

/** Leaves the page up until Ctrl-C. */
async function stay(web: WebRun, io: Io): Promise<void> {
  tell(io.stderr, `The page stays on ${web.url} until Ctrl-C.\n`);
  const interrupt = listenForInterrupt(() => {});
  await new Promise<void>((resolve) => {
    interrupt.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  interrupt.close();
}

/** Writes the report, with what events of earlier parts of the run told: a resumed run's record has no prompts of them. */
async function reportRun(
  record: RunRecord,
  heard: readonly RunEvent[],
  flags: RunFlags,
  command: string | undefined,
  io: Io,
): Promise<void> {
  const { renderReport } = await import("../report/report.js");
  const { writeReport } = await import("./report-command.js");
  const whole = { ...record, events: [...heard, ...record.events] };
  const html = renderReport(whole, {
    texts: flags.texts ?? true,
    ...(command !== undefined && { command }),
  });
  await writeReport(flags.report ?? "report.html", html, io);
}

function isTerminal(stream: Io["stdin"]): boolean {
  return "isTTY" in stream && stream.isTTY === true;
}
