import { listener } from "../../nodes/engine/instrument.js";
import { DagError } from "../errors.js";
import { drawnAnew, type LatencyMiddleware } from "../models/simulate-latency.js";
import type { DagProjection, RunEvent } from "../records/events.js";
import { projectDag } from "../records/projection.js";
import type { RunRecord } from "../records/record.js";
import { type RunDagOptions, resume, run } from "../run/run.js";
import { fixedSpec } from "../spec/assert-valid.js";
import { assertOptions, showValue } from "../spec/issue.js";
import type { DagSpec } from "../spec/shape.js";
import type { InputOf, OptionsFor } from "../spec/values.js";
import { adviceOf } from "./advice.js";
import { type Agreement, agreementOf } from "./agreement.js";
import { figuresOf, type TopologyFigures } from "./figures.js";
import { type LabelledVariant, readVariant, type VariantLike, variantList } from "./variant.js";

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

/** What `compare` takes: `run`'s options, but `topologies` for `topology`. What is reused is reused in each run. */
export interface CompareOptions extends Omit<RunDagOptions, "topology"> {
  /** What is compared. @default ["sequential", "deterministic", "planned", "planned-dag"] */
  readonly topologies?: readonly VariantLike[];
  /** Runs of each topology, interleaved; an integer from 1 to 1000. @default 1 */
  readonly repeat?: number;
  /** Told of each run before it begins. */
  readonly onRun?: (run: ComparedRun) => void;
  /** Takes the events of each run, beside `onEvent`, with the run that they are of. */
  readonly onRunEvent?: (event: RunEvent, run: ComparedRun) => void;
  /**
   * Asked where a run that a checkpointer keeps waits for a person: gives answers by node, `null` to leave it waiting. The other
   * runs of a round that go side by side go on meanwhile. @default it is left waiting
   */
  readonly answer?: (
    record: RunRecord,
    run: ComparedRun,
  ) => Promise<Readonly<Record<string, unknown>> | null>;
}

/** Which of a comparison's runs. */
export interface ComparedRun {
  /** The topology, or the label of its variant. */
  readonly topology: string;
  /** From 0. */
  readonly repeat: number;
}

const defaultTopologies: readonly VariantLike[] = ["sequential", "deterministic", "planned", "planned-dag"];

/**
 * Runs a spec on one input in several topologies, one run after another, and relates the records. Simulated latencies
 * are drawn anew in each repeat, and alike in every topology; runs of one round that only wait on simulated latency go
 * side by side.
 * @throws DagError `TOPOLOGY_UNKNOWN`, `VARIANT_INVALID`, `REPEAT_INVALID`, and what `run` throws.
 */
export async function compare<D extends DagSpec>(
  declared: D,
  input: NoInfer<InputOf<D>>,
  ...[given]: OptionsFor<CompareOptions, D>
): Promise<Comparison> {
  const spec = fixedSpec(declared);
  if (given !== undefined) assertOptions("compare", given);
  const {
    topologies = defaultTopologies,
    repeat = 1,
    onRun,
    onRunEvent,
    answer,
    ...options
  }: CompareOptions = given ?? {};
  if (!Number.isInteger(repeat) || repeat < 1 || repeat > 1000) {
    throw new DagError("REPEAT_INVALID", `A repeat of ${showValue(repeat)} cannot be used.`, {
      hint: "Choose an integer from 1 to 1000.",
    });
  }
  const variants = variantList("compare", "topologies", topologies).map(readVariant);
  if (variants.length === 0) {
    throw new DagError("VARIANT_INVALID", "There is no topology to compare.", { hint: "Name at least one." });
  }
  const runs = variants.map((): RunRecord[] => []);
  for (let round = 0; round < repeat && options.signal?.aborted !== true; round++) {
    const begin = async (variant: LabelledVariant, i: number) => {
      const which = { topology: variant.label, repeat: round };
      onRun?.(which);
      const own = optionsFor(variant, round, options);
      if (onRunEvent !== undefined)
        own.use = [...(own.use ?? []), listener((event) => onRunEvent(event, which))];
      let record: RunRecord = await run<DagSpec>(spec, input, own);
      const { checkpointer, thread } = own;
      while (record.state === "interrupted" && answer !== undefined && checkpointer && thread !== undefined) {
        const given = await answer(record, which);
        if (given === null) break;
        record = await resume<DagSpec>(spec, { ...own, checkpointer, thread, answer: given });
      }
      runs[i]?.push(record);
    };
    if (isSimulated(options)) await Promise.all(variants.map(begin));
    else for (const [i, variant] of variants.entries()) await begin(variant, i);
  }
  return relate(
    projectDag(spec),
    input,
    variants.map(({ label }, i) => ({ topology: label, runs: runs[i] ?? [] })),
  );
}

/** Records of one spec on one input, by topology, as a comparison. */
export function relate(
  dag: DagProjection,
  input: unknown,
  runs: readonly { readonly topology: string; readonly runs: readonly RunRecord[] }[],
): Comparison {
  const figures = runs.map(({ topology, runs: own }) => figuresOf(topology, own));
  const agreement = figures.map(({ topology, runs: own }) => agreementOf(topology, own, runs[0]?.runs ?? []));
  return {
    version: 1,
    dag,
    input,
    topologies: figures,
    agreement,
    advice: adviceOf(figures, agreement),
  };
}

function optionsFor(
  { topology, planner, label }: LabelledVariant,
  round: number,
  options: RunDagOptions,
): { -readonly [name in keyof RunDagOptions]: RunDagOptions[name] } {
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
