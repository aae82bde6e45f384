import { type Topology, topologyNames } from "../../graphs/topology.js";
import { DagError } from "../errors.js";
import type { LimiterOptions } from "../limits/admission.js";
import { validateLimits } from "../limits/limit-rules.js";
import { loadTokenCounter, type TokenCounter } from "../models/usage.js";
import { loadPriceTable, type Prices, type PriceTable } from "../records/price.js";
import { assertRecord } from "../records/read-record.js";
import type { RunRecord } from "../records/record.js";
import { assertOptions, isList, showValue } from "../spec/issue.js";
import { adviceOf } from "./advice.js";
import { agreementOf } from "./agreement.js";
import type { Comparison } from "./compare.js";
import { figuresOf } from "./figures.js";
import { type Guesses, guessesFrom } from "./guessed-call.js";
import { plannerPrompts } from "./planner-prompts.js";
import { plannerSteps } from "./planner-steps.js";
import { type Grounds, predictedRun, writtenOutput } from "./predicted-run.js";
import { variantList } from "./variant.js";
import { plansOf, type WorkPlan } from "./work-plan.js";

/** What would have been otherwise. What is left out is as it was. */
export interface PredictVariant {
  /** @default the record's */
  readonly topology?: Topology;
  /** Model of every request, `provider:name`. Its pace is that of a known latency profile, its price the table's. */
  readonly model?: string;
  /** @default none */
  readonly limits?: LimiterOptions;
  /** Whether requests that begin alike wait for the first of them. @default "off" */
  readonly warm?: "first-token" | "off";
  /** Stands for the variant in the prediction. @default what it changes */
  readonly label?: string;
}

/** Several variants that differ in their topology, or that are named one by one. */
export type PredictVariants =
  | readonly (Topology | PredictVariant)[]
  | (Omit<PredictVariant, "topology" | "label"> & {
      /** @default every topology */
      readonly topologies?: readonly Topology[];
      /** Prices of models that the table does not know. */
      readonly prices?: Prices;
    });

/** A comparison of runs that were not made: each has one record, whose times are predicted. */
export interface Prediction extends Comparison {
  /** Marks a prediction: nothing of it was run. */
  readonly predicted: {
    /** Id of the record that it was predicted from. */
    readonly from: string;
    readonly topology: string;
    /** By variant: what the record does not tell and was estimated, as sentences. */
    readonly estimates: Readonly<Record<string, readonly string[]>>;
  };
}

/**
 * What a run would have taken and cost in other topologies, with other models, under other limits: a simulation of what the
 * scheduler does, from one record. Nothing is asked of a model. Values stay those of the record.
 * @throws DagError `RECORD_INVALID`, `TOPOLOGY_UNKNOWN`, `VARIANT_INVALID`.
 */
export async function predict(record: RunRecord, variants: PredictVariants = {}): Promise<Prediction> {
  assertRecord(record, "The record");
  if (!isList(variants)) assertOptions("predict", variants);
  const prices = await loadPriceTable("prices" in variants ? variants.prices : {});
  const count = await loadTokenCounter();
  const asked = labelled(readVariants(variants));
  const estimates: Record<string, readonly string[]> = {};
  const figures = asked.map((variant) => {
    const notes = new Set<string>();
    const run = predictRun(record, variant, prices, count, notes);
    estimates[variant.label] = [...notes];
    return figuresOf(variant.label, [run]);
  });
  const agreement = figures.map(({ topology, runs }) => agreementOf(topology, runs, figures[0]?.runs ?? []));
  return {
    version: 1,
    dag: record.dag,
    input: record.input,
    topologies: figures,
    agreement,
    advice: adviceOf(figures, agreement),
    predicted: { from: record.id, topology: record.topology, estimates },
  };
}

