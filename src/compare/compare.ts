import { DagError } from "../errors.js";
import { drawnAnew, type LatencyMiddleware } from "../models/simulate-latency.js";
import type { DagProjection } from "../records/events.js";
import { projectDag } from "../records/projection.js";
import type { RunRecord } from "../records/record.js";
import { type RunDagOptions, run } from "../run/run.js";
import type { DagSpec } from "../spec/shape.js";
import type { InputOf, OptionsFor } from "../spec/values.js";
import { adviceOf } from "./advice.js";
import { type Agreement, agreementOf } from "./agreement.js";
import { figuresOf, type TopologyFigures } from "./figures.js";
import { type LabelledVariant, readVariant, type VariantLike } from "./variant.js";

/** The chosen topologies on the same input, side by side: JSON, with every run's record. */
export interface Comparison {
  /** Version of the form. */
  readonly version: 1;
  /** The spec, as its records show it. */
  readonly dag: DagProjection;
  /** What every run was given. */
  readonly input: unknown;
  /** In the order asked for. */
  readonly topologies: readonly TopologyFigures[];
  /** Of each topology with the first one. */
  readonly agreement: readonly Agreement[];
  /** One sentence: which topology suits, and why. */
  readonly advice: string;
}

/** What `compare` takes: `run`'s options, but `topologies` for `topology`, and no `reuse`. */
export interface CompareOptions extends Omit<RunDagOptions, "topology" | "reuse"> {
  /** What is compared. @default ["sequential", "deterministic", "planned", "planned-dag"] */
  readonly topologies?: readonly VariantLike[];
  /** Runs of each topology, interleaved; an integer from 1 to 1000. @default 1 */
  readonly repeat?: number;
  /** Told of each run before it begins. */
  readonly onRun?: (run: { readonly topology: string; readonly repeat: number }) => void;
}

const defaultTopologies: readonly VariantLike[] = ["sequential", "deterministic", "planned", "planned-dag"];

/**
 * Runs a spec on one input in several topologies, one run after another, and relates the records. Simulated latencies
 * are drawn anew in each repeat, and alike in every topology; runs of one round that only wait on simulated latency go
 * side by side.
 * @throws DagError `TOPOLOGY_UNKNOWN`, `VARIANT_INVALID`, `REPEAT_INVALID`, and what `run` throws.
 */
export async function compare<D extends DagSpec>(
  spec: D,
  input: NoInfer<InputOf<D>>,
  ...[given]: OptionsFor<CompareOptions, D>
): Promise<Comparison> {
  const { topologies = defaultTopologies, repeat = 1, onRun, ...options }: CompareOptions = given ?? {};
  if (!Number.isInteger(repeat) || repeat < 1 || repeat > 1000) {
    throw new DagError("REPEAT_INVALID", `A repeat of ${repeat} cannot be used.`, {
      hint: "Choose an integer from 1 to 1000.",
    });
  }
  const variants = topologies.map(readVariant);
  if (variants.length === 0) {
    throw new DagError("VARIANT_INVALID", "There is no topology to compare.", { hint: "Name at least one." });
  }
  const runs = variants.map((): RunRecord[] => []);
  for (let round = 0; round < repeat && options.signal?.aborted !== true; round++) {
    const begin = async (variant: LabelledVariant, i: number) => {
      onRun?.({ topology: variant.label, repeat: round });
      runs[i]?.push(await run<DagSpec>(spec, input, optionsFor(variant, round, options)));
    };
    if (isSimulated(options)) await Promise.all(variants.map(begin));
    else for (const [i, variant] of variants.entries()) await begin(variant, i);
  }
  return relate(spec, input, variants, runs);
}

function relate(
  spec: DagSpec,
  input: unknown,
  variants: readonly LabelledVariant[],
  runs: readonly (readonly RunRecord[])[],
): Comparison {
  const figures = variants.map(({ label }, i) => figuresOf(label, runs[i] ?? []));
  const agreement = figures.map(({ topology, runs: own }) => agreementOf(topology, own, runs[0] ?? []));
  return {
    version: 1,
    dag: projectDag(spec),
    input,
    topologies: figures,
    agreement,
    advice: adviceOf(figures, agreement),
  };
}

function optionsFor({ topology, planner, label }: LabelledVariant, round: number, options: RunDagOptions) {
  const own = { ...options.planner, ...planner };
  return {
    ...options,
    topology,
    ...(Object.keys(own).length > 0 && { planner: own }),
    ...(options.use !== undefined && { use: options.use.map((one) => drawnAnew(one, round)) }),
    ...(options.thread !== undefined && { thread: `${options.thread}/${label}/${round}` }),
  };
}

/** Whether latency is simulated at a real model's pace: such runs wait on timers, and do not take each other's time. */
function isSimulated({ use = [], limits }: RunDagOptions): boolean {
  const latency = use.find((one): one is LatencyMiddleware => "withSeed" in one);
  return latency !== undefined && latency.simulated.speed <= 2 && limits === undefined;
}
