import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Topology, topologyNames } from "../../graphs/topology.js";
import type { RunManyOptions } from "../batch/batch-options.js";
import type { BatchItem } from "../batch/item.js";
import type { RowSource } from "../batch/read-rows.js";
import type { BatchSummary } from "../batch/summary.js";
import type { RunRecord } from "../records/record.js";
import type { BatchSample } from "../report/batch-sample.js";
import type { BatchReport } from "../report/live-batch.js";
import type { DagSpec } from "../spec/shape.js";
import type { OpenCheckpointer } from "../stores/checkpointer.js";
import { cassetteFromFlags, finishCassette, withCassette } from "./cassette-flags.js";
import { interruptedStatus, listenForBatchInterrupt } from "./interrupt.js";
import { type Io, tell, write, writeJson, writePainted } from "./io.js";
import {
  addRunFlags,
  addWebFlag,
  optionsFromFlags,
  positiveInteger,
  type RunFlags,
  reportOptionsFrom,
  type WebFlags,
  webPort,
} from "./run-flags.js";
import { addThreadFlags, asksForApproval, storeInMemory, type ThreadFlags } from "./thread-flags.js";
import { UsageError } from "./usage-error.js";

interface BatchFlags extends RunFlags, ThreadFlags, WebFlags {
  readonly out?: string;
  readonly topology: Topology;
  readonly concurrency?: number;
  readonly key?: string;
  readonly retryFailed?: boolean;
  readonly retryChanged?: boolean;
  readonly maxFailures?: number | `${number}%`;
  readonly records?: string;
  readonly strict?: boolean;
  readonly reuse?: string;
  readonly engine?: string;
  readonly follow?: string;
  readonly cancel?: string;
  readonly forget?: string;
}

/** `agent-dag batch <file> <inputs…>`: runs a graph on many inputs. */
export function addBatchCommand(program: Command, io: Io): void {
  const command = program
    .command("batch")
    .description("Run a graph on many inputs; the same command again goes on where it was.")
    .argument("[file]", "a .ts, .js, .yaml or .json graph; file.ts#name picks an export")
    .argument("[inputs...]", "a .jsonl, .csv or .json file, a folder or pattern of .txt and .md files, or -")
    .option("--out <results.jsonl>", "one line a row, and what a second start goes on from")
    .addOption(
      new Option("--topology <name>", "how the graph is wired")
        .choices([...topologyNames])
        .default("deterministic"),
    )
    .option("--concurrency <n>", "most rows under way at once (default: 8)", positiveInteger)
    .option("--key <field>", "field that names a row (default: its content)")
    .option("--retry-failed", "also run again the rows that failed before")
    .option("--retry-changed", "also run again the rows that another version of the graph made")
    .option("--max-failures <n|p%>", "start no more rows once more than so many have failed", tolerance)
    .option("--records <dir>", "write each row's whole record into this folder")
    .option("--strict", "check every row before the first request, and run nothing if one cannot be used")
    .option("--reuse <file>", "take over what the record of an earlier run (from --json) completed")
    .option("--engine <url>", "let workers on any machine take the rows from postgres://… or redis://…")
    .option("--follow <id>", "look on at a batch that an engine holds")
    .option("--cancel <id>", "end a batch that an engine holds, and the rows that run")
    .option("--forget <id>", "delete all that an engine holds of a batch that has ended");
  addRunFlags(addWebFlag(addThreadFlags(command))).action(
    (file: string | undefined, inputs: string[], flags: BatchFlags) =>
      [flags.follow, flags.cancel, flags.forget].some((id) => id !== undefined)
        ? engineBatch(file, flags, io)
        : batchCommand(file, inputs, flags, io),
  );
}

async function engineBatch(file: string | undefined, flags: BatchFlags, io: Io): Promise<void> {
  const { cancelCommand, followCommand, forgetCommand } = await import("./follow-command.js");
  if (file !== undefined) {
    throw new UsageError(
      "--follow, --cancel and --forget take no graph and no inputs.",
      "Give --engine URL alone.",
    );
  }
  if (flags.engine === undefined) {
    throw new UsageError(
      "--follow, --cancel and --forget need the engine that holds the batch.",
      "Add --engine URL.",
    );
  }
  const asked = { engine: flags.engine, json: flags.json === true, out: flags.out };
  if (flags.forget !== undefined) await forgetCommand(flags.forget, asked, io);
  else if (flags.cancel !== undefined) await cancelCommand(flags.cancel, asked, io);
  else if (flags.follow !== undefined) {
    io.exitCode = await followCommand(flags.follow, asked, io, { exitCodeOf, noticesOf });
  }
}

