import { parseInput } from "../../nodes/engine/scope.js";
import { errorMessage } from "../errors.js";
import type { DagSpec } from "../spec/shape.js";
import { type InputRow, nameRow, type RowKey } from "./input-row.js";
import { RowTable } from "./row-table.js";

/** A row that could not be run. */
export interface RowIssue {
  readonly index: number;
  /** Names file, line and field where they are known. */
  readonly message: string;
}

/** Every row that cannot be read, has no key of its own, or does not fit the spec's input: before anything is run. */
export async function* checkRows(
  spec: DagSpec,
  rows: Iterable<unknown> | AsyncIterable<unknown | InputRow>,
  key?: RowKey,
): AsyncGenerator<RowIssue> {
  const table = new RowTable();
  let index = 0;
  for await (const given of rows) {
    const row = nameRow(given, index++, key, table);
    if (row.error !== null) {
      yield { index: row.index, message: row.error.message };
      continue;
    }
    try {
      await parseInput(spec, row.input);
    } catch (error) {
      yield { index: row.index, message: `${row.place ?? `row ${row.index}`}: ${errorMessage(error)}` };
    }
  }
}
