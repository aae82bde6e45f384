import { diffLines, structuredPatch } from "diff";
import { DagError } from "../errors.js";
import { yamlText } from "../report/yaml-text.js";
import { type CassetteEntry, comparableRequest, type RecordedRequest } from "./cassette-entry.js";

/** A request that no recorded one fits. */
export interface MissedRequest {
  readonly file: string;
  readonly model: string;
  readonly place: Pick<CassetteEntry, "node" | "item" | "invocation">;
  readonly request: RecordedRequest;
  /** How often this very request was recorded. */
  readonly recordedTimes: number;
}

const mostLines = 60;

/** The error of a miss: what was asked, how it differs from the nearest recorded request, how to record again. */
export function cassetteMiss(missed: MissedRequest, entries: readonly CassetteEntry[]): DagError {
  const { file, place, recordedTimes } = missed;
  const item = place.item === undefined ? "" : `, item ${place.item}`;
  return new DagError(
    "CASSETTE_MISS",
    `The cassette "${file}" has no reply for a request of "${place.node}"${item}. ${explain(missed, entries)}\n`,
    {
      facts: { file, node: place.node, item: place.item ?? null, recordedTimes },
      hint: 'If the change is meant, record again: `mode: "record"`, or --record FILE on the command line.',
    },
  );
}

function explain(
  { model, place, request, recordedTimes }: MissedRequest,
  entries: readonly CassetteEntry[],
): string {
  if (recordedTimes > 0) {
    return `This very request was recorded ${recordedTimes} ${recordedTimes === 1 ? "time" : "times"} and is asked once more.`;
  }
  const asked = requestText(request);
  const own = entries.filter((entry) => entry.node === place.node);
  const best = nearest(asked, own.length > 0 ? own : entries);
  if (best === undefined) return "Nothing is recorded in it.";
  const who = best.node === place.node ? "" : ` (of "${best.node}"; nothing of "${place.node}" is recorded)`;
  const recorded = requestText(best.request);
  if (recorded === asked) {
    const other =
      best.model === model
        ? "of another item or invocation of the node"
        : `of the model ${best.model}; this one is asked of ${model}`;
    return `The same request is recorded ${other}.`;
  }
  return `It differs from the nearest recorded request${who}; - was recorded, + is asked now:\n${patchText(recorded, asked)}`;
}

/** A request as text; the markers of data sections, which follow from their contents, are left out. */
function requestText(request: RecordedRequest): string {
  return yamlText(comparableRequest(request)).replace(/\bdata-[0-9a-f]{12,}\b/g, "data-…");
}

function nearest(asked: string, entries: readonly CassetteEntry[]): CassetteEntry | undefined {
  let best: { entry: CassetteEntry; distance: number } | undefined;
  for (const entry of entries.slice(0, 200)) {
    const distance = diffLines(requestText(entry.request), asked).reduce(
      (sum, part) => sum + (part.added || part.removed ? part.value.length : 0),
      0,
    );
    if (best === undefined || distance < best.distance) best = { entry, distance };
  }
  return best?.entry;
}

function patchText(recorded: string, asked: string): string {
  const { hunks } = structuredPatch("", "", recorded, asked, "", "", { context: 2 });
  const lines = hunks.flatMap((hunk, index) => [
    ...(index > 0 ? ["  …"] : []),
    ...hunk.lines.map((line) => `  ${line}`.trimEnd()),
  ]);
  const more = lines.length - mostLines;
  return [...lines.slice(0, mostLines), ...(more > 0 ? [`  … ${more} more lines`] : [])].join("\n").trimEnd();
}
