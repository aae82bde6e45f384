import type { BatchSummary } from "../batch/summary.js";
import { listenForInterrupt } from "./interrupt.js";
import { type Io, tell, write, writeJson, writePainted } from "./io.js";

/** What `--follow`, `--cancel` and `--forget` are given. */
export interface EngineFlags {
  readonly engine: string;
  readonly json: boolean;
  /** Also writes the rows into this file. */
  readonly out: string | undefined;
}

/** What a batch came to, in a status and in words. */
interface SummaryReading {
  readonly exitCodeOf: (summary: BatchSummary) => number;
  readonly noticesOf: (summary: BatchSummary, out: string | null) => readonly string[];
}

/** `agent-dag batch --follow ID`: looks on at a batch until it has ended; Ctrl-C leaves, and the batch goes on. */
export async function followCommand(
  id: string,
  { engine, json, out }: EngineFlags,
  io: Io,
  { exitCodeOf, noticesOf }: SummaryReading,
): Promise<number> {
  const { followBatch } = await import("../batch/engine/follow-batch.js");
  const { ResultsFile } = await import("../batch/results-file.js");
  const { RowTable } = await import("../batch/row-table.js");
  const { renderBatch } = await import("../report/batch-summary.js");
  const { createBatchProgress } = await import("./batch-progress.js");
  const rows = new RowTable();
  const file = out === undefined ? null : await ResultsFile.open(out, rows, "");
  const progress = createBatchProgress(io.stderr, { isTerminal: io.isTerminal, color: io.colorErr });
  const interrupt = listenForInterrupt(() =>
    tell(io.stderr, "\nLeaving: the batch goes on without anybody who looks on.\n"),
  );
  let summary: BatchSummary;
  try {
    const batch = followBatch(id, {
      engine,
      signal: interrupt.signal,
      onTotal: (total) => progress.setTotal(total),
    });
    for await (const item of batch) {
      progress.add(item);
      if (file?.find(item.key)?.inputHash !== item.inputHash) await file?.append(item);
    }
    summary = await batch.summary;
  } finally {
    progress.end();
    interrupt.close();
    await file?.close(false);
  }
  if (json) await writeJson(io.stdout, summary);
  else await writePainted(io.stdout, renderBatch(summary, { width: io.columns }));
  for (const line of noticesOf(summary, null)) await write(io.stderr, `${line}\n`);
  return exitCodeOf(summary);
}

/** `agent-dag batch --cancel ID`: ends a batch, and the rows that run. */
export async function cancelCommand(id: string, { engine, json }: EngineFlags, io: Io): Promise<void> {
  const { cancelBatch } = await import("../batch/engine/follow-batch.js");
  const { done, before } = await cancelBatch(id, { engine });
  if (json) return writeJson(io.stdout, { batch: id, done, before });
  const rows = done === 1 ? "1 row is done" : `${done} rows are done`;
  await write(
    io.stdout,
    before === null
      ? `Batch ${id} is cancelled: ${rows}; the command that began it goes on with the rest.\n`
      : `Batch ${id} had ended before (${before}): ${rows}.\n`,
  );
}

/** `agent-dag batch --forget ID`: deletes all that the engine holds of a batch that has ended. */
export async function forgetCommand(id: string, { engine, json }: EngineFlags, io: Io): Promise<void> {
  const { forgetBatch } = await import("../batch/engine/follow-batch.js");
  const { rows } = await forgetBatch(id, { engine });
  if (json) return writeJson(io.stdout, { batch: id, rows });
  const lines = rows === 1 ? "1 row" : `${rows} rows`;
  await write(
    io.stdout,
    `Batch ${id} is forgotten: ${lines}. Results files stay as they are.
`,
  );
}
