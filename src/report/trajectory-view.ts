import type { CallRecord, DagProjection } from "../records/events.js";
import type { Outcome, Outcomes } from "../records/outcome.js";
import type { RunRecord } from "../records/record.js";
import { counted } from "./plain-text.js";
import { indented } from "./view-text.js";

/** What the trajectory is read from: a `RunRecord` fits. */
export type TrajectoryRecord = Pick<RunRecord, "dag" | "topology" | "state" | "outcomes" | "calls">;

/**
 * Who ran, in which layer, with which calls, attempts and outcomes. Nodes stand in the spec's order, calls in the order
 * in which their node made them; nothing depends on what arrived first.
 */
export function renderTrajectoryView({ dag, topology, state, outcomes, calls }: TrajectoryRecord): string {
  const groups = callGroups(calls);
  const lines = dagLines(dag, outcomes, groups, "");
  const others = [...groups.keys()].sort().flatMap((key) => {
    const group = groups.get(key) ?? [];
    return group.length === 0 ? [] : [`${key}: ${counted(group.length, "call")}`, ...callLines(group)];
  });
  return [`run of ${dag.name}, ${topology}: ${state}`, ...lines, ...others].join("\n");
}

/** Calls by the piece of work that made them; a group is taken out once it has been shown. */
type CallGroups = Map<string, CallRecord[]>;

function callGroups(calls: readonly CallRecord[]): CallGroups {
  const groups: CallGroups = new Map();
  for (const call of [...calls].sort((a, b) => a.startedAtMs - b.startedAtMs)) {
    const key = workName(call.node, call.item, call.invocation);
    groups.set(key, [...(groups.get(key) ?? []), call]);
  }
  return groups;
}

function workName(node: string, item: number | null, invocation: number | null): string {
  return `${node}${item === null ? "" : `[${item}]`}${invocation === null ? "" : ` (invocation ${invocation})`}`;
}

function dagLines(dag: DagProjection, outcomes: Outcomes, groups: CallGroups, prefix: string): string[] {
  return layersOf(dag).flatMap((names, index) => [
    `layer ${index + 1}`,
    ...names.map((name) => indented(workLines(dag, name, outcomes[name], groups, prefix + name).join("\n"))),
  ]);
}

function workLines(
  dag: DagProjection,
  name: string,
  outcome: Outcome | undefined,
  groups: CallGroups,
  path: string,
  shown = name,
): string[] {
  const inner = dag.nodes[name]?.dag;
  const part = (one: Outcome, partPath: string, title: string) =>
    indented(workLines(dag, name, one, groups, partPath, title).join("\n"));
  return [
    `${shown}: ${outcomeText(outcome)}`,
    ...callLines(take(groups, path)),
    ...(outcome?.items ?? []).map((item, i) => part(item, `${path}[${i}]`, `item ${i}`)),
    ...(outcome?.invocations ?? []).map((one, i) =>
      part(one, `${path} (invocation ${i})`, `invocation ${i}`),
    ),
    ...(inner === undefined || outcome?.outcomes === undefined
      ? []
      : [indented(dagLines(inner, outcome.outcomes, groups, `${path}/`).join("\n"))]),
    ...(inner === undefined ? [] : (outcome?.rounds ?? [])).map((round, i) => {
      const lines = dagLines(inner as DagProjection, round, groups, `${path}@${i + 1}/`);
      return indented([`round ${i + 1}`, indented(lines.join("\n"))].join("\n"));
    }),
  ];
}

function take(groups: CallGroups, path: string): readonly CallRecord[] {
  const group = groups.get(path) ?? [];
  groups.delete(path);
  return group;
}

/** An outcome in a few words: its state, its code where it did not complete, and how often it was tried. */
export function outcomeText(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "not settled";
  const code =
    outcome.state === "completed" ? "" : ` ${"error" in outcome ? outcome.error.code : outcome.reason.code}`;
  const attempts = outcome.attempts === 0 ? "" : `, ${counted(outcome.attempts, "attempt")}`;
  const rounds =
    outcome.exhausted === true ? `, stopped after ${counted(outcome.rounds?.length ?? 0, "round")}` : "";
  return `${outcome.state}${code}${attempts}${rounds}${outcome.reused === true ? ", reused" : ""}`;
}

function callLines(calls: readonly CallRecord[]): string[] {
  return calls.map((call) => {
    const tools = call.toolCalls.map(({ name, args }) => `${name}(${JSON.stringify(args)})`);
    const end = call.error === null ? (call.finishReason ?? "no finish reason") : `error ${call.error.code}`;
    const marks = `${call.attempt > 1 ? `, attempt ${call.attempt}` : ""}${call.hedged ? ", hedged" : ""}`;
    return `  ${call.model}${marks} → ${[end, ...tools].join(" ")}`;
  });
}

/** The layers of a projected DAG: each node one after the last of its needs, in the spec's order. */
export function layersOf(dag: DagProjection): string[][] {
  const depths = new Map<string, number>();
  const depthOf = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    depths.set(name, 0);
    const depth = Math.max(-1, ...(dag.nodes[name]?.needs ?? []).map(depthOf)) + 1;
    depths.set(name, depth);
    return depth;
  };
  const layers: string[][] = [];
  for (const name of Object.keys(dag.nodes)) {
    const depth = depthOf(name);
    layers[depth] = [...(layers[depth] ?? []), name];
  }
  return layers;
}
