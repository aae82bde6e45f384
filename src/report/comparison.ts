import type { Comparison } from "../compare/compare.js";
import type { TopologyFigures } from "../compare/figures.js";
import type { Prediction } from "../compare/predict.js";
import { assertParts } from "../records/read-record.js";
import { cleanLine, padEnd, padStart, wrapText } from "./plain-text.js";
import { dollars } from "./run-summary.js";
import { renderTimelines } from "./timeline.js";

/** How a comparison is printed. */
export interface ComparisonOptions {
  /** Columns that no line of the timelines exceeds. @default 80 */
  readonly width?: number;
  /** Whether to paint with ANSI colours. @default false */
  readonly color?: boolean;
  /** Whether to draw the timelines. @default true */
  readonly timelines?: boolean;
}

/** A comparison as a table, how far the outputs agree, the timelines on one axis, and the advice. */
export function renderComparison(comparison: Comparison, options: ComparisonOptions = {}): string {
  assertParts(comparison, "comparison", { dag: "object", topologies: "list", agreement: "list" });
  const { width = 80, color = false, timelines = true } = options;
  const parts = [
    ...tables(comparison),
    ...estimateLines(comparison, width),
    agreementLines(comparison).join("\n"),
    wrapText(cleanLine(`Advice: ${comparison.advice}`), width, 6).join("\n"),
  ];
  if (timelines) {
    // The timeline of a topology is its run nearest to the median.
    const typical = comparison.topologies.flatMap((one) => {
      const [first, ...others] = one.runs;
      if (first === undefined) return [];
      const distance = (run: typeof first) => Math.abs(run.durationMs - one.wallMs.median);
      const run = others.reduce((best, other) => (distance(other) < distance(best) ? other : best), first);
      return [{ ...run, topology: one.topology }];
    });
    parts.push(renderTimelines(typical, { width, color }));
  }
  return `${parts.join("\n\n")}\n`;
}

type Column = readonly [title: string, value: (figures: TopologyFigures) => string];

const times: readonly Column[] = [
  ["wall s", ({ wallMs }) => seconds(wallMs.median)],
  ["min", ({ wallMs }) => seconds(wallMs.min)],
  ["max", ({ wallMs }) => seconds(wallMs.max)],
  ["critical s", ({ criticalPathMs }) => seconds(criticalPathMs)],
  ["wall/critical", ({ wallOverCriticalPath: ratio }) => (ratio === null ? "–" : ratio.toFixed(2))],
];

const costs: readonly Column[] = [
  ["calls", ({ modelCalls }) => whole(modelCalls)],
  ["tokens in", ({ inputTokens }) => whole(inputTokens)],
  ["out", ({ outputTokens }) => whole(outputTokens)],
  ["cost", ({ costUsd }) => (costUsd === null ? "unknown" : dollars(costUsd))],
  ["run", ({ nodesRun }) => whole(nodesRun)],
  ["skipped", ({ nodesSkipped }) => whole(nodesSkipped)],
  ["failed", ({ failures }) => whole(failures)],
];

/** What a prediction had to estimate, one line each. */
function estimateLines(comparison: Comparison, width: number): string[] {
  if (!isPrediction(comparison)) return [];
  const lines = Object.entries(comparison.predicted.estimates).flatMap(([variant, notes]) =>
    notes.map((note) => wrapText(cleanLine(`Estimated for ${variant}: ${note}.`), width, 2).join("\n")),
  );
  return lines.length === 0 ? [] : [lines.join("\n")];
}

const isPrediction = (comparison: Comparison): comparison is Prediction => "predicted" in comparison;

function tables(comparison: Comparison): string[] {
  const { topologies } = comparison;
  const runs = topologies[0]?.runs.length ?? 0;
  const simulated = topologies.flatMap((one) => one.runs).find((run) => run.simulated !== null)?.simulated;
  const notes = isPrediction(comparison)
    ? [`predicted from one run in ${cleanLine(comparison.predicted.topology)}; no model was asked`]
    : [runs === 1 ? "1 run each" : `medians of ${runs} runs each, interleaved`];
  if (simulated != null) {
    notes.push(`latency simulated: ${simulated.profile}, seed ${simulated.seed}, speed ${simulated.speed}`);
  }
  return [notes.join("; "), table(topologies, times), table(topologies, costs)];
}

function table(topologies: readonly TopologyFigures[], columns: readonly Column[]): string {
  const names = ["topology", ...topologies.map(({ topology }) => cleanLine(topology))];
  const nameWidth = Math.max(...names.map((name) => name.length));
  const cells = columns.map(([title, value]) => [title, ...topologies.map(value)]);
  const widths = cells.map((column) => Math.max(...column.map((cell) => cell.length)));
  return names
    .map((name, row) =>
      [
        padEnd(name, nameWidth),
        ...cells.map((column, i) => padStart(column[row] ?? "", widths[i] ?? 0)),
      ].join("  "),
    )
    .join("\n");
}

/** Whether a topology agrees with the first one only because neither has an output: each failed, or waits for an answer. */
export function agreesOnNothing({ topologies }: Comparison, topology: string): boolean {
  const [first] = topologies;
  const other = topologies.find((one) => one.topology === topology);
  return [first, other].every((one) => one?.runs.every(({ output }) => output === null) ?? false);
}

function agreementLines(comparison: Comparison): string[] {
  const [first, ...others] = comparison.agreement;
  if (first === undefined || others.length === 0) return [];
  return others.map(({ topology, exact, fields, similarity }) => {
    if (agreesOnNothing(comparison, topology))
      return cleanLine(`Output of ${topology} against ${first.topology}: neither has one`);
    const parts = [`equal in ${percent(exact)} of the runs`, `text similarity ${similarity.toFixed(2)}`];
    for (const [name, share] of Object.entries(fields ?? {})) parts.push(`${name} ${percent(share)}`);
    return cleanLine(`Output of ${topology} against ${first.topology}: ${parts.join(", ")}`);
  });
}

const seconds = (ms: number) => (ms / 1000).toFixed(ms < 10_000 ? 3 : 2);
const whole = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(1));
const percent = (share: number) => `${Math.round(share * 100)} %`;
