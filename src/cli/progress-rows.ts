import type { RunEvent } from "../records/events.js";
import type { Outcome, OutcomeState } from "../records/outcome.js";
import { outermost } from "../records/work-id.js";
import { cleanLine, progressText } from "../report/plain-text.js";

/** A node as the live view shows it. */
export interface ProgressRow {
  readonly name: string;
  /** Whether it is a part of another node: its tokens and waits count towards that one's too. */
  readonly isInner: boolean;
  state: "waiting" | "running" | OutcomeState;
  /** Milliseconds since the run's start. */
  startedAtMs: number | null;
  endedAtMs: number | null;
  /** Output tokens of ended calls. */
  tokens: number;
  /** Characters streamed by calls that are still open, by call. */
  readonly open: Map<string, number>;
  itemsSettled: number;
  /** Of a map: how many items it runs over; `null` until that is known. */
  items: number | null;
  /** Of a graph node: the round it is in, from 1, and how many of the inner graph's nodes have settled; of a loop, in this round. */
  round: number | null;
  readonly innerSettled: Set<string>;
  /** Nodes of the graph that it holds; 0 for every other node. */
  readonly innerNodes: number;
  /** Milliseconds that requests waited for limits before they were sent. */
  waitedMs: number;
  /** What it reported last with `progress`, while it runs. */
  progress: string;
  /** Why the node did not complete. */
  reason: string;
}

/** What events have told of a run so far. */
export interface ProgressRows {
  readonly rows: readonly ProgressRow[];
  /** What ended calls have cost so far, in US dollars; calls without a known price count nothing. */
  readonly costUsd: () => number;
  /** Takes in one event; returns the row that it started or settled, else `undefined`. */
  add(event: RunEvent): ProgressRow | undefined;
}

/** Folds a run's events into one row a node: those declared in the spec's order, others as they turn up. */
export function createProgressRows(): ProgressRows {
  const rows: ProgressRow[] = [];
  const byName = new Map<string, ProgressRow>();
  const graphs = new Map<string, number>();
  let spentUsd = 0;

  function rowOf(name: string): ProgressRow {
    let row = byName.get(name);
    if (row === undefined) {
      row = {
        name: cleanLine(name),
        isInner: name.includes("/"),
        state: "waiting",
        startedAtMs: null,
        endedAtMs: null,
        tokens: 0,
        open: new Map(),
        itemsSettled: 0,
        items: null,
        round: null,
        innerSettled: new Set(),
        innerNodes: graphs.get(name) ?? 0,
        waitedMs: 0,
        progress: "",
        reason: "",
      };
      byName.set(name, row);
      rows.splice(placeOf(name), 0, row);
    }
    return row;
  }

  /** A planner's row goes first, a nested node's below its outer node and what is already there, others last. */
  function placeOf(name: string): number {
    if (name.startsWith("$") && name !== "$joiner") return 0;
    const outer = name.slice(0, Math.max(0, name.lastIndexOf("/"))).replace(/\[\d+\]$/, "");
    if (outer === "") return rows.length;
    const last = rows.findLastIndex(
      (row) => row.name === outer || row.name.startsWith(`${outer}/`) || row.name.startsWith(`${outer}[`),
    );
    return last < 0 ? rows.length : last + 1;
  }

  /** The node's own row, and that of the node of the run's own DAG that it is a part of. */
  function rowsOf(node: string): ProgressRow[] {
    return node.includes("/") ? [rowOf(node), rowOf(outermost(node).name)] : [rowOf(node)];
  }

  /** Counts an inner node that settled, in the latest round of the node that it is a part of. */
  function countInner(path: string): void {
    const [, inner = "", ...deeper] = path.split("/");
    const { name, round } = outermost(path);
    const row = rowOf(name);
    if (deeper.length > 0 || (round ?? 0) < (row.round ?? 0)) return;
    if (round !== row.round) row.innerSettled.clear();
    row.round = round;
    row.innerSettled.add(inner);
  }

  function start(row: ProgressRow, atMs: number): ProgressRow | undefined {
    if (row.state === "running") return undefined;
    row.state = "running";
    row.startedAtMs = atMs;
    row.endedAtMs = null;
    return row;
  }

  function add(event: RunEvent): ProgressRow | undefined {
    switch (event.type) {
      case "run-started":
        for (const [name, { dag }] of Object.entries(event.dag.nodes)) {
          if (dag !== undefined) graphs.set(name, Object.keys(dag.nodes).length);
          rowOf(name);
        }
        return undefined;
      case "node-started":
        if (event.items !== undefined) rowOf(event.node).items = event.items;
        return event.item === null && event.invocation === null
          ? start(rowOf(event.node), event.atMs)
          : undefined;
      case "call-started": {
        const row = rowOf(event.node);
        for (const each of rowsOf(event.node)) {
          each.open.set(event.call, 0);
          each.waitedMs += event.waited?.limitMs ?? 0;
        }
        return isCaller(event.node) ? start(row, event.atMs) : undefined;
      }
      case "call-delta": {
        for (const { open } of rowsOf(event.node))
          open.set(event.call, (open.get(event.call) ?? 0) + event.text.length);
        return undefined;
      }
      case "call-ended": {
        const { call } = event;
        const row = rowOf(call.node);
        for (const each of rowsOf(call.node)) {
          each.open.delete(call.id);
          each.tokens += call.outputTokens;
        }
        spentUsd += call.costUsd ?? 0;
        if (!isCaller(call.node) || row.open.size > 0) return undefined;
        row.state = call.error === null ? "completed" : "failed";
        row.reason = call.error === null ? "" : codeAndMessage(call.error);
        row.endedAtMs = event.atMs;
        return row;
      }
      case "node-progress":
        for (const each of rowsOf(event.node)) each.progress = progressText(event.value);
        return undefined;
      case "node-settled": {
        const row = rowOf(event.node);
        if (event.item !== null || event.invocation !== null) {
          if (event.item !== null) row.itemsSettled += 1;
          return undefined;
        }
        settle(row, event.outcome);
        if (row.isInner) countInner(event.node);
        return row;
      }
      default:
        return undefined;
    }
  }

  return { rows, add, costUsd: () => spentUsd };
}

/** Planner and joiner: nodes that no spec declares, known by their calls alone. */
function isCaller(node: string): boolean {
  return node.startsWith("$");
}

function settle(row: ProgressRow, outcome: Outcome): void {
  row.state = outcome.state;
  row.startedAtMs = outcome.startedAtMs;
  row.endedAtMs = outcome.endedAtMs;
  row.open.clear();
  row.progress = "";
  if (outcome.state !== "completed")
    row.reason = codeAndMessage("error" in outcome ? outcome.error : outcome.reason);
  else if (outcome.reused) row.reason = "reused";
}

function codeAndMessage({ code, message }: { readonly code: string; readonly message: string }): string {
  return `${cleanLine(code)}: ${cleanLine(message)}`;
}

/** Output tokens so far; those of open calls are told from their text, at four characters a token. */
export function tokensSoFar(row: ProgressRow): number {
  let characters = 0;
  for (const count of row.open.values()) characters += count;
  return row.tokens + Math.ceil(characters / 4);
}
