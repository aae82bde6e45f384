import { diffWordsWithSpace, structuredPatch } from "diff";
import { DagError } from "../errors.js";
import { assertParts } from "../records/read-record.js";
import type { RunRecord, Usage } from "../records/record.js";
import { renderGraphView } from "./graph-view.js";
import { outputsOf } from "./outputs-view.js";
import { type ComparedRuns, snapshotSubject } from "./snapshot-subject.js";
import { renderTrajectoryView } from "./trajectory-view.js";
import { yamlText } from "./yaml-text.js";

/** One difference: a part of the records, and the change as text. */
export interface RecordChange {
  /** The topology, and the run where there are several; `null` for what they share. */
  readonly run: string | null;
  /** Where the difference is: the graph, who ran, the outputs, or times and tokens. */
  readonly part: "input" | "graph" | "trajectory" | "outputs" | "usage" | "runs" | "agreement" | "times";
  /** What differs, as text. */
  readonly text: string;
}

/** What differs between two records, or between two comparisons. */
export interface RecordDiff {
  /** What differs, one entry a part. */
  readonly changes: readonly RecordChange[];
  /** Whether anything but times differs. */
  readonly changed: boolean;
}

/**
 * Compares two records, or two comparisons run by run: graph, trajectory, outputs, tokens, cost and times.
 * @throws DagError `DIFF_IMPOSSIBLE` when they are not both records or both comparisons; `VERSION_UNSUPPORTED`.
 */
export function diffRecords(before: unknown, after: unknown): RecordDiff {
  const [old, now] = [snapshotSubject(before), snapshotSubject(after)];
  let changes: RecordChange[];
  if (old?.kind === "record" && now?.kind === "record") {
    changes = [...sharedChanges(old.record, now.record), ...runChanges(old.record, now.record, null)];
  } else if (old?.kind === "comparison" && now?.kind === "comparison") {
    changes = comparisonChanges(old.comparison, now.comparison);
  } else {
    const kinds = [old, now].map((one) => one?.kind ?? "neither a record nor a comparison").join(" and ");
    throw new DagError("DIFF_IMPOSSIBLE", `These cannot be compared: ${kinds}.`, {
      hint: "Give two records (`agent-dag run --json`), or two comparisons (`agent-dag compare --json`).",
    });
  }
  return { changes, changed: changes.some((change) => change.part !== "times") };
}

/** A diff as text: `-` and `[-…-]` were, `+` and `{+…+}` are. */
export function renderRecordDiff(diff: RecordDiff): string {
  assertParts(diff, "diff of two records", { changes: "list" });
  const { changes, changed } = diff;
  if (changes.length === 0) return "No differences.";
  const sections = changes.map(
    ({ run, part, text }) => `${run === null ? part : `${part} of ${run}`}\n${text.replace(/^/gm, "  ")}`,
  );
  return [...sections, changed ? "Something changed besides times." : "Only times differ."].join("\n\n");
}

function comparisonChanges(old: ComparedRuns, now: ComparedRuns): RecordChange[] {
  const [oldNames, nowNames] = [old, now].map((one) => one.topologies.map(({ topology }) => topology));
  const names = [...new Set([...(oldNames ?? []), ...(nowNames ?? [])])];
  const runs = names.flatMap((name) => {
    const [a, b] = [old, now].map((one) => one.topologies.find(({ topology }) => topology === name)?.runs);
    if (a === undefined || b === undefined || a.length !== b.length) {
      const text = `- ${a === undefined ? "not compared" : `${a.length} runs`}\n+ ${b === undefined ? "not compared" : `${b.length} runs`}`;
      return [{ run: name, part: "runs" as const, text }];
    }
    return a.flatMap((run, i) => {
      const other = b[i];
      const title = a.length === 1 ? name : `${name}, run ${i + 1}`;
      return other === undefined ? [] : runChanges(run, other, title);
    });
  });
  const [first, second] = [old, now].map((one) => one.topologies[0]?.runs[0]);
  return [
    ...(first === undefined || second === undefined ? [] : sharedChanges(first, second)),
    ...runs,
    ...lineChange("agreement", null, yamlText(old.agreement), yamlText(now.agreement)),
  ];
}

/** What the runs of a comparison share: the input and the declaration. */
function sharedChanges(old: RunRecord, now: RunRecord): RecordChange[] {
  return [
    ...lineChange("input", null, yamlText(old.input), yamlText(now.input)),
    ...lineChange("graph", null, renderGraphView(old.dag), renderGraphView(now.dag)),
  ];
}

function runChanges(old: RunRecord, now: RunRecord, run: string | null): RecordChange[] {
  return [
    ...lineChange("trajectory", run, renderTrajectoryView(old), renderTrajectoryView(now)),
    ...outputChanges(old, now, run),
    ...linesChange("usage", run, usageLines(old.usage, now.usage)),
    ...linesChange("times", run, [
      numberLine("took", old.durationMs, now.durationMs, (value) => `${Math.round(value)} ms`),
      numberLine(
        "critical path",
        old.criticalPathMs,
        now.criticalPathMs,
        (value) => `${Math.round(value)} ms`,
      ),
    ]),
  ];
}

function outputChanges(old: RunRecord, now: RunRecord, run: string | null): RecordChange[] {
  const [before, after] = [outputsOf(old), outputsOf(now)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return linesChange(
    "outputs",
    run,
    names.map((name) => {
      const [a, b] = [before, after].map((values) => (name in values ? shownValue(values[name]) : ""));
      return a === b ? null : `${name}:\n${wordDiff(a ?? "", b ?? "").replace(/^/gm, "  ")}`;
    }),
  );
}

/** A value as it is compared: text and everything else apart, as in {@link yamlText}. */
function shownValue(value: unknown): string {
  return yamlText(value).trimEnd();
}

function wordDiff(before: string, after: string): string {
  return diffWordsWithSpace(before, after)
    .map(({ value, added, removed }) => (added ? `{+${value}+}` : removed ? `[-${value}-]` : value))
    .join("");
}

function usageLines(old: Usage, now: Usage): (string | null)[] {
  return [
    numberLine("model calls", old.modelCalls, now.modelCalls, String),
    numberLine("input tokens", old.inputTokens, now.inputTokens, String),
    numberLine("output tokens", old.outputTokens, now.outputTokens, String),
    numberLine("cost", old.costUsd, now.costUsd, (usd) => `$${Number(usd.toPrecision(6))}`),
  ];
}

function numberLine(
  name: string,
  old: number | null,
  now: number | null,
  shown: (value: number) => string,
): string | null {
  const text = (value: number | null) => (value === null ? "unknown" : shown(value));
  return text(old) === text(now) ? null : `${name}: ${text(old)} → ${text(now)}`;
}

function linesChange(
  part: RecordChange["part"],
  run: string | null,
  lines: (string | null)[],
): RecordChange[] {
  const found = lines.filter((line) => line !== null);
  return found.length === 0 ? [] : [{ part, run, text: found.join("\n") }];
}

function lineChange(
  part: RecordChange["part"],
  run: string | null,
  old: string,
  now: string,
): RecordChange[] {
  if (old === now) return [];
  const { hunks } = structuredPatch("", "", `${old}\n`, `${now}\n`, "", "", { context: 2 });
  return [{ part, run, text: hunks.map((hunk) => hunk.lines.join("\n")).join("\n…\n") }];
}
