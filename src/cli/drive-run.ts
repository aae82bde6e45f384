import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { RunEvent } from "../records/events.js";
import type { RunRecord } from "../records/record.js";
import { resume } from "../run/run.js";
import type { DagSpec } from "../spec/shape.js";
import { askApprovals } from "./ask-approval.js";
import { listenForInterrupt } from "./interrupt.js";
import { type Io, tell } from "./io.js";
import { createProgress } from "./progress.js";
import { optionsFromFlags, type RunFlags, reportOptionsFrom, type WebFlags, webPort } from "./run-flags.js";
import { printRun } from "./run-output.js";
import { createAnswerDesk, serveWeb, stay } from "./web-page.js";

/** What one run on the command line has to do with. */
export interface DrivenRun {
  readonly dag: DagSpec;
  readonly flags: RunFlags & WebFlags & { readonly timeline?: boolean };
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
  const { assertReportPlace } = await import("./report-command.js");
  assertReportPlace(flags.report);
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
          web?.page.onEvent(event);
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
      const answer =
        web === null ? await askApprovals(record.interrupts, io) : await answersOn(web, record.id, io);
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

async function webFor(flags: DrivenRun["flags"], command: string | undefined, io: Io) {
  const port = webPort(flags);
  if (port === null) return null;
  const { createLivePage } = await import("../report/live-page.js");
  const desk = createAnswerDesk();
  const page = createLivePage({
    ...(command !== undefined && { command }),
    ...reportOptionsFrom(flags),
    onAnswer: desk.take,
  });
  return { ...(await serveWeb(port, page, io)), page, desk };
}

/** The answers that a person gives on the page; `null` after Ctrl-C. */
async function answersOn(
  { url, desk }: NonNullable<Awaited<ReturnType<typeof webFor>>>,
  run: string,
  io: Io,
): Promise<Record<string, unknown> | null> {
  tell(io.stderr, `The run waits for an answer on ${url}\n`);
  const interrupt = listenForInterrupt(() => {});
  try {
    return await desk.next(run, interrupt.signal);
  } finally {
    interrupt.close();
  }
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
    ...reportOptionsFrom(flags),
    ...(command !== undefined && { command }),
  });
  await writeReport(flags.report ?? "report.html", html, io);
}

function isTerminal(stream: Io["stdin"]): boolean {
  return "isTTY" in stream && stream.isTTY === true;
}
