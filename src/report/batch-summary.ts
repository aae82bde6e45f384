import type { BatchSummary, NodeFigures } from "../batch/summary.js";
import { assertParts } from "../records/read-record.js";
import { cleanLine, counted, padEnd, padStart, seconds, wrapText } from "./plain-text.js";
import { dollars } from "./run-summary.js";

/** What a batch came to, as text: its rows by state, time and cost, errors by code, and a table by node. */
export function renderBatch(summary: BatchSummary, { width = 80 }: { readonly width?: number } = {}): string {
  assertParts(summary, "summary of a batch", { nodes: "object", usage: "object", rows: "object" });
  const parts = [headOf(summary), tableOf(summary), errorsOf(summary)].filter((lines) => lines.length > 0);
  return `${parts.map((lines) => lines.flatMap((line) => wrapText(line, width, 4)).join("\n")).join("\n\n")}\n`;
}

const states = ["completed", "partial", "rejected", "failed", "interrupted", "cancelled"] as const;

function headOf(summary: BatchSummary): string[] {
  const { total, reused, usage, durationMs, rows } = summary;
  const byState = states
    .filter((state) => summary[state] > 0)
    .map((state) => `${whole(summary[state])} ${state}`);
  const ran = total - reused;
  const about = usage.estimated ? "≈" : "";
  const cost =
    usage.costUsd === null ? "cost unknown" : `${usage.costUsd > 0 ? about : ""}${dollars(usage.costUsd)}`;
  const first = [`${counted(total, "row")}: ${byState.join(", ") || "none"}`];
  if (reused > 0) first.push(reused === 1 ? "1 was done before" : `${whole(reused)} were done before`);
  const rate = durationMs > 0 ? ran / (durationMs / 1000) : 0;
  const lines = [first.join(" · ")];
  if (ran > 0) {
    lines.push(
      [
        `${seconds(durationMs)} s`,
        `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)} rows/s`,
        ...(rows.count > 0 ? [`a row ${seconds(rows.p50Ms)} s (p50), ${seconds(rows.p95Ms)} s (p95)`] : []),
        counted(usage.modelCalls, "model call"),
        `${about}${counted(usage.inputTokens + usage.outputTokens, "token")}`,
        cost,
      ].join(" · "),
    );
  }
  return lines;
}

type Column = readonly [title: string, value: (figures: NodeFigures) => string];

const columns: readonly Column[] = [
  ["runs", ({ count }) => whole(count)],
  ["p50 s", ({ p50Ms }) => seconds(p50Ms)],
  ["p95 s", ({ p95Ms }) => seconds(p95Ms)],
  ["calls", ({ modelCalls }) => whole(modelCalls)],
  ["tokens in", ({ inputTokens }) => whole(inputTokens)],
  ["out", ({ outputTokens }) => whole(outputTokens)],
  ["cost", ({ costUsd }) => (costUsd === null ? "unknown" : dollars(costUsd))],
  ["errors", ({ errors }) => codesOf(errors)],
];

function tableOf({ nodes }: BatchSummary): string[] {
  const named = Object.entries(nodes);
  if (named.length === 0) return [];
  const names = ["node", ...named.map(([name]) => cleanLine(name))];
  const nameWidth = Math.max(...names.map((name) => name.length));
  const cells = columns.map(([title, value]) => [title, ...named.map(([, figures]) => value(figures))]);
  const widths = cells.map((column) => Math.max(...column.map((cell) => cell.length)));
  return names.map((name, row) =>
    [
      padEnd(name, nameWidth),
      ...cells.map((column, i) => {
        const cell = column[row] ?? "";
        return i === cells.length - 1 ? cell : padStart(cell, widths[i] ?? 0);
      }),
    ]
      .join("  ")
      .trimEnd(),
  );
}

function errorsOf({ errors }: BatchSummary): string[] {
  const codes = codesOf(errors);
  return codes === "" ? [] : [`Rows by error: ${codes}`];
}

function codesOf(errors: Readonly<Record<string, number>>): string {
  return Object.entries(errors)
    .sort((a, b) => b[1] - a[1])
    .map(([code, number]) => `${cleanLine(code)} ${whole(number)}`)
    .join(", ");
}

function whole(count: number): string {
  return count.toLocaleString("en-US");
}
