import { renderView, type ViewName } from "../report/snapshot-view.js";

const mark = Symbol.for("agent-dag.view");

/** One view of something, ready for a snapshot: the serializer prints its text as it is, without quotes. */
export interface SnapshotView {
  /** Which view it is. */
  readonly view: ViewName;
  /** The view as text. */
  readonly text: string;
}

/**
 * A chosen view of a spec, a record or a comparison, for `toMatchSnapshot` and `toMatchInlineSnapshot`.
 * @param name `graph` the declared DAG · `trajectory` who ran, in which layer, with which calls, attempts and outcomes ·
 *   `outputs` what the nodes gave · `all` everything but ids, clocks and durations
 * @throws DagError `VIEW_UNKNOWN`; `VIEW_IMPOSSIBLE` for something that has no such view; `VERSION_UNSUPPORTED`.
 * @example expect(view(record, "trajectory")).toMatchSnapshot();
 */
export function view(value: unknown, name: ViewName): SnapshotView {
  const shown: SnapshotView = { view: name, text: renderView(value, name) };
  Object.defineProperty(shown, mark, { value: true });
  return shown;
}

/** Whether a value was made by {@link view}. */
export function isSnapshotView(value: unknown): value is SnapshotView {
  return typeof value === "object" && value !== null && mark in value;
}