function readVariants(variants: PredictVariants): PredictVariant[] {
  const list: readonly (string | PredictVariant)[] = isList(variants)
    ? variantList("predict", "variants", variants)
    : variantList("predict", "topologies", variants.topologies ?? topologyNames).map((topology) => {
        const { topologies: _topologies, prices: _prices, ...common } = variants;
        return { ...common, topology };
      });
  if (list.length === 0) {
    throw new DagError("VARIANT_INVALID", "There is nothing to predict.", {
      hint: "Name at least one topology or variant.",
    });
  }
  return list.map((one) => {
    const variant = typeof one === "string" ? { topology: one as Topology } : one;
    const { topology, limits } = variant;
    if (topology !== undefined && !topologyNames.includes(topology)) {
      throw new DagError("TOPOLOGY_UNKNOWN", `There is no topology ${showValue(topology)}.`, {
        hint: `Choose one of: ${topologyNames.join(", ")}.`,
      });
    }
    const [issue] = validateLimits(limits, "limits");
    if (issue !== undefined)
      throw new DagError("VARIANT_INVALID", `${issue.path}: ${issue.message}`, { hint: issue.hint });
    return variant;
  });
}

/** Labels that tell the variants apart: the topology, and behind it what else differs. */
function labelled(variants: readonly PredictVariant[]): (PredictVariant & { readonly label: string })[] {
  const taken = new Map<string, number>();
  return variants.map((variant) => {
    const { topology = "as recorded", model, limits = {}, warm } = variant;
    const alone = variants.filter((other) => other.topology === variant.topology).length === 1;
    const also = alone
      ? []
      : [
          ...(model === undefined ? [] : [model]),
          ...Object.entries(limits).flatMap(([name, value]) =>
            typeof value === "number" ? [`${name}=${value}`] : [],
          ),
          ...(warm === undefined ? [] : [`warm=${warm}`]),
        ];
    const label = variant.label ?? [topology, ...also].join(" ");
    const times = (taken.get(label) ?? 0) + 1;
    taken.set(label, times);
    return { ...variant, label: times === 1 ? label : `${label} (${times})` };
  });
}

/** The record of a run that was not made. */
function predictRun(
  record: RunRecord,
  { topology = record.topology as Topology, ...otherwise }: PredictVariant,
  prices: PriceTable,
  count: TokenCounter,
  notes: Set<string>,
): RunRecord {
  return predictedRun(record, groundsFor(record, topology, count, notes), otherwise, prices, notes);
}

/**
 * What the nodes would do in a topology, and what its planner would ask.
 * @param own What the nodes did. Plans that stay are the same objects.
 */
export function groundsFor(
  record: RunRecord,
  topology: Topology,
  count: TokenCounter,
  notes: Set<string>,
  own: Readonly<Record<string, WorkPlan>> = plansOf(record),
): Grounds {
  const guess = guessesFrom(record, notes);
  const plans = withGuessedPlans(record, topology, own, guess, count);
  const isPlanned = topology === "planned" || topology === "planned-dag";
  return { topology, plans, planner: isPlanned ? plannerSteps(record, topology, plans, guess, count) : null };
}

/** Plans for what the record's planner did not run, or wrote itself, where no planner decides. */
function withGuessedPlans(
  record: RunRecord,
  topology: Topology,
  plans: Readonly<Record<string, WorkPlan>>,
  guess: Guesses,
  count: TokenCounter,
): Readonly<Record<string, WorkPlan>> {
  const wasPlanned = record.topology.startsWith("planned");
  const written = writtenOutput(record);
  if (!wasPlanned || topology.startsWith("planned")) {
    if (written !== null && topology.startsWith("planned")) {
      const { [written]: _written, ...others } = plans;
      return others;
    }
    return plans;
  }
  const prompts = plannerPrompts(record, count);
  const answers = record.calls.filter(
    ({ node }) => node === (record.topology === "planned" ? "$planner" : "$joiner"),
  );
  return Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => {
      const isWritten = name === written;
      const notCalled = "reason" in plan.outcome && plan.outcome.reason.code === "not-called";
      if (!isWritten && !notCalled) return [name, plan];
      if (record.dag.nodes[name]?.kind !== "agent") return [name, plan];
      const like = isWritten ? answers.slice(-1) : [];
      const why = isWritten
        ? `"${name}", which the planner wrote itself, takes what its answer took`
        : `"${name}", which the planner did not call, takes what the others took`;
      const call = guess.call({ node: name, like }, { inputTokens: prompts.agent(name) }, why);
      return [
        name,
        { kind: "steps", outcome: plan.outcome, steps: [{ kind: "calls", calls: [{ afterMs: 0, call }] }] },
      ];
    }),
  );
}
