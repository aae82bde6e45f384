import { createLogUpdate } from "log-update";
import type { BatchItem } from "../batch/item.js";
import { shorten } from "../report/plain-text.js";
import { dollars } from "../report/run-summary.js";
import type { ProgressOptions, ProgressStream } from "./progress.js";

/** A line that shows how far a batch is. */
export interface BatchProgress {
  add(item: BatchItem): void;
  /** Tells how many rows there are, once that is known. */
  setTotal(rows: number): void;
  /** Draws the last state and gives the cursor back. */
  end(): void;
}

const frameMs = 150;

/** Without a terminal a line is printed this often, in milliseconds. */
const lineEveryMs = 10_000;

/** Rows over which the rate is measured, in milliseconds back. */
const rateWindowMs = 30_000;

/** Shows a batch on a stream: one line that is redrawn on a terminal, else a line every ten seconds. */
export function createBatchProgress(stream: ProgressStream, { isTerminal }: ProgressOptions): BatchProgress {
  let total: number | null = null;
  let [done, ran, failed, costUsd, unpriced] = [0, 0, 0, 0, false];
  const marks: { atMs: number; ran: number }[] = [{ atMs: performance.now(), ran: 0 }];

  const line = () => {
    const nowMs = performance.now();
    marks.push({ atMs: nowMs, ran });
    while (marks.length > 2 && nowMs - (marks[1]?.atMs ?? nowMs) > rateWindowMs) marks.shift();
    const from = marks[0] ?? { atMs: nowMs, ran };
    const rate = nowMs > from.atMs ? ((ran - from.ran) / (nowMs - from.atMs)) * 1000 : 0;
    const parts = [
      total === null ? `${whole(done)} rows` : `${whole(done)}/${whole(total)} rows`,
      `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`,
      ...(total !== null && total > done && rate > 0 ? [`${spoken((total - done) / rate)} left`] : []),
      unpriced ? "cost unknown" : dollars(costUsd),
      `${whole(failed)} failed`,
    ];
    return shorten(parts.join(" · "), Math.max(20, stream.columns || 80) - 1);
  };
  const screen = Object.create(stream, {
    columns: { get: () => stream.columns || 80 },
    rows: { get: () => stream.rows || 24 },
    write: { value: (text: string) => stream.write(text) },
  });
  const draw = isTerminal ? createLogUpdate(screen as NodeJS.WriteStream) : null;
  const show = () => {
    if (draw === null) stream.write(`${line()}\n`);
    else draw(line());
  };
  const timer = setInterval(show, isTerminal ? frameMs : lineEveryMs);
  timer.unref();

  return {
    add(item) {
      done++;
      if (item.state === "failed") failed++;
      if (item.reused) return;
      ran++;
      if (item.costUsd === null) unpriced = true;
      else costUsd += item.costUsd;
    },
    setTotal(rows) {
      total = rows;
    },
    end() {
      clearInterval(timer);
      if (draw === null) return;
      draw(line());
      draw.done();
    },
  };
}

/** A time as a person says it: `40 s`, `3 min`, `2 h 10 min`. */
function spoken(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function whole(count: number): string {
  return count.toLocaleString("en-US");
}
