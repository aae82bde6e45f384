import { type Topology, topologyNames } from "../../graphs/topology.js";
import type { PlannerOptions } from "../../nodes/planner/planner-options.js";
import { DagError } from "../errors.js";
import { didYouMean } from "../spec/did-you-mean.js";
import { assertArgument, isList, isObject, showValue } from "../spec/issue.js";

/** A topology to compare, with planner options of its own. */
export interface Variant {
  /** How the spec is wired. */
  readonly topology: Topology;
  /** Planner options of this variant alone. @default the comparison's own */
  readonly planner?: PlannerOptions;
}

/** A topology in `compare`: its name, a name with planner options (`planned?toolInput=argument`), or an object. */
export type VariantLike = string | (Variant & { readonly label?: string });

/** A variant under the label that stands for it in a comparison. */
export interface LabelledVariant extends Variant {
  readonly label: string;
}

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  goal: (text) => text,
  model: (text) => text,
  maxIterations: Number,
  maxReplans: Number,
  parallelToolCalls: (text) => (text === "true" ? true : text === "false" ? false : text),
  toolInput: (text) => text,
  fallback: (text) => text,
};

/**
 * Reads a variant: `planned?parallelToolCalls=false&toolInput=argument`.
 * @throws DagError `TOPOLOGY_UNKNOWN`, `VARIANT_INVALID`.
 */
export function readVariant(variant: VariantLike): LabelledVariant {
  if (typeof variant !== "string") {
    const { topology, planner, label } = variant;
    return {
      topology: assertTopology(topology),
      ...(planner !== undefined && { planner }),
      label: label ?? labelOf(topology, planner),
    };
  }
  const [name = "", query, ...rest] = variant.trim().split("?");
  const topology = assertTopology(name);
  if (rest.length > 0) throw invalid(variant, "It has more than one question mark.");
  if (query === undefined) return { topology, label: variant.trim() };
  const planner: Record<string, unknown> = {};
  for (const [key, text] of new URLSearchParams(query)) {
    const read = Object.hasOwn(readers, key) ? readers[key] : undefined;
    if (read === undefined) {
      throw invalid(variant, `"${key}" is not a planner option. ${didYouMean(key, Object.keys(readers))}`);
    }
    planner[key] = read(text);
  }
  return { topology, planner: planner as PlannerOptions, label: variant.trim() };
}

/**
 * What is to be compared, where it is a list of names and objects.
 * @throws DagValidationError where it is not.
 */
export function variantList<V>(called: string, name: string, given: readonly V[]): readonly V[] {
  const fits = isList(given) && given.every((one) => typeof one === "string" || isObject(one));
  assertArgument(called, fits, [name, given, "a list of topologies and variants"]);
  return given;
}

function labelOf(topology: string, planner: PlannerOptions | undefined): string {
  const options = Object.entries(planner ?? {}).flatMap(([key, value]) =>
    typeof value === "object" ? [] : [`${key}=${String(value)}`],
  );
  return options.length === 0 ? topology : `${topology}?${options.join("&")}`;
}

function assertTopology(name: string): Topology {
  const topology = topologyNames.find((one) => one === name);
  if (topology !== undefined) return topology;
  throw new DagError("TOPOLOGY_UNKNOWN", `There is no topology ${showValue(name)}.`, {
    hint: `Choose one of: ${topologyNames.join(", ")}.`,
  });
}

function invalid(variant: string, problem: string): DagError {
  return new DagError("VARIANT_INVALID", `"${variant}" cannot be read: ${problem}`, {
    hint: "Write planner options as planned?toolInput=argument&parallelToolCalls=false.",
  });
}
