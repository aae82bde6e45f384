import { type Command, InvalidArgumentError, Option } from "commander";
import { errorMessage } from "../errors.js";
import { latencyProfiles } from "../models/latency-profile.js";
import { layouts } from "../models/prompt-layout.js";
import { simulateLatency } from "../models/simulate-latency.js";
import type { Prices } from "../records/price.js";
import { loadPrices } from "../records/price-rules.js";
import type { ReportOptions } from "../report/report.js";
import type { RunDagOptions } from "../run/run.js";
import type { OtlpExporter } from "../telemetry/otlp-exporter.js";
import { addCassetteFlags, type CassetteFlags } from "./cassette-flags.js";
import { UsageError } from "./usage-error.js";

/** The flags of what runs a graph. */
export interface RunFlags extends CassetteFlags {
  readonly text?: string;
  readonly input?: string;
  readonly model?: string;
  readonly goal?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
  readonly deadlineMs?: number;
  readonly maxConcurrency?: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly maxCost?: number;
  readonly maxTokens?: number;
  readonly maxCalls?: number;
  readonly simulate?: string;
  readonly seed?: number;
  readonly speed?: number;
  readonly prices?: string;
  readonly layout?: NonNullable<RunDagOptions["layout"]>;
  readonly warm?: NonNullable<RunDagOptions["warm"]>;
  readonly report?: string;
  readonly texts?: boolean;
  readonly otlp?: string;
  /** What sends the traces to `otlp`; see `openTracing`. */
  readonly tracing?: OtlpExporter;
}

/** Adds the flags that give one input. */
export function addInputFlags(command: Command): Command {
  return command
    .option(
      "--input <file>",
      "read the input from a file (.txt, .md, .json, .yaml), or from standard input with -",
    )
    .option("--text <text>", "the input as a text");
}

/** Adds the flags that whatever runs a graph shares. */
export function addRunFlags(command: Command): Command {
  return addCassetteFlags(addSharedFlags(command))
    .option("--report <file>", "also write one HTML file that shows the run")
    .option("--texts", "keep prompts and answers in the record (the default with --report and --web)")
    .option("--no-texts", "keep prompts, answers and values out of the report")
    .addOption(new Option("--json", "print one JSON record and nothing else on stdout"));
}

/**
 * Adds the flags that runs and services share.
 * @param of Added to what limits say, where there are many runs.
 */
export function addSharedFlags(command: Command, of = { all: "", each: "" }): Command {
  const limited = command
    .option("--model <model>", "model of every agent: offline, openai:NAME, or provider:NAME")
    .option("--goal <text>", "what a planner is to reach (planner topologies)")
    .option("--max-concurrency <n>", `most model requests under way at once${of.all}`, positiveInteger)
    .option("--requests-per-minute <n>", `most model requests in 60 seconds${of.all}`, positiveNumber)
    .option("--tokens-per-minute <n>", `most tokens in 60 seconds${of.all}`, positiveNumber)
    .option("--max-cost <usd>", `most US dollars to spend${of.each}`, positiveNumber)
    .option("--max-tokens <n>", `most tokens to use${of.each}`, positiveInteger)
    .option("--max-calls <n>", `most model requests to make${of.each}`, positiveInteger)
    .option("--prices <file>", "JSON file of prices by model, for models that the price table does not know")
    .addOption(
      new Option("--layout <layout>", "order of a prompt's parts (default: auto)").choices([...layouts]),
    )
    .addOption(
      new Option("--warm <when>", "let one of the requests that begin alike go ahead (default: off)").choices(
        ["first-token", "off"],
      ),
    )
    .option("--deadline-ms <n>", "longest the run may take, in milliseconds", positiveNumber);
  return addSimulationFlags(limited)
    .option("--otlp <url>", "send traces to an OpenTelemetry collector, for example http://localhost:4318")
    .option("--debug", "show stack traces");
}

