import { setTimeout as sleep } from "node:timers/promises";
import { defaultTopology, type Topology } from "../../graphs/topology.js";
import { listener } from "../../nodes/engine/instrument.js";
import { DagError, errorCode, errorMessage } from "../errors.js";
import { drawnAnew } from "../models/simulate-latency.js";
import type { RunEvent } from "../records/events.js";
import { addUsages, type RunRecord } from "../records/record.js";
import { type RunDagOptions, resume, run } from "../run/run.js";
import { dagHash, hashOf } from "../spec/canonical.js";
import type { DagSpec } from "../spec/shape.js";
import type { NamedRow } from "./input-row.js";
import { type BatchItem, failedItem, isInputError, itemOf, type RowFacts } from "./item.js";
import type { KnownRow } from "./row-table.js";
import { ThreadBudget } from "./thread-budget.js";

/** A thread whose last driver died is free within 15 s; longer than this, in milliseconds, no row waits for its thread. */
const longestWaitMs = 30_000;

/** What a row is run with. */
export interface RowRun {
  readonly spec: DagSpec;
  /** Of the batch: the limiter and the budget in them are shared by its rows. */
  readonly options: RunDagOptions;
  /** Under which the rows' threads stand at the checkpointer. */
  readonly threads: string;
  /** What the results file holds of the row. */
  readonly known: KnownRow | undefined;
  /** The line that it holds of the row. */
  readonly line: BatchItem | undefined;
  /** Takes the events of the row's runs. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Asked where the row waits for a person; gives answers by node, `null` to leave it waiting. */
  readonly answer?: (record: RunRecord) => Promise<Readonly<Record<string, unknown>> | null>;
}

/**
 * Runs one row. With a checkpointer each row has a thread of its own, by its key, its input and the graph: a row that was
 * broken off goes on there, and one that had ended is not run again. Rejects only with what every row would meet: a missing
 * key, a store that fails.
 */
export async function runRow(
  row: NamedRow,
  { spec, options, threads, known, line, onEvent, answer }: RowRun,
): Promise<BatchItem> {
  const { key, index, inputHash, place, error } = row;
  const isSame = known?.inputHash === inputHash;
  const facts: RowFacts = {
    key,
    index,
    inputHash,
    dag: dagHash(spec),
    ...(place !== null && { place }),
    ...beforeOf(line, options.checkpointer !== undefined && isSame),
  };
  if (error !== null) return failedItem(facts, { code: error.code, message: error.message });
  const budget = budgetOnThread(options, isSame ? line : undefined);
  const own: RunDagOptions = {
    ...options,
    ...((options.use !== undefined || onEvent !== undefined) && {
      use: [
        ...(options.use ?? []).map((one) => drawnAnew(one, index)),
        ...(onEvent === undefined ? [] : [listener(onEvent)]),
      ],
    }),
    ...(options.checkpointer !== undefined && {
      thread: threadOfRow(spec, threads, row, options.topology),
    }),
    ...(budget !== null && { limits: { ...options.limits, budget } }),
  };
  try {
    let record = await onItsThread(spec, row.input, own, isSame);
    const { checkpointer, thread } = own;
    while (record.state === "interrupted" && answer !== undefined && checkpointer && thread !== undefined) {
      const given = await answer(record);
      if (given === null) break;
      budget?.ran(record.usage);
      record = await resume(spec, { ...own, checkpointer, thread, answer: given });
    }
    return itemOf(facts, record);
  } catch (error) {
    const code = errorCode(error);
    if (error instanceof DagError && !isInputError(code) && code !== "THREAD_BUSY") throw error;
    const message = errorMessage(error);
    return failedItem(facts, { code, message: place === null ? message : `${place}: ${message}` });
  }
}

/** The thread of a row: by its key, its input and what it is run with. */
export function threadOfRow(
  spec: DagSpec,
  threads: string,
  { key, inputHash }: Pick<NamedRow, "key" | "inputHash">,
  topology: Topology = defaultTopology,
): string {
  return `${threads}/${key}/${hashOf([inputHash, dagHash(spec), topology])}`;
}

/** What the batch has counted of the row's thread is what its line tells of it; lines that this one had replaced are others' runs. */
function budgetOnThread(
  { checkpointer, limits }: RunDagOptions,
  line: BatchItem | undefined,
): ThreadBudget | null {
  if (checkpointer === undefined || limits?.budget === undefined) return null;
  return new ThreadBudget(limits.budget, line?.usage ?? addUsages([]));
}

/** A row that failed, or was broken off, is taken up again with all that did not complete. */
async function onItsThread(
  spec: DagSpec,
  input: unknown,
  options: RunDagOptions,
  again: boolean,
): Promise<RunRecord> {
  const { checkpointer, thread = "", signal } = options;
  const until = performance.now() + longestWaitMs;
  for (;;) {
    try {
      if (checkpointer === undefined || !again) return await run(spec, input, options);
      try {
        return await resume(spec, { ...options, checkpointer, thread, retryFailed: true });
      } catch (error) {
        if (errorCode(error) !== "THREAD_UNKNOWN") throw error;
        return await run(spec, input, options);
      }
    } catch (error) {
      if (errorCode(error) !== "THREAD_BUSY" || performance.now() > until || signal?.aborted) throw error;
      const { waitMs } = (error as DagError).facts;
      await sleep(Math.min(1000, typeof waitMs === "number" ? waitMs + 50 : 1000), undefined, {
        ...(signal !== undefined && { signal }),
      }).catch(() => {});
    }
  }
}

/** What earlier tries had used: on a thread of its own the record tells of the last one itself. */
function beforeOf(line: BatchItem | undefined, onThread: boolean): Pick<BatchItem, "before"> {
  if (line === undefined) return {};
  const all = [...(onThread ? [] : [line.usage]), ...(line.before === undefined ? [] : [line.before])];
  const spent = all.filter(({ modelCalls }) => modelCalls > 0);
  return spent.length === 0 ? {} : { before: addUsages(spent) };
}
