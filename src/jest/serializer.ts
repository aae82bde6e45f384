import { snapshotSubject } from "../report/snapshot-subject.js";
import { renderSubject } from "../report/snapshot-view.js";
import { isSnapshotView } from "../testing/view.js";

/**
 * Snapshot serializer for specs, records, comparisons and views of them, for Jest and Vitest. Without a view it shows all:
 * only ids, clocks and durations are replaced, and order is the spec's, never arrival's.
 */
export const serializer = {
  /** Whether `value` is one of them. */
  test(value: unknown): boolean {
    return isSnapshotView(value) || snapshotSubject(value) !== null;
  },

  /** The value's text; inside something else, moved to where it stands. */
  serialize(value: unknown, _config: unknown, indentation: string): string {
    return textOf(value).replaceAll("\n", `\n${indentation}`);
  },
};

function textOf(value: unknown): string {
  if (isSnapshotView(value)) return value.text;
  const subject = snapshotSubject(value);
  return subject === null ? String(value) : renderSubject(subject, "all");
}