/** Adds the flags that simulate a model's pace. */
export function addSimulationFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--simulate <profile>", "stream every reply at a measured model's pace").choices(
        Object.keys(latencyProfiles),
      ),
    )
    .option("--seed <n>", "chooses the simulated latencies (default: 1)", anyNumber)
    .option("--speed <x>", "divides simulated time (default: 1)", positiveNumber);
}

/** The flag that asks for a page. */
export interface WebFlags {
  readonly web?: boolean | number;
}

/** The port that the flag names, 0 for any that is free; `null` where no page is asked for. */
export function webPort({ web }: WebFlags): number | null {
  if (web === undefined || web === false) return null;
  return web === true ? 0 : web;
}

/** Adds the flag for the page that shows what happens while it happens. */
export function addWebFlag(command: Command): Command {
  return command.option(
    "--web [port]",
    "show it on a page of this computer while it happens, until Ctrl-C",
    portNumber,
  );
}

/** The library's options for the flags. */
export function optionsFromFlags(flags: RunFlags): RunDagOptions {
  const limits = {
    ...(flags.maxConcurrency !== undefined && { maxConcurrency: flags.maxConcurrency }),
    ...(flags.requestsPerMinute !== undefined && { requestsPerMinute: flags.requestsPerMinute }),
    ...(flags.tokensPerMinute !== undefined && { tokensPerMinute: flags.tokensPerMinute }),
    ...(flags.maxCost !== undefined && { maxCostUsd: flags.maxCost }),
    ...(flags.maxTokens !== undefined && { maxTokens: flags.maxTokens }),
    ...(flags.maxCalls !== undefined && { maxModelCalls: flags.maxCalls }),
  };
  const { seed, speed } = flags;
  const pace = { ...(seed !== undefined && { seed }), ...(speed !== undefined && { speed }) };
  if (flags.simulate === undefined && Object.keys(pace).length > 0) {
    throw new UsageError("--seed and --speed belong to --simulate: name a profile with it.");
  }
  const use = [
    ...(flags.tracing === undefined ? [] : [flags.tracing]),
    ...(flags.simulate === undefined ? [] : [simulateLatency(flags.simulate, pace)]),
  ];
  return {
    ...(use.length > 0 && { use }),
    ...(keepsTexts(flags) && { texts: true }),
    ...(flags.model !== undefined && { model: flags.model }),
    ...(flags.layout !== undefined && { layout: flags.layout }),
    ...(flags.warm !== undefined && { warm: flags.warm }),
    ...(flags.goal !== undefined && { planner: { goal: flags.goal } }),
    ...(flags.deadlineMs !== undefined && { policy: { deadlineMs: flags.deadlineMs } }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(flags.prices !== undefined && { prices: pricesFrom(flags.prices) }),
  };
}

/** How reports are made by the flags. */
export function reportOptionsFrom({
  texts = true,
  prices,
}: Pick<RunFlags, "texts" | "prices">): Pick<ReportOptions, "texts" | "prices"> {
  return { texts, ...(prices !== undefined && { prices: pricesFrom(prices) }) };
}

/** Prices from a file. @throws UsageError that says what is wrong with it. */
export function pricesFrom(file: string): Prices {
  try {
    return loadPrices(file);
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

/** Whether a run keeps prompts and answers: where it is told to, and where it will be looked at. */
function keepsTexts(flags: RunFlags & WebFlags): boolean {
  return flags.texts ?? (flags.report !== undefined || flags.web !== undefined);
}

/** Parses a number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError(`It is ${text}; a number above 0 is expected.`);
}

/** Parses 0 or a number above it. */
export function waitingTime(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError(`It is ${text}; milliseconds are expected, 0 for none.`);
}

/** Parses any number. */
function anyNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new InvalidArgumentError(`It is ${text}; a number is expected.`);
}

/** Parses a port: an integer from 1 to 65535. */
export function portNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
  throw new InvalidArgumentError(`It is ${text}; a port from 1 to 65535 is expected.`);
}

/** Parses an integer of at least 1. */
export function positiveInteger(text: string): number {
  const value = positiveNumber(text);
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError(`It is ${text}; an integer of at least 1 is expected.`);
}
