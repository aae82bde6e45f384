import type { DagProjection, RunEvent } from "../records/events.js";
import { type RecordFold, type RunRecord, recordFold } from "../records/record.js";
import { nodeWork, type WorkKey, workPath } from "../records/work-id.js";
import { pageGraphs } from "./page-graph.js";
import type { PageCall, PageData, PageRow, PageRun, RunChange } from "./page-model.js";
import { callOf, criticalRows, openRow, problemOf, rowsOf, str, tryOf } from "./page-rows.js";
import { callerRow, questionOf, simulatedText } from "./page-run.js";

/** Largest DAG whose critical path is found anew whenever a node settles; of larger ones it is found at the end. */
const mostFollowed = 300;

/** A run that is under way, as its page shows it. */
export interface LiveRun {
  /** Takes in one event; gives what has changed for the page, `"begun"` where all has. */
  add(event: RunEvent): RunChange | "begun" | null;
  /** The run so far; `null` before it has begun. */
  run(): PageRun | null;
  graphs(): PageData["graphs"];
  /** The record so far, with the prompts of every part of the run; `null` before it has begun. */
  record(): RunRecord | null;
}

/** How a run is shown. */
export interface LiveRunOptions {
  /** The command that reproduces it. @default none */
  readonly command?: string;
  /** @default the name of the DAG and its topology */
  readonly label?: string;
  /** Whether prompts, answers and values are left out. @default false */
  readonly noTexts?: boolean;
}