async function batchCommand(
  file: string | undefined,
  inputs: readonly string[],
  flags: BatchFlags,
  io: Io,
): Promise<void> {
  const { out } = flags;
  const missing = file === undefined ? "file" : "inputs";
  if (file === undefined || inputs.length === 0) {
    throw new UsageError(
      `missing required argument '${missing}'.`,
      "agent-dag batch FILE INPUTS --out RESULTS.jsonl",
    );
  }
  if (out === undefined) {
    throw new UsageError(
      "required option '--out <results.jsonl>' not specified.",
      "Add --out RESULTS.jsonl.",
    );
  }
  if (flags.engine !== undefined) assertForEngine(flags);
  // Loaded here, so that `--help` and the other commands do not wait for LangGraph.
  const { loadValidGraph } = await import("./graph-file.js");
  const { assertReportPlace } = await import("./report-command.js");
  assertReportPlace(flags.report);
  const { readRows } = await import("../batch/read-rows.js");
  const { BatchSample } = await import("../report/batch-sample.js");
  const { renderBatch } = await import("../report/batch-summary.js");
  const { recordToReuse } = await import("./record-file.js");
  const { dag } = await loadValidGraph(file);
  const source = readRows(dag, inputs, io.stdin);
  if (flags.strict) await assertRows(dag, source, flags.key);
  const reuse = await recordToReuse(flags.reuse, dag, io);
  const sample = flags.report === undefined && webPort(flags) === null ? null : new BatchSample();
  const web = sample === null ? null : await webFor(dag, sample, flags, io);
  try {
    const canAnswer = web !== null && flags.engine === undefined && asksForApproval(dag);
    const store = (await openStore(flags)) ?? (canAnswer ? await storeInMemory() : null);
    const tape = await cassetteFromFlags(flags);
    let summary: BatchSummary;
    try {
      summary = await drive(
        dag,
        source,
        io,
        { sample, web },
        {
          ...withCassette(optionsFromFlags(flags), tape),
          topology: flags.topology,
          results: out,
          ...(flags.engine !== undefined && { engine: flags.engine }),
          ...(flags.concurrency !== undefined && { concurrency: flags.concurrency }),
          ...(flags.key !== undefined && { key: flags.key }),
          ...(flags.retryFailed !== undefined && { retryFailed: flags.retryFailed }),
          ...(flags.retryChanged !== undefined && { retryChanged: flags.retryChanged }),
          ...(flags.maxFailures !== undefined && { maxFailures: flags.maxFailures }),
          ...(flags.records !== undefined && { records: flags.records }),
          ...(reuse !== undefined && { reuse }),
          ...(store !== null && { checkpointer: store.checkpointer }),
          ...(flags.thread !== undefined && { thread: flags.thread }),
        },
      );
    } finally {
      tape?.close();
      await store?.close();
    }
    if (flags.json) await writeJson(io.stdout, summary);
    else await writePainted(io.stdout, renderBatch(summary, { width: io.columns }));
    for (const line of noticesOf(summary, out)) await write(io.stderr, `${line}\n`);
    io.exitCode = exitCodeOf(summary);
    if (sample !== null) await reportBatch(dag, sample, flags, io);
    await finishCassette(tape, io);
    if (web !== null && sample !== null) {
      const { stay } = await import("./web-page.js");
      web.page.end(await batchReport(dag, sample, flags));
      await stay(web, io);
    }
  } finally {
    await web?.close();
  }
}

