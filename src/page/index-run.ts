import type { PageCall, PageRow, PageRun } from "../report/page-model.js";

/** A run with what the views look up in it. */
export interface RunIndex {
  readonly run: PageRun;
  readonly rows: ReadonlyMap<string, PageRow>;
  readonly children: ReadonlyMap<string | null, readonly PageRow[]>;
  readonly callsOf: ReadonlyMap<string, readonly PageCall[]>;
  /** Calls of a row and of all below it. */
  readonly callsWithin: ReadonlyMap<string, readonly PageCall[]>;
  /** Rows by the declared node they are work of. */
  readonly byNode: ReadonlyMap<string, readonly PageRow[]>;
  /** End of the last thing that happened, in milliseconds. */
  readonly endMs: number;
}

export function indexRun(run: PageRun): RunIndex {
  const rows = new Map(run.rows.map((row) => [row.id, row]));
  const children = new Map<string | null, PageRow[]>();
  const byNode = new Map<string, PageRow[]>();
  const callsOf = new Map<string, PageCall[]>();
  const callsWithin = new Map<string, PageCall[]>();
  let endMs = run.durationMs;
  for (const row of run.rows) {
    push(children, row.parent !== null && rows.has(row.parent) ? row.parent : null, row);
    if (row.kind !== "round") push(byNode, row.declared, row);
    endMs = Math.max(endMs, row.endedAtMs ?? row.startedAtMs ?? 0);
  }
  for (const call of run.calls) {
    endMs = Math.max(endMs, call.startedAtMs + (call.durationMs ?? 0));
    push(callsOf, call.row, call);
    for (let id: string | null = call.row, depth = 0; id !== null && depth < 64; depth++) {
      push(callsWithin, id, call);
      id = rows.get(id)?.parent ?? null;
    }
  }
  return { run, rows, children, byNode, callsOf, callsWithin, endMs: Math.max(1, endMs) };
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const own = map.get(key);
  if (own === undefined) map.set(key, [value]);
  else own.push(value);
}

/** A row of the timeline with its depth. */
export interface ShownRow {
  readonly row: PageRow;
  readonly depth: number;
  readonly foldable: boolean;
}

/** The rows that are in sight when these are unfolded. */
export function unfoldedRows(index: RunIndex, open: ReadonlySet<string>): ShownRow[] {
  const shown: ShownRow[] = [];
  const walk = (parent: string | null, depth: number) => {
    for (const row of index.children.get(parent) ?? []) {
      const foldable = index.children.has(row.id);
      shown.push({ row, depth, foldable });
      if (foldable && open.has(row.id) && depth < 40) walk(row.id, depth + 1);
    }
  };
  walk(null, 0);
  return shown;
}

/** What is unfolded at first: everything in a small run; of a large one only what is not a map or a loop. */
export function openAtFirst(index: RunIndex): Set<string> {
  const all = [...index.children.keys()].filter((id): id is string => id !== null);
  if (index.run.rows.length <= 40) return new Set(all);
  return new Set(
    all.filter((id) => {
      const row = index.rows.get(id);
      return (index.children.get(id)?.length ?? 0) <= 12 && row?.parent === null && row.counts === null;
    }),
  );
}

/** A node's own state; of a node within maps and loops the worst of all its work. */
export function stateOf(rows: readonly PageRow[]): string {
  const whole = rows.find((row) => row.id === row.declared);
  if (whole !== undefined) return whole.state;
  for (const state of ["running", "failed", "timed-out", "interrupted", "cancelled"]) {
    if (rows.some((row) => row.state === state)) return state;
  }
  return rows.some((row) => row.state === "completed") ? "completed" : (rows[0]?.state ?? "not-settled");
}
