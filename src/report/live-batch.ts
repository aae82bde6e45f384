import type { RowName } from "../batch/batch-options.js";
import type { BatchItem } from "../batch/item.js";
import type { RunEvent } from "../records/events.js";
import type { RunRecord } from "../records/record.js";
import { isTopLevel } from "../records/work-id.js";
import type { BatchSample } from "./batch-sample.js";
import type { LiveChange, PageBatch, PageData, PageQuestion, PageRowUnderWay } from "./page-model.js";
import { questionOf } from "./page-run.js";
import { type ReportOptions, reportData } from "./report.js";
import { type ServedPage, type ServedPageOptions, servePage } from "./served-page.js";

/** Runs that a batch's report shows, with how it shows them. */
export interface BatchReport {
  readonly records: readonly RunRecord[];
  readonly options: ReportOptions;
}

/** What a batch's page is served with. */
export interface BatchPageOptions extends Omit<ServedPageOptions, "gatherMs"> {
  readonly title: string;
  /** Whether prompts, answers and values are on the page and in the file. @default true */
  readonly texts?: boolean;
  /** The sample that the batch's items are added to. */
  readonly sample: BatchSample;
  /** The file that the page is saved as. */
  readonly report: () => Promise<string>;
}

/** A page that shows a batch while it runs. What is sent to it does not grow with the number of rows. */
export interface BatchPage extends Pick<ServedPage, "respond" | "close"> {
  /** Fits `onRowEvent` of `runMany`. */
  onRowEvent(event: RunEvent, row: RowName): void;
  /** Takes a row that has ended and was added to the sample. */
  add(item: BatchItem): void;
  /** Tells how many rows there are, once that is known. */
  setTotal(rows: number): void;
  /** Shows what came of it. */
  end(report: BatchReport): void;
}

/** Time between two messages, in milliseconds. */
const tellEveryMs = 250;
/** Rows under way that are shown by name. */
const mostUnderWay = 16;
/** Rows that wait for an answer that are shown at once: when one is answered, another takes its place. */
const mostWaiting = 8;
/** Rows over which the rate is measured, in milliseconds back. */
const rateWindowMs = 30_000;

/** A row under way: which of its nodes are. */
interface OpenRow {
  readonly key: string;
  readonly startedMs: number;
  run: string;
  nodes: number;
  settled: number;
  asked: number;
  questions: readonly PageQuestion[];
  readonly now: Set<string>;
}

/** A batch's page that nobody watches yet. */
export function createBatchPage(given: BatchPageOptions): BatchPage {
  const { title, texts = true, sample, report, ...serving } = given;
  const open = new Map<number, OpenRow>();
  /** Runs that were told to all who watched then. */
  const told = new Set<string>();
  const marks: { readonly atMs: number; readonly ran: number }[] = [{ atMs: performance.now(), ran: 0 }];
  let rows: number | null = null;
  let ran = 0;
  let costUsd: number | null = 0;
  let ended: BatchReport | null = null;
  let timer: NodeJS.Timeout | undefined;

  const batch = (): PageBatch => {
    const nowMs = performance.now();
    marks.push({ atMs: nowMs, ran });
    while (marks.length > 2 && nowMs - (marks[1]?.atMs ?? nowMs) > rateWindowMs) marks.shift();
    const from = marks[0] ?? { atMs: nowMs, ran };
    const waiting = [...open.values()].filter(({ questions }) => questions.length > 0);
    return {
      ...sample.figures(),
      progress: {
        rows,
        perSecond: nowMs > from.atMs ? ((ran - from.ran) / (nowMs - from.atMs)) * 1000 : 0,
        costUsd,
        running: open.size - waiting.length,
        waiting: waiting.length,
        underWay: underWay(open, nowMs),
      },
    };
  };
  const sampled = (): BatchReport => {
    const shown = sample
      .rows()
      .flatMap(({ item, record }) => (record === undefined ? [] : [{ item, record }]));
    return {
      records: shown.map(({ record }) => record),
      options: { title, texts, labels: shown.map(({ item }) => item.key), batch: batch() },
    };
  };
  const data = (): PageData => {
    const { records, options } = ended ?? sampled();
    return reportData(records, options);
  };
  const page = servePage({ data, report }, { ...serving, gatherMs: tellEveryMs });

  /** The figures, and of the sample what was not told yet. */
  const tell = () => {
    timer = undefined;
    const { records, options } = sampled();
    const fresh = records.flatMap((record, at) => (told.has(record.id) ? [] : [{ record, at }]));
    for (const { record } of fresh) told.add(record.id);
    const change: LiveChange = { batch: options.batch as PageBatch };
    if (fresh.length === 0) return page.tell(change);
    const { runs, graphs } = reportData(
      fresh.map(({ record }) => record),
      { ...options, labels: fresh.map(({ at }) => options.labels?.[at] ?? "") },
    );
    page.tell({ ...change, added: runs, graphs });
  };
  const soon = () => {
    if (ended === null) timer ??= setTimeout(tell, tellEveryMs);
  };

  return {
    onRowEvent(event, { key, index }) {
      follow(open, event, { key, index }, !texts);
      soon();
    },
    add({ index, reused, costUsd: cost }) {
      open.delete(index);
      if (reused !== true) {
        ran++;
        costUsd = costUsd === null || cost === null ? null : costUsd + cost;
      }
      soon();
    },
    setTotal(count) {
      rows = count;
      soon();
    },
    end(last) {
      ended = last;
      clearTimeout(timer);
      page.tell({ data: data() });
    },
    respond: page.respond,
    close() {
      clearTimeout(timer);
      page.close();
    },
  };
}

function follow(
  open: Map<number, OpenRow>,
  event: RunEvent,
  { key, index }: RowName,
  noTexts: boolean,
): void {
  const row = open.get(index);
  if (event.type === "run-started") {
    const startedMs = row?.startedMs ?? performance.now();
    const nodes = Object.keys(event.dag.nodes).length;
    const asked = row?.asked ?? 0;
    open.set(index, {
      key,
      startedMs,
      run: event.id,
      nodes,
      settled: 0,
      asked,
      questions: [],
      now: new Set(),
    });
  } else if (row === undefined) return;
  else if (event.type === "node-started" && isTopLevel(event)) row.now.add(event.node);
  else if (event.type === "node-settled" && isTopLevel(event)) {
    row.now.delete(event.node);
    if (event.outcome.state !== "interrupted") row.settled++;
  } else if (event.type === "run-ended") {
    row.now.clear();
    if (event.interrupts.length > 0) row.asked++;
    row.questions = event.interrupts.map((question) => questionOf(question, { noTexts }));
  }
}

/** Those that wait for an answer, then those that have run longest. */
function underWay(open: ReadonlyMap<number, OpenRow>, nowMs: number): PageRowUnderWay[] {
  const all = [...open.values()];
  const waiting = all.filter(({ questions }) => questions.length > 0).slice(0, mostWaiting);
  const running = all
    .filter(({ questions }) => questions.length === 0)
    .sort((a, b) => a.startedMs - b.startedMs)
    .slice(0, mostUnderWay);
  return [...waiting, ...running].map(({ key, startedMs, run, nodes, settled, asked, questions, now }) => ({
    key,
    run,
    tookMs: nowMs - startedMs,
    settled,
    nodes,
    asked,
    now: [...now].slice(0, 6),
    questions,
  }));
}
