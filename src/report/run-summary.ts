import type { RunRecord } from "../records/record.js";
import { cleanLine, counted, displayWidth, seconds, shorten } from "./plain-text.js";

/** What a run's summary needs of a record. */
export type SummarySource = Pick<
  RunRecord,
  "state" | "error" | "interrupts" | "durationMs" | "criticalPathMs" | "usage" | "simulated"
>;

/** What a run took and cost, as lines of at most `width` columns. */
export function renderSummary(record: SummarySource, width: number, ascii = false): string[] {
  const { usage, simulated } = record;
  const about = usage.estimated ? (ascii ? "~" : "≈") : "";
  const tokens = usage.inputTokens + usage.outputTokens;
  const parts = [
    `wall ${seconds(record.durationMs)} s`,
    `critical path ${seconds(record.criticalPathMs)} s`,
    counted(usage.modelCalls, "model call"),
    ...(usage.modelCalls === 0 && tokens === 0
      ? []
      : [
          `${about}${counted(tokens, "token")} (${about}${whole(usage.inputTokens)} in${cachedPart(usage.cachedInputTokens)}, ${about}${whole(usage.outputTokens)} out)`,
        ]),
    usage.costUsd === null ? "cost unknown" : `${usage.costUsd > 0 ? about : ""}${dollars(usage.costUsd)}`,
  ];
  const lines = wrapParts(parts, ascii ? " - " : " · ", width);
  if (simulated !== null) {
    const { profile, seed, speed } = simulated;
    lines.push(
      shorten(`simulated latency: profile ${cleanLine(profile)}, seed ${seed}, speed ${speed}x`, width),
    );
  }
  if (record.error !== null) {
    lines.push(shorten(`error ${cleanLine(record.error.code)}: ${cleanLine(record.error.message)}`, width));
  }
  for (const { node, message } of record.interrupts) {
    lines.push(shorten(`${cleanLine(node)} waits for an answer: ${cleanLine(message)}`, width));
  }
  return lines;
}

/** US dollars with two significant digits below a cent's tenth: `$0`, `$0.00042`, `$1.27`. */
export function dollars(costUsd: number): string {
  if (costUsd === 0) return "$0";
  if (costUsd >= 0.1) return `$${costUsd.toFixed(2)}`;
  return `$${costUsd.toFixed(Math.min(9, 1 - Math.floor(Math.log10(costUsd))))}`;
}

const cachedPart = (tokens = 0) => (tokens === 0 ? "" : `, ${whole(tokens)} of them cached`);

function whole(count: number): string {
  return count.toLocaleString("en-US");
}

function wrapParts(parts: readonly string[], separator: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const joined = `${last}${separator}${part}`;
    if (last !== undefined && displayWidth(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(shorten(part, width));
  }
  return lines;
}
