import type { Comparison } from "../compare/compare.js";
import { DagError } from "../errors.js";
import type { RunRecord } from "../records/record.js";

/** What a report can be made of. */
export type ReportInput = RunRecord | Comparison;

/** A record or a comparison that was checked. */
export type CheckedInput =
  | { readonly kind: "record"; readonly record: RunRecord }
  | { readonly kind: "comparison"; readonly comparison: Comparison };

const supportedVersion = 1;
const deepestGraph = 20;

/**
 * Tells what a value is and checks all that a report relies on, so that a truncated or foreign file is refused in one
 * sentence.
 * @throws DagError `REPORT_INPUT_INVALID`, `VERSION_UNSUPPORTED`.
 */
export function readReportInput(value: unknown, what = "The value"): CheckedInput {
  if (!isObject(value)) throw invalid(what, "it is no object");
  const { version } = value;
  if (typeof version !== "number") throw invalid(what, "it has no version");
  if (version !== supportedVersion) {
    throw new DagError(
      "VERSION_UNSUPPORTED",
      `${what} has version ${version}; this release reads version ${supportedVersion}.`,
      { facts: { version, supportedVersion }, hint: "Update agent-dag, or make the record again." },
    );
  }
  if (Array.isArray(value.topologies)) {
    checkGraph(value.dag, `${what}: \`dag\``, 0);
    value.topologies.forEach((one: unknown, index) => {
      const place = `${what}: \`topologies[${index}]\``;
      if (!isObject(one)) throw invalid(place, "it is no object");
      if (!isObject(one.wallMs)) throw invalid(place, "`wallMs` is missing");
      if (!Array.isArray(one.runs)) throw invalid(place, "`runs` is no list");
      one.runs.forEach((run: unknown, at) => void checkRecord(run, `${place}, run ${at + 1}`));
    });
    return { kind: "comparison", comparison: value as unknown as Comparison };
  }
  return { kind: "record", record: checkRecord(value, what) };
}

function checkRecord(value: unknown, what: string): RunRecord {
  if (!isObject(value)) throw invalid(what, "it is no object");
  checkGraph(value.dag, `${what}: \`dag\``, 0);
  if (!isObject(value.outcomes)) throw invalid(what, "`outcomes` is missing");
  checkOutcomes(value.outcomes, what, "", 0);
  for (const field of ["calls", "events"]) {
    const all = value[field];
    if (!Array.isArray(all)) throw invalid(what, `\`${field}\` is no list`);
    const at = all.findIndex((one) => !isObject(one));
    if (at >= 0) throw invalid(what, `\`${field}[${at}]\` is no object`);
  }
  const calls = value.calls as Record<string, unknown>[];
  const bad = calls.findIndex(
    ({ node, startedAtMs }) => typeof node !== "string" || typeof startedAtMs !== "number",
  );
  if (bad >= 0) throw invalid(what, `\`calls[${bad}]\` has no node or no start`);
  return value as unknown as RunRecord;
}

/** Outcomes by name, with the items, calls, rounds and inner outcomes that each holds. */
function checkOutcomes(outcomes: object, what: string, at: string, depth: number): void {
  if (depth > deepestGraph) throw invalid(what, `outcomes are nested deeper than ${deepestGraph}`);
  for (const [name, outcome] of Object.entries(outcomes)) {
    const place = `the outcome of ${JSON.stringify(`${at}${name}`)}`;
    if (!isObject(outcome) || typeof outcome.state !== "string") throw invalid(what, `${place} has no state`);
    const told = outcome.state === "completed" || isObject(outcome.error) || isObject(outcome.reason);
    if (!told) throw invalid(what, `${place} has neither an error nor a reason`);
    const within = `${at}${name}/`;
    for (const field of ["items", "invocations", "rounds"]) {
      const list = outcome[field];
      if (list === undefined) continue;
      if (!Array.isArray(list)) throw invalid(what, `\`${field}\` in ${place} is no list`);
      if (field !== "rounds") checkOutcomes(list, what, within, depth + 1);
      else
        for (const [i, round] of list.entries()) {
          if (!isObject(round)) throw invalid(what, `\`rounds[${i}]\` in ${place} is no object`);
          checkOutcomes(round, what, within, depth + 1);
        }
    }
    if (outcome.outcomes === undefined) continue;
    if (!isObject(outcome.outcomes)) throw invalid(what, `\`outcomes\` in ${place} is no object`);
    checkOutcomes(outcome.outcomes, what, within, depth + 1);
  }
}

function checkGraph(value: unknown, what: string, depth: number): void {
  if (!isObject(value) || !isObject(value.nodes)) throw invalid(what, "it has no nodes");
  if (!Array.isArray(value.outputs)) throw invalid(what, "`outputs` is no list");
  if (depth > deepestGraph) throw invalid(what, `graphs are nested deeper than ${deepestGraph}`);
  for (const [name, node] of Object.entries(value.nodes)) {
    const place = `${what}, node ${JSON.stringify(name)}`;
    if (!isObject(node) || !Array.isArray(node.needs)) throw invalid(place, "`needs` is no list");
    if (!node.needs.every((need) => typeof need === "string"))
      throw invalid(place, "`needs` holds other things than names");
    if (node.description !== null && typeof node.description !== "string")
      throw invalid(place, "`description` is no text");
    if (node.dag !== undefined) checkGraph(node.dag, place, depth + 1);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(what: string, why: string): DagError {
  return new DagError("REPORT_INPUT_INVALID", `${what} is no record that can be shown: ${why}.`, {
    hint: "Give what `agent-dag run --json` or `agent-dag compare --json` printed, whole.",
  });
}
