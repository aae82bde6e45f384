import { createReadStream, type Dirent, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Readable } from "node:stream";
import { DagError, errorMessage } from "../errors.js";
import {
  decoded,
  fillText,
  maxInputBytes,
  type TextProblem,
  takesMessages,
  textOf,
  wantsText,
} from "../spec/input-text.js";
import { toJsonSchema } from "../spec/schema.js";
import type { DagSpec } from "../spec/shape.js";
import { statFile } from "../stores/stat-file.js";
import { csvRows } from "./csv-rows.js";
import { InputRow, type RawRow } from "./input-row.js";

/** Where rows are read from. */
export interface RowSource {
  /** Rows one by one; each call begins anew. */
  rows(): AsyncGenerator<InputRow>;
  /** Whether they can be read but once: standard input. */
  readonly once: boolean;
}

const textEndings = [".txt", ".md"];

/**
 * Reads inputs from `.jsonl` (one JSON value a line), `.csv` and `.tsv` (columns to fields), a `.json` list, folders and patterns of
 * `.txt` and `.md` files, single ones of them, and `-` (standard input: JSON lines, a JSON list, or lines of text for a graph that takes a
 * text). A row that cannot be read comes as a row with a problem that names its file and line.
 * @throws DagError `FILE_UNREADABLE`, `FILE_FORM` when there is nothing to read or a whole file cannot be.
 */
export function readRows(dag: DagSpec, paths: readonly string[], stdin?: Readable): RowSource {
  const parts = paths.flatMap((path) => partsOf(path, stdin));
  if (parts.length === 0)
    throw unreadable("There is nothing to read.", "Give a file, a folder, a pattern or -.");
  const toInput = fitter(dag);
  return {
    once: paths.includes("-"),
    async *rows() {
      for (const part of parts) for await (const raw of part(dag)) yield toInput(raw);
    },
  };
}

type Part = (dag: DagSpec) => AsyncIterable<RawRow>;

