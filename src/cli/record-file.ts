import { readFile } from "node:fs/promises";
import { DagError, errorCode, errorMessage } from "../errors.js";
import {
  assertComparison,
  assertRecord,
  isMeantAsComparison,
  type RecordedComparison,
} from "../records/read-record.js";
import type { RunRecord } from "../records/record.js";
import type { DagSpec } from "../spec/shape.js";
import { type Io, tell } from "./io.js";
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
 * The record that `--reuse` names, `undefined` without one. One of another graph is taken too, for what it has in common
 * with this one, and said to be.
 * @throws UsageError as {@link loadRecord}.
 */
export async function recordToReuse(
  path: string | undefined,
  dag: DagSpec,
  io: Io,
): Promise<RunRecord | undefined> {
  if (path === undefined) return undefined;
  const record = await loadRecord(path);
  if (record.dag.name !== dag.name)
    tell(
      io.stderr,
      `The record "${path}" is of the graph "${record.dag.name}", not of "${dag.name}": only nodes that are the same in both are taken over.\n`,
    );
  return record;
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
