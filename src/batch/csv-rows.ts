import { closeSync, createReadStream, openSync, type ReadStream, readSync } from "node:fs";
import { type Info, parse } from "csv-parse";
import { DagError, errorMessage } from "../errors.js";
import { decoded, maxInputBytes } from "../spec/input-text.js";
import { toJsonSchema } from "../spec/schema.js";
import type { DagSpec } from "../spec/shape.js";
import type { RawRow } from "./input-row.js";

/** What a schema says of a field, as far as a cell's text is read by it. */
interface FieldForm {
  readonly types: readonly string[];
  readonly required: boolean;
}

/** A row that grows beyond this has a quote that is never closed, in bytes. */
const endlessBytes = 64 * 1024 * 1024;

/**
 * The rows of a CSV file by its header. A cell becomes a number, a boolean, a list or an object where the spec's input wants one and the
 * text is one, and stays a text otherwise; an empty cell of a field that may be missing is left out. Commas, semicolons or tabs
 * part the cells, whichever the header has.
 * @throws DagError `FILE_FORM` when the header cannot be used, `FILE_UNREADABLE`.
 */
export async function* csvRows(dag: DagSpec, path: string): AsyncGenerator<RawRow> {
  const { forms, isClosed } = inputForm(dag);
  let file: ReadStream | undefined;
  try {
    const { delimiter, start } = beginningOf(path);
    file = createReadStream(path, { start });
    const parser = parse({
      // Bytes as they are: what is no UTF-8 is told of its row, not replaced.
      encoding: "latin1",
      delimiter,
      info: true,
      relax_column_count: true,
      // A stray quote is a part of its cell.
      relax_quotes: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      max_record_size: endlessBytes,
    });
    let isOpen = false;
    parser.on("skip", () => {
      isOpen = true;
      // What follows would be read as the inside of the quote.
      parser.destroy();
    });
    file.on("error", (error) => parser.destroy(error));
    file.pipe(parser);
    let header: readonly string[] | null = null;
    let lastLine = 0;
    try {
      for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
        lastLine = info.lines;
        const cells = textsOf(record);
        if (header === null) {
          header = headerOf(cells, path);
          continue;
        }
        const within = record.reduce((sum, cell) => sum + (cell.match(/\n/g)?.length ?? 0), 0);
        const place = `${path}, line ${info.lines - within}`;
        if ("problem" in cells) {
          yield { place, problem: cells.problem };
          continue;
        }
        if (cells.length !== header.length) {
          const problem = `it has ${cells.length === 1 ? "1 cell" : `${cells.length} cells`}, and the header has ${header.length}`;
          yield { place, problem };
          continue;
        }
        const fields = fieldsOf(header, cells, forms);
        // A schema that takes nothing else is not given the columns that it does not know; a key may be among them.
        const known = () => Object.fromEntries(Object.entries(fields).filter(([name]) => forms.has(name)));
        yield isClosed ? { place, value: known(), fields } : { place, value: fields };
      }
    } catch (error) {
      // A parser that was ended before its end says so.
      if (!isOpen) throw error;
    }
    if (isOpen)
      yield { place: `${path}, line ${lastLine + 1}`, problem: "a quote is opened and never closed" };
  } catch (error) {
    if (error instanceof DagError) throw error;
    throw new DagError("FILE_UNREADABLE", `"${path}" cannot be read: ${errorMessage(error)}.`, {
      cause: error,
      hint: "Check the file.",
    });
  } finally {
    file?.destroy();
  }
}

/** The cells of a row as text, or why they are none. */
function textsOf(cells: readonly string[]): readonly string[] | { readonly problem: string } {
  const bytes = cells.reduce((sum, cell) => sum + cell.length, 0);
  if (bytes > maxInputBytes) return { problem: "it is larger than 1 MiB" };
  try {
    const texts = cells.map((cell) => (isAscii(cell) ? cell : decoded(Buffer.from(cell, "latin1"))));
    if (!texts.some((text) => text.includes("\0"))) return texts;
  } catch {
    // Told below.
  }
  return { problem: "it is not UTF-8 text" };
}

function isAscii(text: string): boolean {
  return !/[\x80-\xff]/.test(text);
}

