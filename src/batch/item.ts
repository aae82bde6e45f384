import type { UsageSums } from "../records/events.js";
import { partsOf } from "../records/outcome.js";
import { addUsages, type RunRecord } from "../records/record.js";
import type { KnownRow, Spent, Standing } from "./row-table.js";

/** How a row ended: as a run does. `cancelled` and `interrupted` rows are not done, and are run again. */
export type BatchItemState = RunRecord["state"];

/** One input of a batch and what came of it: a line of the results file. */
export interface BatchItem<Output = unknown, Record = RunRecord> {
  /** Names the row: as `key` says, else the hash of its input, with `-2`, `-3` … where inputs are equal. */
  readonly key: string;
  /** Place among the inputs, from 0. */
  readonly index: number;
  /** How it ended. */
  readonly state: BatchItemState;
  /** `null` when there is none. */
  readonly output: Output | null;
  /** Why there is no output; `null` where there is one. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Requests and tokens of the row, those of earlier tries on its thread included. */
  readonly usage: UsageSums;
  /** US dollars; `null` when the price of a call is unknown. */
  readonly costUsd: number | null;
  /** How long its run took, in milliseconds. */
  readonly durationMs: number;
  /** First 16 hex digits of the SHA-256 of the input's canonical JSON. */
  readonly inputHash: string;
  /** Hash of the graph that made it. */
  readonly dag: string;
  /** Where the input stood, for inputs from files: `reviews.csv, line 4`. */
  readonly place?: string;
  /** What earlier tries of the row had used that are not in `usage`: lines that this one has replaced. */
  readonly before?: UsageSums;
  /** Whether the results file held it already, so that nothing was run. Not in the file. */
  readonly reused?: true;
  /**
   * The whole record, where the row was run now and somebody was reading; of a row that an engine's worker ran, only where records
   * are kept (`records`) or it waits for an answer. Not in the file.
   */
  readonly record?: Record;
}

/** What an item says of its row. */
export type RowFacts = Pick<BatchItem, "key" | "index" | "inputHash" | "dag" | "place" | "before">;

/** The item of a row that was run. What the batch's budget broke off reads as `cancelled`. */
export function itemOf(facts: RowFacts, record: RunRecord): BatchItem {
  const { key, index, ...others } = facts;
  const { reused: _, ...usage } = record.usage;
  const spent = record.state === "completed" ? null : budgetReason(record);
  const error = record.error === null ? null : { code: record.error.code, message: record.error.message };
  return {
    key,
    index,
    state: spent === null ? record.state : "cancelled",
    output: record.output,
    error: spent ?? error,
    usage,
    costUsd: usage.costUsd,
    durationMs: record.durationMs,
    ...others,
    record,
  };
}

/** The item of a row that could not be run: nothing was sent for it. */
export function failedItem(
  { key, index, ...others }: RowFacts,
  error: { readonly code: string; readonly message: string },
): BatchItem {
  const usage = addUsages([]);
  return { key, index, state: "failed", output: null, error, usage, costUsd: 0, durationMs: 0, ...others };
}

function budgetReason({ outcomes }: RunRecord): { code: string; message: string } | null {
  const stack = Object.values(outcomes);
  for (let outcome = stack.pop(); outcome !== undefined; outcome = stack.pop()) {
    const told = "reason" in outcome ? outcome.reason : "error" in outcome ? outcome.error : null;
    if (told?.code === "budget" || told?.code === "BUDGET_SPENT") {
      return { code: "BUDGET_SPENT", message: told.message };
    }
    stack.push(...partsOf(outcome));
  }
  return null;
}

/** Errors of the input itself: nothing was paid for such a row, and it is looked at again each time. */
const inputErrors = new Set(["INPUT_INVALID", "INPUT_NOT_JSON", "ROW_UNREADABLE", "ROW_KEY_INVALID"]);

/** Whether the error says that the row's own input cannot be used. */
export function isInputError(code: string | undefined): boolean {
  return code !== undefined && inputErrors.has(code);
}

/** Whether a row is done, has failed, or is still to be run. */
export function standingOf({ state, error }: Pick<BatchItem, "state" | "error">): Standing {
  if (state === "cancelled" || state === "interrupted") return "open";
  if (state !== "failed") return "done";
  return isInputError(error?.code) ? "open" : "failed";
}

/** What a row had used, earlier tries included. */
export function spentOn({ usage, before }: Pick<BatchItem, "usage" | "before">): Spent {
  const all = before === undefined ? [usage] : [usage, before];
  const sum = (of: (usage: UsageSums) => number | null) =>
    all.reduce((total, one) => total + (of(one) ?? 0), 0);
  return {
    modelCalls: sum((one) => one.modelCalls),
    tokens: sum((one) => one.inputTokens + one.outputTokens),
    costUsd: sum((one) => one.costUsd),
  };
}

/** What is known of a row from its line, which begins at `offset`. */
export function knownRow(item: BatchItem, offset: number): KnownRow {
  return { offset, inputHash: item.inputHash, standing: standingOf(item), spent: spentOn(item) };
}
