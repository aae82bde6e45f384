import { validateRunOptions } from "../../nodes/engine/run-option-rules.js";
import { type DagIssue, DagValidationError } from "../errors.js";
import type { RunEvent } from "../records/events.js";
import type { RunRecord } from "../records/record.js";
import type { RunDagOptions } from "../run/run.js";
import { validateNumber } from "../spec/bounds.js";
import { wrongValue } from "../spec/issue.js";
import type { DagSpec } from "../spec/shape.js";
import type { RowKey } from "./input-row.js";
import type { BatchItem } from "./item.js";

/** Which row of a batch. */
export type RowName = Pick<BatchItem, "key" | "index">;

/** Options of `runMany`: those of `run`, for every row, and the batch's own. Limits and budgets are the batch's. */
export interface RunManyOptions<Input = any> extends Omit<RunDagOptions, "thread"> {
  /** Most rows under way at once, an integer of at least 1. @default 8 */
  readonly concurrency?: number;
  /**
   * Names each row: a field of the input (dotted for one further down), or a function of it. With it a changed row replaces its
   * old result; without it rows are known by their content. @default the hash of the input
   */
  readonly key?: RowKey<Input>;
  /** The results file, `.jsonl`: one line a row, and what the batch goes on from when it is started again. @default none */
  readonly results?: string;
  /** Also runs again the rows that the results file holds as failed. @default false */
  readonly retryFailed?: boolean;
  /** Also runs again the rows that another version of the graph had made. @default false */
  readonly retryChanged?: boolean;
  /** Starts no more rows once more than so many have failed, or more than a share of them: `"5%"`. @default no end */
  readonly maxFailures?: number | `${number}%`;
  /** Folder that each row's whole record is written to, as `KEY.json`. @default none */
  readonly records?: string;
  /** Under which the rows' threads stand at the checkpointer; the batch's name at its engine. @default the spec's name and the results file */
  readonly thread?: string;
  /**
   * Where the rows are put for workers on any machine to take: `postgres://user:password@host:port/database` or
   * `redis://user:password@host:port/0`. `concurrency` is then the most rows that are there at once. @default none: rows are run here
   */
  readonly engine?: string;
  /** Once aborted, no further row is started and those that run are finished. `signal` aborts them too. */
  readonly finish?: AbortSignal;
  /**
   * Takes the events of each row's runs, beside `onEvent`, with the row that they are of. Of rows that an engine's workers run: a
   * moment later, without the pieces of replies, and without some where the store does not keep up.
   */
  readonly onRowEvent?: (event: RunEvent, row: RowName) => void;
  /**
   * Asked where a row waits for a person, with a checkpointer or an engine only: gives answers by node, `null` to leave it waiting.
   * Up to 128 rows that wait take no slot. @default it ends as `interrupted`
   */
  readonly answer?: (record: RunRecord, row: RowName) => Promise<Readonly<Record<string, unknown>> | null>;
  /** Told what there is to know before the first row is run. */
  readonly onNotice?: (message: string) => void;
}

/**
 * The options of each row's run.
 * @throws DagValidationError carrying every issue.
 */
export function assertBatchOptions(spec: DagSpec, inputs: unknown, options: RunManyOptions): RunDagOptions {
  const given = typeof options === "object" && options !== null ? options : ({} as RunManyOptions);
  const {
    concurrency,
    key,
    results,
    retryFailed,
    retryChanged,
    maxFailures,
    records,
    thread,
    engine,
    ...others
  } = given;
  const { finish, onNotice, onRowEvent, answer, ...runOptions } = others;
  const calls: [string, unknown][] = [
    ["onNotice", onNotice],
    ["onRowEvent", onRowEvent],
    ["answer", answer],
  ];
  const isText = (value: unknown) => value === undefined || (typeof value === "string" && value !== "");
  const texts: [string, unknown][] = [
    ["results", results],
    ["records", records],
    ["thread", thread],
    ["engine", engine],
  ];
  const isSwitch = (value: unknown) => value === undefined || typeof value === "boolean";
  const issues: DagIssue[] = [
    ...(isIterable(inputs) ? [] : [wrongValue("inputs", inputs, "a list or an (async) iterable of inputs")]),
    ...validateRunOptions(spec, options === given ? runOptions : options),
    ...validateNumber(concurrency, "concurrency", { min: 1, integer: true }),
    ...(isText(key) || typeof key === "function"
      ? []
      : [wrongValue("key", key, "the name of a field, or a function")]),
    ...texts
      .filter(([, value]) => !isText(value))
      .map(([name, value]) => wrongValue(name, value, "a path or a name")),
    ...calls
      .filter(([, value]) => value !== undefined && typeof value !== "function")
      .map(([name, value]) => wrongValue(name, value, "a function")),
    ...(isSwitch(retryFailed) ? [] : [wrongValue("retryFailed", retryFailed, "true or false")]),
    ...(isSwitch(retryChanged) ? [] : [wrongValue("retryChanged", retryChanged, "true or false")]),
    ...(isTolerance(maxFailures)
      ? []
      : [wrongValue("maxFailures", maxFailures, 'a number of rows, or a share as "5%"')]),
    ...(finish === undefined || finish instanceof AbortSignal
      ? []
      : [wrongValue("finish", finish, "an AbortSignal")]),
  ];
  if (issues.length > 0) throw new DagValidationError("The options", issues);
  return runOptions;
}

function isIterable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { [Symbol.asyncIterator]: slow, [Symbol.iterator]: quick } = value as {
    [Symbol.asyncIterator]?: unknown;
    [Symbol.iterator]?: unknown;
  };
  return typeof (slow ?? quick) === "function";
}

function isTolerance(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value === "number") return Number.isInteger(value) && value >= 0;
  if (typeof value !== "string" || !/^\d+(\.\d+)?%$/.test(value)) return false;
  return Number(value.slice(0, -1)) <= 100;
}
