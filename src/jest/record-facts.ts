import { DagError } from "../errors.js";
import type { CallRecord, DagProjection } from "../records/events.js";
import type { Outcome, Outcomes } from "../records/outcome.js";
import type { RunRecord } from "../records/record.js";
import { snapshotSubject } from "../report/snapshot-subject.js";
import { didYouMean } from "../spec/did-you-mean.js";
import { assertArgument } from "../spec/issue.js";

/**
 * The record that a matcher was given.
 * @throws DagError `NOT_A_RECORD`, also under `.not`: nothing can be claimed of something else.
 */
export function recordOf(received: unknown): RunRecord {
  const subject = snapshotSubject(received);
  if (subject?.kind === "record") return subject.record;
  const what =
    received instanceof Promise
      ? "a promise"
      : subject === null
        ? received === null
          ? "null"
          : `a value of type ${typeof received}`
        : `a ${subject.kind}`;
  const hint =
    received instanceof Promise
      ? "Await the run first."
      : "Pass what `run` returned, or one run of a comparison.";
  throw new DagError("NOT_A_RECORD", `This matcher reads a RunRecord and was given ${what}.`, { hint });
}

/**
 * The outcome of a node by its path: `name`, `name[2]` for an item, `outer/inner` for a node of a graph node, `loop@2/inner`
 * for one in the second round of a loop.
 * @throws DagError `NODE_UNKNOWN` when the record's graph declares no such node, also under `.not`.
 */
export function outcomeAt(record: RunRecord, path: string): Outcome | undefined {
  assertArgument("the matcher", typeof path === "string", ["node", path, "the path of a node"]);
  let dag: DagProjection | undefined = record.dag;
  let outcomes: Outcomes | undefined = record.outcomes;
  let outcome: Outcome | undefined;
  for (const part of path.split("/")) {
    const [, name = "", index, round] = /^([^[@]*)(?:\[(\d+)\])?(?:@(\d+))?$/.exec(part) ?? [];
    const declared: DagProjection["nodes"] = dag?.nodes ?? {};
    if (!Object.hasOwn(declared, name)) throw unknownNode(record, path, name, Object.keys(declared));
    outcome = outcomes?.[name];
    if (index !== undefined) outcome = outcome?.items?.[Number(index)];
    outcomes = round === undefined ? outcome?.outcomes : outcome?.rounds?.[Number(round) - 1];
    dag = declared[name]?.dag;
  }
  return outcome;
}

function unknownNode(record: RunRecord, path: string, name: string, names: readonly string[]): DagError {
  const where = path === name ? "" : ` (of "${path}")`;
  return new DagError("NODE_UNKNOWN", `The graph "${record.dag.name}" has no node "${name}"${where}.`, {
    facts: { node: path },
    hint: didYouMean(name, names),
  });
}

/**
 * The calls of a node and of what is inside it; all of them without a node. `$planner` and `$joiner` are nodes here.
 * @throws DagError `NODE_UNKNOWN`.
 */
export function callsOf(record: RunRecord, node?: string): readonly CallRecord[] {
  if (node === undefined) return record.calls;
  if (!node.split("/").at(-1)?.startsWith("$")) outcomeAt(record, node);
  const [, whole = node, item] = /^(.*)\[(\d+)\]$/.exec(node) ?? [];
  return record.calls.filter((call) => {
    if (call.node === node || ["/", "[", "@"].some((next) => call.node.startsWith(node + next))) return true;
    return item !== undefined && call.node === whole && call.item === Number(item);
  });
}