function partsOf(path: string, stdin: Readable | undefined): Part[] {
  if (path === "-") {
    if (stdin === undefined) throw unreadable("There is no standard input here.", "Give a file.");
    return [(dag) => stdinRows(dag, stdin)];
  }
  const stat = statFile(path);
  if (stat === undefined && /[*?[{]/.test(path)) return matching(path);
  if (stat === undefined) {
    throw unreadable(
      `There is no file or folder "${path}".`,
      "Check the path, seen from the current folder.",
    );
  }
  if (stat.isDirectory()) return filesIn(path, isText, `The folder "${path}"`);
  const ending = extname(path).toLowerCase();
  if (ending === ".jsonl" || ending === ".ndjson") return [() => lineRows(path)];
  if (ending === ".csv" || ending === ".tsv") return [(dag) => csvRows(dag, path)];
  if (ending === ".json") return [() => listRows(path)];
  if (isText(path)) return [() => textFile(path, path)];
  throw unreadable(
    `"${path}" cannot be read as inputs: its ending is "${ending}".`,
    "Give .jsonl, .csv, .tsv, .json, .txt or .md files, a folder of texts, or -.",
  );
}

function isText(path: string): boolean {
  return textEndings.includes(extname(path).toLowerCase());
}

/** Whether a link leads to a file; one that leads nowhere, in a ring or to what may not be seen does not. */
function isLinkedFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Files below a folder in the order of their names; links to files count, links to folders are not followed.
 * @param depth How many folders down to look: a pattern of one folder in a large one does not read all that is below.
 */
function filesIn(
  folder: string,
  fits: (name: string) => boolean,
  what: string,
  depth = Number.POSITIVE_INFINITY,
): Part[] {
  const names = [...namesBelow(folder, "", depth)].filter(fits).sort();
  if (names.length === 0) throw unreadable(`${what} holds no .txt or .md files.`, "Give another one.");
  return names.map((name) => () => textFile(join(folder, name), name));
}

/** Files by their paths from a folder, parted by `/`. */
function* namesBelow(folder: string, below: string, depth: number): Generator<string> {
  const here = join(folder, below);
  let entries: Dirent[];
  try {
    entries = readdirSync(here, { withFileTypes: true });
  } catch (error) {
    throw unreadable(
      `The folder "${here}" cannot be read: ${errorMessage(error)}.`,
      "Allow it, or give a pattern that leaves it out.",
      error,
    );
  }
  for (const entry of entries) {
    const name = `${below}${entry.name}`;
    if (entry.isDirectory()) {
      if (depth > 0) yield* namesBelow(folder, `${name}/`, depth - 1);
    } else if (entry.isFile() || (entry.isSymbolicLink() && isLinkedFile(join(folder, name)))) yield name;
  }
}

/** A pattern with `*`, `**`, `?`, `[abc]` and `{a,b}`, for shells that do not read it themselves. */
function matching(pattern: string): Part[] {
  const at = pattern.search(/[*?[{]/);
  const slash = pattern.lastIndexOf("/", at);
  const folder = slash < 0 ? "." : pattern.slice(0, slash) || "/";
  const rest = pattern.slice(slash + 1);
  const fits = patternOf(rest);
  const depth = rest.includes("**") ? Number.POSITIVE_INFINITY : rest.split("/").length - 1;
  const what = `The pattern "${pattern}"`;
  if (statFile(folder)?.isDirectory() !== true) {
    throw unreadable(
      `${what} matches no file: there is no folder "${folder}".`,
      "Check it, seen from the current folder.",
    );
  }
  return filesIn(folder, (name) => fits.test(name) && isText(name), what, depth);
}

function patternOf(pattern: string): RegExp {
  const parts = pattern.match(/(?:\*\*\/)+|\*{2,}|\*|\?|\[[^\]]+\]|\{[^{}]*\}|[^*?[{]+|./gs) ?? [];
  const plain = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const source = parts.map((part) => {
    if (part.startsWith("**")) return part.endsWith("/") ? "(?:.*/)?" : ".*";
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.startsWith("[") && part.endsWith("]"))
      return `[${part.slice(1, -1).replace(/^!/, "^").replaceAll("\\", "\\\\")}]`;
    if (part.startsWith("{") && part.endsWith("}"))
      return `(?:${part.slice(1, -1).split(",").map(plain).join("|")})`;
    return plain(part);
  });
  return new RegExp(`^${source.join("")}$`, "s");
}

const problems: Readonly<Record<TextProblem, string>> = {
  large: "it is larger than 1 MiB",
  "not-text": "it is not UTF-8 text",
  empty: "it is empty",
};

async function* textFile(path: string, name: string): AsyncGenerator<RawRow> {
  const place = path;
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    yield { place, name, problem: `it cannot be read: ${errorMessage(error)}` };
    return;
  }
  const read = textOf(bytes);
  if ("text" in read) yield { place, name, value: read.text };
  else {
    yield { place, name, problem: problems[read.problem] };
  }
}

/** A file that is one JSON list. */
async function* listRows(path: string): AsyncGenerator<RawRow> {
  let value: unknown;
  try {
    value = JSON.parse(decoded(await readFile(path)));
  } catch (error) {
    throw form(`"${path}" cannot be read: ${errorMessage(error)}.`);
  }
  if (!Array.isArray(value)) throw form(`"${path}" holds no list.`);
  yield* itemsOf(value, path);
}

function* itemsOf(list: readonly unknown[], what: string): Generator<RawRow> {
  for (const [i, value] of list.entries()) yield { value, place: `${what}, item ${i + 1}` };
}

/** A line of a file or of standard input. */
interface Line {
  readonly bytes: Buffer;
  readonly place: string;
}

/** How lines are read: of one that is far too long only as much as shows that, unless it may be a whole list. */
interface LineReading {
  keepsLong: boolean;
}

/** May stand before UTF-8 text. */
const mark = Buffer.from("\uFEFF");

/** Lines that are not blank, as they come. */
async function* filledLines(stream: Readable, what: string, reading: LineReading): AsyncGenerator<Line> {
  let number = 0;
  try {
    for await (const line of lines(stream, reading)) {
      const place = `${what}, line ${++number}`;
      const bytes =
        number === 1 && line.subarray(0, mark.length).equals(mark) ? line.subarray(mark.length) : line;
      if (bytes.some((byte) => byte > 0x20)) yield { bytes, place };
    }
  } catch (error) {
    throw unreadable(`${what} cannot be read: ${errorMessage(error)}.`, "Check the file.", error);
  }
}

/** Lines of JSON. */
async function* lineRows(path: string): AsyncGenerator<RawRow> {
  for await (const line of filledLines(createReadStream(path), path, { keepsLong: false })) {
    yield* rowOf(line, false);
  }
}

/**
 * Standard input: lines of JSON, or one JSON list on one line or several. For a graph that takes a text a line that is no JSON string
 * or object stands for itself.
 */
async function* stdinRows(dag: DagSpec, stream: Readable): AsyncGenerator<RawRow> {
  const what = "standard input";
  const isText = wantsText(dag);
  const reading = { keepsLong: true };
  const all = filledLines(stream, what, reading);
  const take = async () => {
    const next = await all.next();
    return next.done === true ? undefined : next.value;
  };
  const first = await take();
  if (first === undefined) return;
  const held = [first];
  const opening = first.bytes.toString("utf8", 0, 64);
  if ((isText ? /^\s*\[\s*(["{\]]|$)/ : /^\s*\[/).test(opening)) {
    const alone = listIn(held);
    // A list on one line is all of them only where no other line follows; of a graph that takes a list it is one input.
    for (let next = await take(); next !== undefined; next = await take()) {
      held.push(next);
      if (alone !== null) break;
    }
    const list = held.length === 1 && alone !== null && takesList(dag, alone) ? null : listIn(held);
    if (list !== null) return yield* itemsOf(list, what);
    if (alone === null && !isText) {
      throw form(`${what} begins like a JSON list and is none: ${parse(textIn(held)).problem}.`);
    }
  }
  reading.keepsLong = false;
  for (const line of held) yield* rowOf(line, isText);
  for await (const line of all) yield* rowOf(line, isText);
}

function listIn(held: readonly Line[]): readonly unknown[] | null {
  const { value } = parse(textIn(held));
  return Array.isArray(value) ? value : null;
}

function textIn(held: readonly Line[]): string {
  return held.map(({ bytes }) => bytes.toString("utf8")).join("\n");
}

/** Whether one input of the graph is a list as this one. */
function takesList(dag: DagSpec, list: readonly unknown[]): boolean {
  if (dag.input === undefined) return false;
  const isList = takesMessages(dag) || toJsonSchema(dag.input).type === "array";
  return isList && !(list.length > 0 && list.every(Array.isArray));
}

/** The row of a line; `isText`: what is no JSON string or object is a text as it stands. */
function* rowOf({ bytes, place }: Line, isText: boolean): Generator<RawRow> {
  const read = textOf(bytes);
  if ("problem" in read) {
    if (read.problem !== "empty") yield { place, problem: problems[read.problem] };
    return;
  }
  const text = read.text.replace(/\r$/, "");
  const { value, problem } = parse(text);
  if (isText) yield { place, value: typeof value === "string" || isRecord(value) ? value : text };
  else if (problem === undefined) yield { place, value };
  else yield { place, problem: `it is not JSON: ${problem}` };
}

function parse(text: string): { readonly value?: unknown; readonly problem?: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: errorMessage(error) };
  }
}

/** Lines of bytes. */
async function* lines(stream: Readable, reading: LineReading): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  const take = (part: Buffer) => {
    if (reading.keepsLong || size <= maxInputBytes) parts.push(part);
    size += part.length;
  };
  const line = () => {
    const whole = Buffer.concat(parts);
    parts = [];
    size = 0;
    return whole;
  };
  for await (const read of stream) {
    const chunk = Buffer.from(read as Uint8Array | string);
    let from = 0;
    for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
      take(chunk.subarray(from, to));
      from = to + 1;
      yield line();
    }
    if (from < chunk.length) take(chunk.subarray(from));
  }
  if (size > 0) yield line();
}

/** Fits what a file holds to the spec's input, as `--text` does. */
function fitter(dag: DagSpec): (raw: RawRow) => InputRow {
  const isText = wantsText(dag);
  return ({ value, place, name, fields, problem }) => {
    const facts = { place, ...(name !== undefined && { name }), ...(fields !== undefined && { fields }) };
    if (problem !== undefined) return new InputRow(undefined, { ...facts, problem });
    try {
      if (isText && isRecord(value)) return new InputRow(onlyTextOf(value), { ...facts, fields: value });
      return new InputRow(typeof value === "string" ? fillText(dag, value) : value, facts);
    } catch (error) {
      return new InputRow(undefined, { ...facts, problem: errorMessage(error) });
    }
  };
}

/** The text of a row with several fields, for a graph that takes a text: `text`, `input`, or the only field that holds one. */
function onlyTextOf(row: Readonly<Record<string, unknown>>): string {
  for (const name of ["text", "input"]) {
    const value = Object.hasOwn(row, name) ? row[name] : undefined;
    if (typeof value === "string") return value;
  }
  const texts = Object.entries(row).filter(
    ([name, value]) => typeof value === "string" && !/^(id|key)$/i.test(name),
  );
  const [only, ...others] = texts;
  if (only !== undefined && others.length === 0) return only[1] as string;
  const names = Object.keys(row).join(", ") || "none";
  throw new DagError(
    "INPUT_INVALID",
    `the graph takes a text, and of the fields (${names}) none is called "text"`,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function form(message: string): DagError {
  return new DagError("FILE_FORM", message, {
    hint: "Give a JSON list of inputs, or .jsonl with one input a line.",
  });
}

function unreadable(message: string, hint: string, cause?: unknown): DagError {
  return new DagError("FILE_UNREADABLE", message, { hint, cause });
}
