import type { LiveChange, PageData, PageRun, RunChange } from "../report/page-model.js";
import { besidePage } from "./text.js";

type Draw = (data: PageData, live: ReadonlyMap<string, string>, connection: string) => void;

/** Listens to runs and draws what they tell, at most once a frame. */
export function followRun(first: PageData, draw: Draw): void {
  let data = first;
  let connection = "connecting";
  let planned = false;
  const said = new Map<string, string>();
  const show = () => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      draw(data, new Map(said), connection);
    });
  };
  const source = new EventSource(besidePage(location.pathname, "events"));
  source.onopen = () => {
    connection = "live";
    show();
  };
  source.onerror = () => {
    connection = "not connected";
    show();
  };
  source.onmessage = (message: MessageEvent<string>) => {
    const change = JSON.parse(message.data) as LiveChange;
    if (change.data !== undefined) said.clear();
    data = changed(change.data ?? data, change);
    for (const one of Object.values(change.runs ?? {})) {
      for (const [call, text] of Object.entries(one.said ?? {}))
        said.set(call, (said.get(call) ?? "") + text);
    }
    show();
  };
  show();
}

/** The data after a change. */
function changed(data: PageData, { runs, added = [], graphs, compare, batch }: LiveChange): PageData {
  const shown =
    runs === undefined
      ? data.runs
      : data.runs.map((run) => {
          const change = Object.hasOwn(runs, run.id) ? runs[run.id] : undefined;
          return change === undefined ? run : merged(run, change);
        });
  return {
    ...data,
    runs: replaced(shown, added),
    ...(graphs !== undefined && { graphs: { ...data.graphs, ...graphs } }),
    ...(compare !== undefined && { compare }),
    ...(batch !== undefined && { batch }),
  };
}

function merged(run: PageRun, change: RunChange): PageRun {
  return {
    ...run,
    ...change.run,
    rows: replaced(run.rows, change.rows),
    calls: replaced(run.calls, change.calls),
    texts: change.texts === undefined ? run.texts : { ...run.texts, ...change.texts },
  };
}

/** The list with changed members in their places and new ones at the end. */
function replaced<T extends { readonly id: string }>(
  all: readonly T[],
  changed: readonly T[] = [],
): readonly T[] {
  if (changed.length === 0) return all;
  const left = new Map(changed.map((one) => [one.id, one]));
  const kept = all.map((one) => {
    const other = left.get(one.id);
    left.delete(one.id);
    return other ?? one;
  });
  return [...kept, ...left.values()];
}
