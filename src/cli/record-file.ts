import { readFile } from "node:fs/promises";
import { DagError, errorCode, errorMessage } from "../errors.js";
import {
  assertComparison,
  assertRecord,
  isMeantAsComparison,
  type RecordedComparison,
} from "../records/read-record.js";
import type { RunRecord } from "../records/record.js";
import { UsageError } from "./usage-error.js";

/** What a file of records holds. */
export type RecordFile =
  | { readonly kind: "record"; readonly record: RunRecord }
  | { readonly kind: "comparison"; readonly comparison: RecordedComparison };

/**
 * Reads a record or a comparison, as `agent-dag run --json` and `agent-dag compare --json` print them.
 * @throws UsageError that names the file and the first thing that is wrong with it.
 */
export async function readRecordFile(path: string): Promise<RecordFile> {
  const value = await readJson(path);
  return asUsage(() => {
    if (isMeantAsComparison(value)) {
      assertComparison(value, `"${path}"`);
      return { kind: "comparison", comparison: value };
    }
    assertRecord(value, `"${path}"`);
    return { kind: "record", record: value };
  });
}

/**
 * Reads a run's record, as `agent-dag run … --json` prints it.
 * @throws UsageError when the file cannot be read or holds no record.
 */
export async function loadRecord(path: string): Promise<RunRecord> {
  const value = await readJson(path);
  return asUsage(() => {
    assertRecord(value, `"${path}"`);
    return value;
  });
}

/**
 * Reads a file that should hold JSON that a command printed.
 * @throws UsageError when it cannot be read or is not JSON.
 */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new UsageError(
      `The record "${path}" cannot be read: ${why(error)}.`,
      "Give a file that `agent-dag run --json` or `agent-dag compare --json` wrote.",
      error,
    );
  }
}

function why(error: unknown): string {
  if (errorCode(error) === "ENOENT") return "there is no such file";
  return error instanceof SyntaxError ? `it is not JSON (${error.message})` : errorMessage(error);
}

function asUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DagError) throw new UsageError(error.message, undefined, error);
    throw error;
  }
}
