import type { Command } from "commander";
import type { Topology } from "../../graphs/topology.js";
import { type Io, writeJson, writePainted } from "./io.js";
import { loadRecord } from "./record-file.js";
import { positiveInteger, pricesFrom } from "./run-flags.js";

interface PredictFlags {
  readonly topologies?: string;
  readonly model?: string;
  readonly maxConcurrency?: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly warm?: "first-token";
  readonly prices?: string;
  readonly timeline: boolean;
  readonly json?: boolean;
}

/** `agent-dag predict RECORD`: what the run would have taken and cost otherwise; no model is asked. */
export function addPredictCommand(program: Command, io: Io): void {
  program
    .command("predict")
    .description("From one run's record, tell what other topologies, models and limits would take and cost.")
    .argument("<record>", "a record, as run --json printed it")
    .option("--topologies <list>", 'what to predict, for example "deterministic,dataflow" (default: all)')
    .option("--model <model>", "another model for every request, provider:NAME")
    .option("--max-concurrency <n>", "most model requests under way at once", positiveInteger)
    .option("--requests-per-minute <n>", "most model requests in 60 seconds", positiveInteger)
    .option("--tokens-per-minute <n>", "most tokens in 60 seconds", positiveInteger)
    .option("--warm", "let one of the requests that begin alike go ahead")
    .option("--prices <file>", "JSON file of prices by model, for models that the price table does not know")
    .option("--no-timeline", "leave out who would run when")
    .option("--json", "print one comparison as JSON and nothing else on stdout")
    .option("--debug", "show stack traces")
    .action(async (file: string, flags: PredictFlags) => {
      const { predict } = await import("../compare/predict.js");
      const { renderComparison } = await import("../report/comparison.js");
      const { maxConcurrency, requestsPerMinute, tokensPerMinute } = flags;
      const prediction = await predict(await loadRecord(file), {
        ...(flags.topologies !== undefined && { topologies: flags.topologies.split(",") as Topology[] }),
        ...(flags.model !== undefined && { model: flags.model }),
        ...(flags.warm && { warm: "first-token" as const }),
        ...(flags.prices !== undefined && { prices: pricesFrom(flags.prices) }),
        limits: {
          ...(maxConcurrency !== undefined && { maxConcurrency }),
          ...(requestsPerMinute !== undefined && { requestsPerMinute }),
          ...(tokensPerMinute !== undefined && { tokensPerMinute }),
        },
      });
      if (flags.json) return writeJson(io.stdout, prediction);
      const options = { width: io.columns, color: io.colorOut, timelines: flags.timeline };
      await writePainted(io.stdout, renderComparison(prediction, options));
    });
}