function headerOf(names: readonly string[] | { readonly problem: string }, path: string): readonly string[] {
  if ("problem" in names) {
    throw new DagError("FILE_FORM", `The first line of "${path}" cannot be used: ${names.problem}.`, {
      facts: { file: path },
      hint: "Save the file as UTF-8, with the names of its columns in the first line.",
    });
  }
  const trimmed = names.map((name) => name.trim());
  const bad = trimmed.findIndex((name, i) => name === "" || trimmed.indexOf(name) !== i);
  if (bad < 0) return trimmed;
  const what = trimmed[bad] === "" ? "has no name" : `is named "${trimmed[bad]}" like another one`;
  throw new DagError("FILE_FORM", `Column ${bad + 1} of "${path}" ${what}.`, {
    facts: { file: path, column: bad + 1 },
    hint: "The first line has to name each column.",
  });
}

function fieldsOf(
  header: readonly string[],
  cells: readonly string[],
  forms: ReadonlyMap<string, FieldForm>,
): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.create(null);
  for (const [i, name] of header.entries()) {
    const value = readCell(cells[i] ?? "", forms.get(name));
    if (value !== undefined) fields[name] = value;
  }
  // Own properties only, also for a column called `__proto__`.
  return Object.setPrototypeOf(fields, Object.prototype);
}

/** A cell as its field's form has it; `undefined` where it is left out. */
function readCell(cell: string, form: FieldForm | undefined): unknown {
  if (form === undefined) return cell;
  const { types, required } = form;
  if (cell === "" && types.includes("null")) return null;
  if (cell === "" && !required) return undefined;
  if (types.includes("string")) return cell;
  const text = cell.trim();
  if (
    (types.includes("number") || types.includes("integer")) &&
    /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)
  ) {
    return Number(text);
  }
  if (types.includes("boolean") && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if (types.includes("array") || types.includes("object")) {
    try {
      const value: unknown = JSON.parse(text);
      if (types.includes(Array.isArray(value) ? "array" : value === null ? "null" : typeof value))
        return value;
    } catch {
      // The schema says what is wrong with it.
    }
  }
  return cell;
}

interface InputForm {
  readonly forms: ReadonlyMap<string, FieldForm>;
  /** Whether no other fields are taken. */
  readonly isClosed: boolean;
}

function inputForm(dag: DagSpec): InputForm {
  if (dag.input === undefined) return { forms: new Map(), isClosed: false };
  const schema = toJsonSchema(dag.input) as {
    properties?: Record<string, unknown>;
    required?: readonly string[];
    additionalProperties?: unknown;
  };
  const { properties = {}, required = [], additionalProperties } = schema;
  const forms = new Map(
    Object.entries(properties).map(([name, field]) => [
      name,
      { types: typesOf(field, 0), required: required.includes(name) },
    ]),
  );
  return { forms, isClosed: additionalProperties === false };
}

/** The JSON types that a schema allows; nothing is known of a schema that does not say. */
function typesOf(schema: unknown, depth: number): string[] {
  if (typeof schema !== "object" || schema === null || depth > 4) return ["string"];
  const { type, enum: choices, const: only, anyOf, oneOf } = schema as Record<string, unknown>;
  if (typeof type === "string") return [type];
  if (Array.isArray(type)) return type.map(String);
  const parts = [anyOf, oneOf].find(Array.isArray);
  if (parts !== undefined) return parts.flatMap((part: unknown) => typesOf(part, depth + 1));
  const values = Array.isArray(choices) ? choices : only === undefined ? [] : [only];
  return values.length === 0 ? ["string"] : values.map((value) => (value === null ? "null" : typeof value));
}

/** The sign that the first line has most of, outside of quotes, and where the text begins: behind its mark. */
function beginningOf(path: string): { readonly delimiter: string; readonly start: number } {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(64 * 1024);
    const bytes = buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0));
    const text = bytes.toString("utf8");
    const [line = ""] = text.replaceAll(/"(?:[^"]|"")*"/g, "").split(/\r?\n/);
    const counts = [",", ";", "\t"].map((sign) => [sign, line.split(sign).length] as const);
    const delimiter = counts.reduce((best, one) => (one[1] > best[1] ? one : best))[0];
    return { delimiter, start: text.startsWith("\uFEFF") ? 3 : 0 };
  } finally {
    closeSync(file);
  }
}
