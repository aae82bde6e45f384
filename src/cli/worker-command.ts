import type { Command } from "commander";
import { addCassetteFlags, cassetteFromFlags, withCassette } from "./cassette-flags.js";
import { listenForBatchInterrupt } from "./interrupt.js";
import { type Io, tell, write, writeJson } from "./io.js";
import { addSimulationFlags, optionsFromFlags, positiveInteger, type RunFlags } from "./run-flags.js";

interface WorkerFlags extends RunFlags {
  readonly engine: string;
  readonly concurrency?: number;
  readonly checkpoint?: string;
}

/** `agent-dag worker <file> --engine URL`: works at the rows that `batch --engine` puts there. */
export function addWorkerCommand(program: Command, io: Io): void {
  const command = program
    .command("worker")
    .description("Work at the rows of a graph's batches that an engine holds, on this machine.")
    .argument("<file>", "the graph, as the batch was given it; file.ts#name picks an export")
    .requiredOption("--engine <url>", "postgres://USER:PASSWORD@HOST/DB or redis://HOST, as given to batch")
    .option("--concurrency <n>", "most rows under way at once on this worker (default: 8)", positiveInteger)
    .option("--model <model>", "model of every agent, where the batch names none")
    .option("--prices <file>", "JSON file of prices by model, for models that the price table does not know")
    .option("--checkpoint <store>", "keep rows in another store than the engine's, shared by all workers");
  addCassetteFlags(addSimulationFlags(command))
    .option("--otlp <url>", "send traces to an OpenTelemetry collector, for example http://localhost:4318")
    .option("--json", "print one JSON summary and nothing else on stdout")
    .option("--debug", "show stack traces")
    .action((file: string, flags: WorkerFlags) => workerCommand(file, flags, io));
}

async function workerCommand(file: string, flags: WorkerFlags, io: Io): Promise<void> {
  const { loadValidGraph } = await import("./graph-file.js");
  const { runWorker } = await import("../batch/engine/run-worker.js");
  const { addressOf } = await import("../stores/store-error.js");
  const { assertEngineUrl } = await import("../batch/engine/open-engine.js");
  const { dag } = await loadValidGraph(file);
  assertEngineUrl(flags.engine);
  const store = flags.checkpoint === undefined ? null : await openStore(flags.checkpoint);
  const tape = await cassetteFromFlags(flags);
  const interrupt = listenForBatchInterrupt((step) =>
    tell(
      io.stderr,
      step === "finish"
        ? "\nEnding: the rows that run are finished; Ctrl-C again gives them back to others.\n"
        : "\nEnding: giving the rows that run back.\n",
    ),
  );
  const { model, prices, use } = withCassette(optionsFromFlags(flags), tape);
  try {
    await write(
      io.stderr,
      `Working at rows of ${dag.name} from ${addressOf(flags.engine)}. Ctrl-C ends it.\n`,
    );
    const summary = await runWorker(dag, {
      engine: flags.engine,
      ...(flags.concurrency !== undefined && { concurrency: flags.concurrency }),
      ...(model !== undefined && { model }),
      ...(prices !== undefined && { prices }),
      ...(use !== undefined && { use }),
      ...(store !== null && { checkpointer: store.checkpointer }),
      finish: interrupt.finish,
      signal: interrupt.signal,
      onNotice: (message) => tell(io.stderr, `${message}\n`),
    });
    if (flags.json) await writeJson(io.stdout, summary);
    else {
      const { done, failed, waiting, givenBack } = summary;
      const waits = waiting === 0 ? "" : ` ${waiting} waiting for an answer,`;
      await write(
        io.stdout,
        `${done} rows done, ${failed} of them failed,${waits} ${givenBack} given back.\n`,
      );
    }
  } finally {
    interrupt.close();
    tape?.close();
    await store?.close();
  }
}

async function openStore(text: string) {
  const { openCheckpointer } = await import("../stores/checkpointer.js");
  return openCheckpointer(text);
}
