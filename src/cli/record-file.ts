import { readFile } from "node:fs/promises";
import { errorMessage } from "../errors.js";
import type { RunRecord } from "../records/record.js";
import { UsageError } from "./usage-error.js";

/**
 * Reads a run's record, as `agent-dag run … --json` prints it.
 * @throws UsageError when the file cannot be read or holds no record.
 */
export async function loadRecord(path: string): Promise<RunRecord> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new UsageError(`The record "${path}" cannot be read: ${errorMessage(error)}.`, undefined, error);
  }
  if (isRecord(value)) return value;
  throw new UsageError(
    `"${path}" holds no record of a run.`,
    "Write one with: agent-dag run <file> --json > RUN.json",
  );
}

function isRecord(value: unknown): value is RunRecord {
  return (
    typeof value === "object" &&
    value !== null &&
    "version" in value &&
    value.version === 1 &&
    "outcomes" in value &&
    "calls" in value &&
    "events" in value &&
    "dag" in value
  );
}
