import { DagError } from "../errors.js";
import type { DagProjection } from "../records/events.js";
import { projectDag } from "../records/projection.js";
import type { RunRecord } from "../records/record.js";
import { type DagSpec, kindsStated, type Node } from "../spec/shape.js";

/** The part of a `Comparison` that views and diffs read. */
export interface ComparedRuns {
  readonly version: number;
  readonly dag: DagProjection;
  readonly topologies: readonly { readonly topology: string; readonly runs: readonly RunRecord[] }[];
  readonly agreement?: unknown;
}

/** Something that has views: a spec, a record or a comparison, told by its shape, so that parsed JSON does too. */
export type SnapshotSubject =
  | { readonly kind: "spec"; readonly dag: DagProjection }
  | { readonly kind: "record"; readonly record: RunRecord }
  | { readonly kind: "comparison"; readonly comparison: ComparedRuns };

const supportedVersion = 1;

/**
 * What `value` is, `null` when it is none of them.
 * @throws DagError `VERSION_UNSUPPORTED` for a record or a comparison of a newer version.
 */
export function snapshotSubject(value: unknown): SnapshotSubject | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  if (isRecord(value)) return { kind: "record", record: supported(value, "record") };
  if (isComparison(value)) return { kind: "comparison", comparison: supported(value, "comparison") };
  return isSpec(value) ? { kind: "spec", dag: projectDag(value) } : null;
}

function isRecord(value: object): value is RunRecord {
  return ["version", "dag", "topology", "outcomes", "calls", "events"].every((key) => key in value);
}

function isComparison(value: object): value is ComparedRuns {
  return "version" in value && "dag" in value && "topologies" in value && Array.isArray(value.topologies);
}

function isSpec(value: object): value is DagSpec {
  if (!("name" in value) || typeof value.name !== "string" || !("nodes" in value)) return false;
  const { nodes } = value;
  if (typeof nodes !== "object" || nodes === null || Array.isArray(nodes)) return false;
  const all = Object.values(nodes) as unknown[];
  return all.length > 0 && all.every((node) => isNode(node));
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && kindsStated(value as Node).length === 1;
}

function supported<T extends { readonly version: number }>(value: T, what: string): T {
  if (value.version <= supportedVersion) return value;
  throw new DagError(
    "VERSION_UNSUPPORTED",
    `The ${what} has version ${value.version}; this release reads versions up to ${supportedVersion}.`,
    { facts: { version: value.version, supportedVersion }, hint: "Update agent-dag." },
  );
}