/** The page that shows the batch; `null` where none is asked for. */
async function webFor(dag: DagSpec, sample: BatchSample, flags: BatchFlags, io: Io) {
  const port = webPort(flags);
  if (port === null) return null;
  const { createBatchPage } = await import("../report/live-batch.js");
  const { renderReport } = await import("../report/report.js");
  const { createAnswerDesk, serveWeb } = await import("./web-page.js");
  const desk = createAnswerDesk();
  const page = createBatchPage({
    title: titleOf(dag),
    texts: flags.texts ?? true,
    sample,
    async report() {
      const { records, options } = await batchReport(dag, sample, flags);
      return renderReport(records, options);
    },
    onAnswer: desk.take,
  });
  return { ...(await serveWeb(port, page, io)), page, desk };
}

/** What watches a batch besides the terminal. */
interface Watching {
  readonly sample: BatchSample | null;
  readonly web: Awaited<ReturnType<typeof webFor>>;
}

/** What only the process that runs the rows can be given. */
function assertForEngine({ record, replay, checkpoint }: BatchFlags): void {
  const [given] = Object.entries({ record, replay, checkpoint }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  if (given === undefined) return;
  throw new UsageError(
    `--${given} belongs to whoever runs the rows, and with --engine those are the workers.`,
    `Give it to each: agent-dag worker FILE --engine URL --${given} …`,
  );
}

/** Runs the rows with a line that shows how far they are. */
async function drive(
  dag: DagSpec,
  source: RowSource,
  io: Io,
  { sample, web }: Watching,
  options: RunManyOptions,
): Promise<BatchSummary> {
  const { runMany } = await import("../batch/run-many.js");
  const { createBatchProgress } = await import("./batch-progress.js");
  const progress = createBatchProgress(io.stderr, { isTerminal: io.isTerminal, color: io.colorErr });
  const interrupt = listenForBatchInterrupt((step) =>
    tell(
      io.stderr,
      step === "finish"
        ? "\nInterrupted: the rows that run are finished; Ctrl-C again ends them too.\n"
        : "\nInterrupted: ending the rows that run.\n",
    ),
  );
  if ((io.isTerminal || web !== null) && !source.once) {
    void countRows(source, interrupt.finish).then(
      (rows) => {
        progress.setTotal(rows);
        web?.page.setTotal(rows);
      },
      () => {},
    );
  }
  let isTold = false;
  try {
    const batch = runMany(dag, source.rows(), {
      ...options,
      finish: interrupt.finish,
      signal: interrupt.signal,
      onNotice: (message) => tell(io.stderr, `${message}\n`),
      ...(web !== null && {
        onRowEvent: web.page.onRowEvent,
        answer(record) {
          if (!isTold) tell(io.stderr, `\nRows wait for answers on ${web.url}\n`);
          isTold = true;
          return web.desk.next(record.id, interrupt.finish, interrupt.signal);
        },
      }),
    });
    for await (const item of batch) {
      progress.add(item);
      sample?.add(item);
      web?.page.add(item);
      tellFailure(item, io);
    }
    return await batch.summary;
  } finally {
    progress.end();
    interrupt.close();
  }
}

/** Without a live line, failures are told as they come. */
function tellFailure({ key, index, place, state, error, reused }: BatchItem, io: Io): void {
  if (state !== "failed" || error === null || reused || io.isTerminal) return;
  const message =
    place !== undefined && error.message.startsWith(place)
      ? error.message
      : `${place ?? `row ${index}`} (${key}): ${error.message}`;
  tell(io.stderr, `failed: ${message.split("\n").join(" ")} [${error.code}]\n`);
}

async function countRows(source: RowSource, signal: AbortSignal): Promise<number> {
  let rows = 0;
  for await (const _ of source.rows()) {
    if (signal.aborted) break;
    // Counting takes its turns behind the rows that run.
    if (++rows % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return rows;
}

const mostIssues = 20;

async function assertRows(dag: DagSpec, source: RowSource, key: string | undefined): Promise<void> {
  if (source.once) {
    throw new UsageError(
      "--strict reads the rows twice, and standard input can be read once.",
      "Give a file.",
    );
  }
  const { checkRows } = await import("../batch/input-row.js");
  const issues: string[] = [];
  let count = 0;
  for await (const { message } of checkRows(dag, source.rows(), key)) {
    if (++count <= mostIssues) issues.push(`\n  ${message.replaceAll("\n", "\n    ")}`);
  }
  if (count === 0) return;
  const more = count > mostIssues ? `\n  … and ${count - mostIssues} more` : "";
  const what = count === 1 ? "1 row cannot be used" : `${count} rows cannot be used`;
  throw new UsageError(`${what}; nothing was run:${issues.join("")}${more}`);
}

async function openStore({ checkpoint, thread, engine }: BatchFlags): Promise<OpenCheckpointer | null> {
  if (checkpoint !== undefined) {
    const { openCheckpointer } = await import("../stores/checkpointer.js");
    return openCheckpointer(checkpoint);
  }
  // With an engine it names the batch there.
  if (thread === undefined || engine !== undefined) return null;
  throw new UsageError(
    "--thread names the rows' threads in a store, and no store was given.",
    "Add --checkpoint sqlite:FILE.",
  );
}

async function reportBatch(dag: DagSpec, sample: BatchSample, flags: BatchFlags, io: Io): Promise<void> {
  if (flags.report === undefined) return;
  const { renderReport } = await import("../report/report.js");
  const { writeReport } = await import("./report-command.js");
  const { records, options } = await batchReport(dag, sample, flags);
  await writeReport(flags.report, renderReport(records, options), io);
}

const titleOf = (dag: DagSpec) => `${dag.name} · batch`;

/** What a report shows of the batch so far. */
async function batchReport(dag: DagSpec, sample: BatchSample, flags: BatchFlags): Promise<BatchReport> {
  const shown: { readonly label: string; readonly record: RunRecord }[] = [];
  for (const { item, record = await keptRecord(item, flags.records) } of sample.rows()) {
    if (record !== undefined) shown.push({ label: item.key, record });
  }
  return {
    records: shown.map(({ record }) => record),
    options: {
      title: titleOf(dag),
      ...reportOptionsFrom(flags),
      batch: sample.figures(),
      labels: shown.map(({ label }) => label),
    },
  };
}

/** The record of a row that was done before, where the folder of records holds it. */
async function keptRecord({ key }: BatchItem, folder: string | undefined): Promise<RunRecord | undefined> {
  if (folder === undefined) return undefined;
  const { recordName } = await import("../batch/run-many.js");
  const path = join(folder, recordName(key));
  return existsSync(path) ? (JSON.parse(await readFile(path, "utf8")) as RunRecord) : undefined;
}

/** @param out The results file; `null` for whoever only looks on. */
function noticesOf(summary: BatchSummary, out: string | null): string[] {
  const { ended, failed, badInputs, partial, interrupted } = summary;
  const again = failed - badInputs;
  const early =
    out === null
      ? "Ended early: the command that began it goes on."
      : `Ended early: the rows that are done stand in ${out}; the same command goes on.`;
  const why = {
    done: null,
    finished: early,
    aborted: early,
    budget: "The budget is spent: no more rows were started. The same command with a larger one goes on.",
    failures: "Too many rows failed (--max-failures): no more were started.",
  }[ended];
  return [
    ...(why === null ? [] : [why]),
    ...(again > 0 ? [`${again} failed: --retry-failed runs ${again === 1 ? "it" : "them"} again.`] : []),
    ...(badInputs > 0
      ? [
          `${badInputs} cannot be used as ${badInputs === 1 ? "it is" : "they are"}: once mended, the same command runs ${badInputs === 1 ? "it" : "them"}.`,
        ]
      : []),
    ...(partial > 0 ? [`${partial} partial: there is an output, but not everything completed.`] : []),
    ...(interrupted > 0
      ? [
          `${interrupted === 1 ? "1 waits" : `${interrupted} wait`} for an answer: the same command with --web asks for it.`,
        ]
      : []),
  ];
}

/** 0 when every row was met and not all failed, 1 when all failed, too many did or the budget ended it, 130 when interrupted. */
function exitCodeOf({ ended, total, failed }: BatchSummary): number {
  if (ended === "finished" || ended === "aborted") return interruptedStatus;
  if (ended !== "done") return 1;
  return total > 0 && failed === total ? 1 : 0;
}

function tolerance(text: string): number | `${number}%` {
  const isShare = /^\d+(\.\d+)?%$/.test(text) && Number(text.slice(0, -1)) <= 100;
  if (isShare) return text as `${number}%`;
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`It is ${text}; a number of rows, or a share such as 5%, is expected.`);
}
