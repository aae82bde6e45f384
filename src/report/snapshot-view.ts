import { DagError } from "../errors.js";
import type { RunRecord } from "../records/record.js";
import { renderGraphView } from "./graph-view.js";
import { renderOutputsView } from "./outputs-view.js";
import { type ComparedRuns, type SnapshotSubject, snapshotSubject } from "./snapshot-subject.js";
import { renderTrajectoryView } from "./trajectory-view.js";
import { renderUsageView } from "./usage-view.js";
import { indented } from "./view-text.js";
import { yamlText } from "./yaml-text.js";

/** The views by name, and the default of each kind of thing. */
export const viewNames = ["graph", "trajectory", "outputs", "all"] as const;

/**
 * What is shown of a spec, a record or a comparison: the declared DAG; who ran with which calls, attempts and outcomes;
 * what the nodes gave; or all of it, with the input and the usage.
 */
export type ViewName = (typeof viewNames)[number];

/**
 * One view as text in which only ids, clocks and durations are replaced, and order is the spec's.
 * @throws DagError `VIEW_UNKNOWN`; `VIEW_IMPOSSIBLE` for something that has no such view; `VERSION_UNSUPPORTED`.
 */
export function renderView(value: unknown, view: ViewName = "all"): string {
  if (!viewNames.includes(view)) {
    throw new DagError("VIEW_UNKNOWN", `There is no view "${String(view)}".`, {
      hint: `Choose one of: ${viewNames.join(", ")}.`,
    });
  }
  const subject = snapshotSubject(value);
  if (subject === null) {
    throw new DagError(
      "VIEW_IMPOSSIBLE",
      "A view was asked of something else than a spec, record or comparison.",
      {
        hint: "Pass what `defineDag`, `run` or `compare` returned.",
      },
    );
  }
  return renderSubject(subject, view);
}

/** As {@link renderView}, for something that was already recognised. */
export function renderSubject(subject: SnapshotSubject, view: ViewName): string {
  if (subject.kind === "record") return renderRecord(subject.record, view);
  if (subject.kind === "comparison") return renderComparison(subject.comparison, view);
  if (view === "graph" || view === "all") return renderGraphView(subject.dag);
  throw new DagError("VIEW_IMPOSSIBLE", `A spec that has not been run has no view "${view}".`, {
    hint: "Run it, and take the view of the record.",
  });
}

function renderRecord(record: RunRecord, view: ViewName): string {
  if (view === "graph") return renderGraphView(record.dag);
  if (view === "trajectory") return renderTrajectoryView(record);
  if (view === "outputs") return renderOutputsView(record);
  return [headerOf(record), renderGraphView(record.dag), runParts(record)].join("\n\n");
}

function runParts(record: RunRecord): string {
  return [
    renderTrajectoryView(record),
    `outputs:\n${indented(renderOutputsView(record))}`,
    renderUsageView(record),
  ].join("\n\n");
}

function headerOf({ input, thread, simulated, interrupts }: RunRecord): string {
  return [
    `id: <id>${thread === null ? "" : ", thread: <id>"}, started: <time>, took: <duration>`,
    ...(simulated === null ? [] : [`simulated: ${JSON.stringify(simulated)}`]),
    yamlText({ input }).trimEnd(),
    ...interrupts.map(({ node, message, value }) =>
      yamlText({ [`${node} waits`]: { message, value } }).trimEnd(),
    ),
  ].join("\n");
}

function renderComparison({ dag, topologies, agreement }: ComparedRuns, view: ViewName): string {
  if (view === "graph") return renderGraphView(dag);
  const entries = topologies.map(({ topology, runs }) => {
    const shown = runs.map((run) => (view === "all" ? runParts(run) : renderRecord(run, view)));
    const parts = shown.map((text, index) => {
      const same = index > 0 && text === shown[0];
      return `run ${index + 1} of ${shown.length}:${same ? " the same as run 1" : `\n${indented(text)}`}`;
    });
    return [`== ${topology}`, ...parts].join("\n");
  });
  if (view !== "all") return entries.join("\n\n");
  const agreed = agreement === undefined ? [] : [yamlText({ agreement }).trimEnd()];
  return [renderGraphView(dag), ...entries, ...agreed].join("\n\n");
}
