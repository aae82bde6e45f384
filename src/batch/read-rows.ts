import { createReadStream, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import type { Readable } from "node:stream";
import { DagError, errorMessage } from "../errors.js";
import { fillText, maxInputBytes, textOf, wantsText } from "../spec/input-text.js";
import type { DagSpec } from "../spec/shape.js";
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
    return [(dag) => lineRows(stdin, "standard input", wantsText(dag) ? "text" : "json")];
  }
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined && /[*?[{]/.test(path)) return matching(path);
  if (stat === undefined) {
    throw unreadable(
      `There is no file or folder "${path}".`,
      "Check the path, seen from the current folder.",
    );
  }
  if (stat.isDirectory()) return filesIn(path, (name) => isText(name), `The folder "${path}"`);
  const ending = extname(path).toLowerCase();
  if (ending === ".jsonl" || ending === ".ndjson")
    return [() => lineRows(createReadStream(path), path, "lines")];
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

/** Files below a folder in the order of their names. */
function filesIn(folder: string, fits: (name: string) => boolean, what: string): Part[] {
  const names = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter(fits)
    .sort();
  if (names.length === 0) throw unreadable(`${what} holds no .txt or .md files.`, "Give another one.");
  return names.map((name) => () => textFile(join(folder, name), name));
}

/** A pattern with `*`, `**`, `?`, `[abc]` and `{a,b}`, for shells that do not read it themselves. */
function matching(pattern: string): Part[] {
  const at = pattern.search(/[*?[{]/);
  const slash = pattern.lastIndexOf("/", at);
  const folder = slash < 0 ? "." : pattern.slice(0, slash) || "/";
  const fits = patternOf(pattern.slice(slash + 1));
  const what = `The pattern "${pattern}"`;
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw unreadable(
      `${what} matches no file: there is no folder "${folder}".`,
      "Check it, seen from the current folder.",
    );
  }
  return filesIn(folder, (name) => fits.test(name) && isText(name), what);
}

function patternOf(pattern: string): RegExp {
  const parts = pattern.match(/\*\*\/|\*\*|\*|\?|\[[^\]]+\]|\{[^{}]*\}|[^*?[{]+|./gs) ?? [];
  const plain = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const source = parts.map((part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
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
    const problems = {
      large: "it is larger than 1 MiB",
      "not-text": "it is not UTF-8 text",
      empty: "it is empty",
    };
    yield { place, name, problem: problems[read.problem] };
  }
}

/** A file that is one JSON list. */
async function* listRows(path: string): AsyncGenerator<RawRow> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw form(`"${path}" cannot be read: ${errorMessage(error)}.`);
  }
  if (!Array.isArray(value)) throw form(`"${path}" holds no list.`);
  for (const [i, item] of value.entries()) yield { value: item, place: `${path}, item ${i + 1}` };
}

/**
 * Lines of JSON; `json` and `text` may also be one JSON list over several lines, and in a `text` a line that is no JSON string stands for
 * itself.
 */
async function* lineRows(
  stream: Readable,
  what: string,
  kind: "lines" | "json" | "text",
): AsyncGenerator<RawRow> {
  let number = 0;
  let list: string[] | null = null;
  try {
    for await (const bytes of lines(stream)) {
      number++;
      const place = `${what}, line ${number}`;
      if (list !== null) {
        list.push(bytes.toString("utf8"));
        continue;
      }
      const read = textOf(bytes);
      if ("problem" in read) {
        if (read.problem === "empty") continue;
        yield {
          place,
          problem: read.problem === "large" ? "it is larger than 1 MiB" : "it is not UTF-8 text",
        };
        continue;
      }
      const text = number === 1 ? read.text.replace(/^\uFEFF/, "") : read.text;
      const parsed = parse(text);
      if (parsed.problem === undefined) {
        const isOwn = kind === "text" && typeof parsed.value !== "string" && !isRecord(parsed.value);
        yield { place, value: isOwn ? text : parsed.value };
      } else if (kind !== "lines" && text.trimStart().startsWith("[") && number === 1) list = [text];
      else if (kind === "text") yield { place, value: text };
      else yield { place, problem: `it is not JSON: ${parsed.problem}` };
    }
  } catch (error) {
    if (error instanceof DagError) throw error;
    throw unreadable(`${what} cannot be read: ${errorMessage(error)}.`, "Check the file.", error);
  }
  if (list === null) return;
  const parsed = parse(list.join("\n"));
  if (!Array.isArray(parsed.value))
    throw form(`${what} begins like a JSON list and is none: ${parsed.problem}.`);
  for (const [i, value] of parsed.value.entries()) yield { value, place: `${what}, item ${i + 1}` };
}

function parse(text: string): { readonly value?: unknown; readonly problem?: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: errorMessage(error) };
  }
}

/** Lines of bytes; of one that is far too long only as much as shows that. */
async function* lines(stream: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  const take = (part: Buffer) => {
    if (size <= maxInputBytes) parts.push(part);
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
      if (isText && isRecord(value)) return new InputRow(textIn(value), { ...facts, fields: value });
      return new InputRow(typeof value === "string" ? fillText(dag, value) : value, facts);
    } catch (error) {
      return new InputRow(undefined, { ...facts, problem: errorMessage(error) });
    }
  };
}

/** The text of a row with several fields, for a graph that takes a text: `text`, `input`, or the only field that holds one. */
function textIn(row: Readonly<Record<string, unknown>>): string {
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
    `the graph takes a text, and the fields do not say which of them it is: ${names}`,
    {
      hint: 'Call it "text".',
    },
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