/** Follows a run event by event; one that goes on after an answer begins anew and keeps the prompts that were told. */
export function liveRun({ command, label, noTexts = false }: LiveRunOptions = {}): LiveRun {
  const texts = { noTexts };
  let fold: RecordFold = recordFold();
  let dag: DagProjection | null = null;
  let run: PageRun | null = null;
  let graphs: PageData["graphs"] = {};
  let rows = new Map<string, PageRow>();
  let calls = new Map<string, PageCall>();
  let sums = noCalls();
  const messages = new Map<string, NonNullable<PageCall["messages"]>>();
  const kept = new Map<string, string>();
  const heard: RunEvent[] = [];

  const put = (...changed: PageRow[]): RunChange => {
    for (const row of changed) rows.set(row.id, row);
    return { rows: changed };
  };
  const rowAt = (of: DagProjection, key: WorkKey) => rows.get(workPath(key)) ?? openRow(of, key, "waiting");
  const totals = () => {
    const { modelCalls, inputTokens, outputTokens, costUsd, unpriced, guessed } = sums;
    return {
      modelCalls,
      inputTokens,
      outputTokens,
      costUsd: unpriced > 0 ? null : costUsd,
      estimated: guessed > 0,
    };
  };
  const change = (fields: Partial<PageRun>): RunChange => {
    if (run !== null) run = { ...run, ...fields };
    return { run: fields };
  };

  const begin = (event: Extract<RunEvent, { type: "run-started" }>) => {
    dag = event.dag;
    graphs = pageGraphs(dag, "g0", texts);
    rows = new Map(
      Object.keys(dag.nodes).map((name) => [name, openRow(event.dag, nodeWork(name), "waiting")]),
    );
    calls = new Map();
    sums = noCalls();
    run = {
      label: label ?? `${str(dag.name)} · ${str(event.topology)}`,
      id: event.id,
      dag: dag.name,
      topology: event.topology,
      thread: event.thread,
      startedAt: event.startedAt,
      durationMs: 0,
      criticalPathMs: 0,
      state: "running",
      error: null,
      ...(!noTexts && { input: event.input }),
      usage: totals(),
      simulated: simulatedText(event.simulated),
      command: command ?? null,
      questions: [],
      notices: [],
      rows: [],
      calls: [],
      texts: {},
      graph: "g0",
    };
  };

  const settle = (of: DagProjection, event: Extract<RunEvent, { type: "node-settled" }>): RunChange => {
    const before = rows.get(workPath(event));
    const changed = [...rowsOf(of, event, event.outcome, texts)].map((row) => {
      const tries = rows.get(row.id)?.tries ?? [];
      return { ...row, tries, critical: rows.get(row.id)?.critical ?? false };
    });
    const told = put(...changed);
    const isTop = before?.parent === null && event.item === null && event.invocation === null;
    if (!isTop || rows.size > mostFollowed) return told;
    const critical = markCritical(of);
    return { ...told, rows: [...changed.map((row) => rows.get(row.id) ?? row), ...critical] };
  };
  /** Marks the critical path of what has settled; gives the rows that it changed. */
  const markCritical = (of: DagProjection): PageRow[] => {
    const path = criticalRows(of, fold.outcomes(), fold.record().calls);
    const changed = [...rows.values()].filter((row) => row.critical !== path.has(row.id));
    return changed.map((row) => {
      const marked = { ...row, critical: path.has(row.id) };
      rows.set(row.id, marked);
      return marked;
    });
  };
  const callChanged = (of: DagProjection, call: PageCall): RunChange => {
    const before = calls.get(call.id);
    if (before !== undefined) addTo(sums, before, -1);
    addTo(sums, call, 1);
    calls.set(call.id, call);
    const caller = call.row.startsWith("$") ? put(callerRow(of, call.row, [...calls.values()])) : {};
    return { calls: [call], ...caller, ...change({ usage: totals() }) };
  };

  const follow = (of: DagProjection, event: RunEvent): RunChange | null => {
    switch (event.type) {
      case "node-ready":
        return put({ ...rowAt(of, event), readyAtMs: event.atMs });
      case "node-started":
        return put({ ...rowAt(of, event), state: "running", startedAtMs: event.atMs });
      case "node-settled":
        return settle(of, event);
      case "node-attempt": {
        const row = rowAt(of, event);
        return put({ ...row, tries: [...row.tries, tryOf(event, texts)] });
      }
      case "node-progress":
        return noTexts ? null : put({ ...rowAt(of, event), progress: event.value });
      case "call-started":
        if (event.messages !== undefined && !noTexts) messages.set(event.call, event.messages);
        return callChanged(of, { ...openCall(event), messages: messages.get(event.call) ?? null });
      case "call-ended":
        return callChanged(of, {
          ...callOf(event.call, texts),
          messages: messages.get(event.call.id) ?? null,
        });
      case "call-delta":
        return noTexts ? null : { said: { [event.call]: event.text } };
      case "text-kept":
        if (noTexts) return null;
        kept.set(event.hash, event.text);
        return { texts: { [event.hash]: event.text } };
      case "notice":
        return change({ notices: [...(run?.notices ?? []), event.message] });
      case "run-ended": {
        const record = fold.record();
        sums = noCalls(); // anew, without the rounding errors of what was added and taken off
        for (const call of calls.values()) addTo(sums, call, 1);
        const told = change({
          state: event.state,
          ...(!noTexts && { output: event.output }),
          error: problemOf(event.error, texts),
          questions: event.interrupts.map((question) => questionOf(question, texts)),
          durationMs: record.durationMs,
          criticalPathMs: record.criticalPathMs,
          usage: totals(),
        });
        return { ...told, rows: markCritical(of) };
      }
      default:
        return null;
    }
  };

  return {
    run: () =>
      run === null
        ? null
        : { ...run, rows: [...rows.values()], calls: [...calls.values()], texts: Object.fromEntries(kept) },
    graphs: () => graphs,
    add(event) {
      if (event.type === "run-started") fold = recordFold();
      fold.add(event);
      if (event.type === "text-kept" || (event.type === "call-started" && event.messages !== undefined))
        heard.push(event);
      if (event.type === "run-started") {
        begin(event);
        return "begun";
      }
      if (dag === null) return null;
      const told = follow(dag, event);
      if (told === null || event.type === "run-ended") return told;
      return { ...told, run: { ...told.run, ...change({ durationMs: event.atMs }).run } };
    },
    record() {
      if (dag === null) return null;
      const record = fold.record();
      return { ...record, events: [...heard, ...record.events] };
    },
  };
}

/** What the requests of a run come to so far. */
const noCalls = () => ({
  modelCalls: 0,
  inputTokens: 0,
  outputTokens: 0,
  costUsd: 0,
  /** Requests whose cost is not known. */
  unpriced: 0,
  /** Requests whose tokens are estimated. */
  guessed: 0,
});

function addTo(sums: ReturnType<typeof noCalls>, call: PageCall, sign: 1 | -1): void {
  sums.modelCalls += sign;
  sums.inputTokens += sign * call.inputTokens;
  sums.outputTokens += sign * call.outputTokens;
  if (call.costUsd === null) sums.unpriced += sign;
  else sums.costUsd += sign * call.costUsd;
  if (call.estimated) sums.guessed += sign;
}

function openCall(event: Extract<RunEvent, { type: "call-started" }>): PageCall {
  return {
    id: event.call,
    row: workPath(event),
    attempt: event.attempt,
    model: event.model,
    startedAtMs: event.atMs,
    firstTokenMs: null,
    durationMs: null,
    inputTokens: event.inputTokens ?? 0,
    outputTokens: 0,
    cachedInputTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    estimated: event.inputTokens !== undefined,
    costUsd: 0,
    toolCalls: [],
    finishReason: null,
    hedged: false,
    error: null,
    messages: null,
    reply: null,
  };
}
