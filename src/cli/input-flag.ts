import { createReadStream, readFileSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import type { Readable } from "node:stream";
import { parse as parseYaml } from "yaml";
import { errorMessage } from "../errors.js";
import { fillText, maxInputBytes, takesMessages, textOf, wantsText } from "../spec/input-text.js";
import { checkAgainstAsync } from "../spec/schema.js";
import type { DagSpec } from "../spec/shape.js";
import { statFile } from "../stores/stat-file.js";
import type { Io } from "./io.js";
import { UsageError } from "./usage-error.js";

export interface InputFlags {
  readonly text?: string;
  /** A file, or `-` for standard input. */
  readonly input?: string;
}

/**
 * The run's input from the flags, else the graph file's example, checked against the spec's input.
 * @throws UsageError when there is none, or when it is empty, binary, above 1 MiB, unreadable or does not fit.
 */
export async function readInput(dag: DagSpec, flags: InputFlags, example: unknown, io: Io): Promise<unknown> {
  if (flags.text !== undefined && flags.input !== undefined) {
    throw new UsageError("Both --text and --input were given.", "Give one of them.");
  }
  const input = await givenInput(dag, flags, example, io);
  await assertFits(dag, input);
  return input;
}

async function givenInput(dag: DagSpec, flags: InputFlags, example: unknown, io: Io): Promise<unknown> {
  if (flags.text !== undefined) return fillText(dag, assertText(Buffer.from(flags.text), "--text"));
  if (flags.input === "-") {
    const text = assertText(await readAll(io.stdin, "standard input"), "standard input");
    return wantsText(dag) ? fillText(dag, text) : (parseOr(text) ?? fillText(dag, text));
  }
  if (flags.input !== undefined) {
    const text = assertText(await readFileBytes(flags.input), `"${flags.input}"`);
    if (!isData(flags.input)) return fillText(dag, text);
    const data = parseData(text, flags.input);
    return takesMessages(dag) ? withFiles(data, dirname(flags.input)) : data;
  }
  if (example !== undefined) return example;
  throw new UsageError(
    `"${dag.name}" needs an input, and the graph file has no example of one.`,
    'Give --text "…" or --input FILE (- for standard input).',
  );
}

async function readFileBytes(file: string): Promise<Buffer> {
  const stat = statFile(file);
  if (stat === undefined)
    throw new UsageError(
      `There is no input file "${file}".`,
      "Check the path, seen from the current folder.",
    );
  if (stat.isDirectory()) throw new UsageError(`The input "${file}" is a folder.`, "Give a file.");
  return readAll(createReadStream(file), `"${file}"`);
}

async function readAll(stream: Readable, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > maxInputBytes) throw tooLarge(what);
      chunks.push(bytes);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `The input from ${what} could not be read: ${errorMessage(error)}.`,
      undefined,
      error,
    );
  }
  return Buffer.concat(chunks);
}

function assertText(bytes: Buffer, what: string): string {
  const read = textOf(bytes);
  if ("text" in read) return read.text;
  if (read.problem === "large") throw tooLarge(what);
  if (read.problem === "not-text") throw notText(what);
  throw new UsageError(`The input from ${what} is empty.`, "Give a text to work on.");
}

function tooLarge(what: string): UsageError {
  return new UsageError(
    `The input from ${what} is larger than 1 MiB.`,
    "Give a smaller one, or split it with `forEach`.",
  );
}

function notText(what: string): UsageError {
  return new UsageError(
    `The input from ${what} is not text: it holds bytes that are not UTF-8 text.`,
    "Convert it to text first.",
  );
}

function isData(file: string): boolean {
  return [".json", ".yaml", ".yml"].includes(extname(file).toLowerCase());
}

function parseData(text: string, file: string): unknown {
  try {
    return extname(file).toLowerCase() === ".json"
      ? JSON.parse(text)
      : parseYaml(text, { maxAliasCount: 50 });
  } catch (error) {
    throw new UsageError(`The input "${file}" cannot be parsed: ${errorMessage(error)}`, undefined, error);
  }
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Largest image or file of a conversation, in bytes: 20 MiB. */
const maxMediaBytes = 20 * 1024 * 1024;

const mediaTypes: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".pdf": "application/pdf",
  ".json": "application/json",
  ".csv": "text/csv",
  ".md": "text/markdown",
  ".txt": "text/plain",
};

/** A conversation whose parts name files by `path`, seen from the input's folder, with those files read. */
function withFiles(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((one) => withFiles(one, folder));
  if (typeof value !== "object" || value === null) return value;
  const { path, ...part } = value as Record<string, unknown>;
  if (
    typeof path === "string" &&
    (part.type === "image" || part.type === "file") &&
    part.data === undefined
  ) {
    const mediaType = part.mediaType ?? mediaTypes[extname(path).toLowerCase()];
    const data = readMediaFile(resolve(folder, path), path).toString("base64");
    return {
      ...part,
      name: part.name ?? basename(path),
      ...(mediaType !== undefined && { mediaType }),
      data,
    };
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withFiles(inner, folder)]));
}

function readMediaFile(file: string, shown: string): Buffer {
  const stat = statFile(file);
  if (stat === undefined || !stat.isFile())
    throw new UsageError(`There is no file "${shown}".`, "Write its path as seen from the input's folder.");
  if (stat.size > maxMediaBytes)
    throw new UsageError(`The file "${shown}" is larger than 20 MiB.`, "Give a smaller one.");
  return readFileSync(file);
}

async function assertFits(dag: DagSpec, input: unknown): Promise<void> {
  if (dag.input === undefined) {
    if (typeof input === "string") return;
    throw new UsageError(`"${dag.name}" takes a text as its input.`, 'Give --text "…" or a .txt file.');
  }
  const checked = await checkAgainstAsync(dag.input, input);
  if (checked.ok) return;
  const problems = checked.message.split("\n").map((line) => `\n  ${line}`);
  throw new UsageError(`The input does not fit the input of "${dag.name}":${problems.join("")}`);
}
