import { parseInput } from "../../nodes/engine/scope.js";
import { DagError, errorMessage } from "../errors.js";
import { hashOf } from "../spec/canonical.js";
import { showValue } from "../spec/issue.js";
import { readPath } from "../spec/reference.js";
import type { DagSpec } from "../spec/shape.js";
import { RowTable } from "./row-table.js";

/** Names a row: a field of the input (dotted for one further down), or a function of it. */
export type RowKey<Input = any> = string | ((input: Input, index: number) => string | number);

/** An input together with what is known of where it came from: what readers of files give to `runMany`. */
export class InputRow {
  /** What the row is run with. */
  readonly input: unknown;
  /** `reviews.csv, line 4`; `null` where it came from nowhere. */
  readonly place: string | null;
  /** Names the row where there is no `key`: the path of its file. */
  readonly name: string | null;
  /** What stood beside the input in its file, where a key is looked for too: the other columns. */
  readonly fields: unknown;
  /** Why there is no input: its text cannot be read. */
  readonly problem: string | null;

  /** A row; what is not known of it is left out. */
  constructor(
    input: unknown,
    facts: {
      readonly place?: string;
      readonly name?: string;
      readonly fields?: unknown;
      readonly problem?: string;
    } = {},
  ) {
    this.input = input;
    this.place = facts.place ?? null;
    this.name = facts.name ?? null;
    this.fields = facts.fields;
    this.problem = facts.problem ?? null;
  }
}

/** A row as its file holds it, before it is fitted to the spec's input. */
export interface RawRow {
  readonly value?: unknown;
  readonly place: string;
  readonly name?: string;
  readonly fields?: unknown;
  readonly problem?: string;
}

/** A row that can be looked up, or why it cannot be used. */
export interface NamedRow {
  readonly key: string;
  readonly index: number;
  readonly input: unknown;
  readonly inputHash: string;
  readonly place: string | null;
  readonly error: DagError | null;
}

/** Gives a row its key and its hash. A row that cannot have them is named by its place among the inputs: `#3`. */
export function nameRow(given: unknown, index: number, key: RowKey | undefined, rows: RowTable): NamedRow {
  const row = isInputRow(given) ? given : new InputRow(given);
  const { input, place } = row;
  const unusable = (error: DagError, inputHash: string): NamedRow => {
    const name = `#${index}`;
    rows.turn(name);
    return { key: name, index, input, inputHash, place, error };
  };
  const where = place ?? `row ${index}`;
  if (row.problem !== null) {
    const error = new DagError("ROW_UNREADABLE", `${where}: ${row.problem}.`, { facts: { place, index } });
    return unusable(error, hashOf(row.problem));
  }
  let inputHash: string;
  try {
    inputHash = hashOf(input);
  } catch (error) {
    const said = errorMessage(error);
    const told = new DagError("INPUT_NOT_JSON", `${where}: the input is no JSON: ${said}.`, { cause: error });
    return unusable(told, hashOf(said));
  }
  if (key === undefined) {
    const base = row.name ?? inputHash;
    const turn = rows.turn(base);
    const own = turn === 1 ? base : `${base}-${turn}`;
    if (turn > 1) rows.turn(own);
    return { key: own, index, input, inputHash, place, error: null };
  }
  const wrong = (problem: string, hint: string) =>
    unusable(
      new DagError("ROW_KEY_INVALID", `${where}: ${problem}.`, { facts: { place, index }, hint }),
      inputHash,
    );
  let named: unknown;
  try {
    named = typeof key === "function" ? key(input, index) : (fieldOf(input, key) ?? fieldOf(row.fields, key));
  } catch (error) {
    return wrong(
      `its key could not be made: ${errorMessage(error)}`,
      "Let `key` give a text for every input.",
    );
  }
  const field = typeof key === "string" ? `the field "${key}"` : "what `key` gives";
  const isName = typeof named === "string" || (typeof named === "number" && Number.isFinite(named));
  if (!isName || named === "") {
    const found = named === undefined ? "missing" : named === "" ? "empty" : showValue(named);
    return wrong(`${field} is to name the row, and is ${found}`, "Give a text or a number.");
  }
  const name = String(named);
  if (/\0|\p{Surrogate}/u.test(name)) {
    return wrong(
      `${field} is ${JSON.stringify(name)}, which holds a NUL or half a character`,
      "Take it out: stores keep no such names.",
    );
  }
  if (rows.turn(name) > 1) {
    return wrong(
      `${field} is ${JSON.stringify(name)}, which an earlier row has`,
      "Give each row a key of its own.",
    );
  }
  return { key: name, index, input, inputHash, place, error: null };
}

/** A proxy among the inputs can throw even here; that is told of its row, where its input is looked at. */
function isInputRow(given: unknown): given is InputRow {
  try {
    return given instanceof InputRow;
  } catch {
    return false;
  }
}

function fieldOf(input: unknown, key: string): unknown {
  const isOwn = typeof input === "object" && input !== null && Object.hasOwn(input, key);
  return isOwn ? (input as Record<string, unknown>)[key] : readPath(input, key);
}

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
