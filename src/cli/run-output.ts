import type { RunRecord } from "../records/record.js";
import { type Io, write, writeJson, writePainted } from "./io.js";

/** What a command prints of a record. */
export interface OutputFlags {
  readonly json?: boolean;
  readonly timeline?: boolean;
}

/** Prints a record on stdout, what there is to say about it on stderr, and sets the status. */
export async function printRun(record: RunRecord, flags: OutputFlags, io: Io): Promise<void> {
  if (flags.json) await writeJson(io.stdout, record);
  else await writePainted(io.stdout, await renderRun(record, flags, io));
  const notice = endNotice(record);
  if (notice !== null) await write(io.stderr, `${notice}\n`);
  io.exitCode = exitCodeOf(record);
}

/** What `run` prints of a record for a person. */
export async function renderRun(record: RunRecord, flags: OutputFlags, io: Io): Promise<string> {
  const { renderOutputs } = await import("../report/outputs.js");
  const { renderTimeline } = await import("../report/timeline.js");
  const look = { color: io.colorOut, width: io.columns };
  const timeline = flags.timeline ? `\n${renderTimeline(record, look).trimEnd()}\n` : "";
  return `${renderOutputs(record, look).trimEnd()}\n${timeline}`;
}

/** 0 done (partial, rejected and waiting too), 1 failed, 130 interrupted by the user. */
export function exitCodeOf(record: RunRecord): number {
  if (record.state === "failed") return 1;
  return record.state === "cancelled" ? 130 : 0;
}

function endNotice(record: RunRecord): string | null {
  const { state, error, interrupts, outcomes } = record;
  if (state === "failed" || state === "cancelled") return `${state}: ${error?.message ?? ""}`;
  if (state === "interrupted") {
    return interrupts.map(({ node, message }) => `interrupted: "${node}" asks: ${message}`).join("\n");
  }
  if (state === "rejected") {
    const told = Object.entries(outcomes).flatMap(([name, outcome]) =>
      "reason" in outcome && outcome.reason.code === "rejected"
        ? [`"${name}": ${outcome.reason.message}`]
        : [],
    );
    return `rejected: there is no output, because a person said no: ${told.join("; ")}.`;
  }
  const items = lostItems(outcomes);
  if (state !== "partial") return items === "" ? null : `${state}, but ${items}.`;
  const lost = Object.entries(outcomes).filter(([, outcome]) => outcome.state !== "completed");
  const named = lost.map(([name, outcome]) => `${name} ${outcome.state}`).join(", ");
  const all = [named, items].filter((part) => part !== "").join("; ");
  return `partial: there is an output, but not everything completed: ${all}.`;
}

/** What a map that completed has lost: "2 of 5 items of \"notes\" did not complete". */
function lostItems(outcomes: RunRecord["outcomes"]): string {
  return Object.entries(outcomes)
    .flatMap(([name, { state, items = [] }]) => {
      const lost = items.filter((item) => item.state !== "completed").length;
      return state !== "completed" || lost === 0
        ? []
        : [`${lost} of ${items.length} items of "${name}" did not complete`];
    })
    .join(", ");
}
