import { createRequire } from "node:module";
import { extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { errorMessage } from "../errors.js";
import { assertValid } from "../spec/assert-valid.js";
import { loadDagFile } from "../spec/load.js";
import type { DagSpec } from "../spec/shape.js";
import { statFile } from "../stores/stat-file.js";
import { UsageError } from "./usage-error.js";

/** A graph from a file, and the sample input that stands beside it. */
export interface GraphFile {
  readonly dag: DagSpec;
  /** `undefined` when the file has none. */
  readonly example: unknown;
  readonly path: string;
}

const scriptExtensions = new Set([".ts", ".mts", ".js", ".mjs"]);
const dataExtensions = new Set([".yaml", ".yml", ".json"]);

/**
 * Loads the graph that `file` names: `graph.yaml`, `graph.json`, `graph.ts`, or `graph.ts#name` for one of several exports.
 * @throws UsageError when there is no such file or no such graph in it; DagValidationError when the graph is invalid.
 */
export async function loadGraphFile(file: string): Promise<GraphFile> {
  const [name = "", exportName] = splitOnce(file, "#");
  const path = resolve(name);
  assertFile(path, name);
  const extension = extname(path).toLowerCase();
  if (dataExtensions.has(extension)) return { ...(await loadDagFile(name)), path };
  if (scriptExtensions.has(extension))
    return { ...pickGraph(await importScript(path, name), name, exportName), path };
  throw new UsageError(
    `"${name}" is not a graph file: its ending is "${extension}".`,
    "Give a .ts, .js, .yaml or .json file.",
  );
}

/**
 * As {@link loadGraphFile}, the graph checked.
 * @throws DagValidationError carrying every issue.
 */
export async function loadValidGraph(file: string): Promise<GraphFile> {
  const loaded = await loadGraphFile(file);
  assertValid(loaded.dag);
  return loaded;
}

function assertFile(path: string, name: string): void {
  const stat = statFile(path);
  if (stat === undefined)
    throw new UsageError(`There is no file "${name}".`, "Check the path, seen from the current folder.");
  if (!stat.isFile())
    throw new UsageError(`"${name}" is not a file.`, "Give the path of a .ts, .js, .yaml or .json file.");
}

async function importScript(path: string, name: string): Promise<Record<string, unknown>> {
  const { createJiti } = await import("jiti");
  const jiti = createJiti(pathToFileURL(path).href, {
    fsCache: false,
    interopDefault: false,
    alias: ownAlias(path),
  });
  try {
    return await jiti.import<Record<string, unknown>>(path);
  } catch (error) {
    if (error instanceof Error && "issues" in error) throw error;
    const place = placeIn(path, error);
    throw new UsageError(
      `"${name}" could not be loaded${place === null ? "" : ` (line ${place})`}: ${errorMessage(error).split("\n")[0]}`,
      undefined,
      error,
    );
  }
}

/** The line and column of the file that a syntax error names, `null` where it names none. */
function placeIn(path: string, error: unknown): string | null {
  const text = error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : "";
  const at = text.indexOf(`${path}:`);
  const [, line, column] = at < 0 ? [] : (/^:(\d+):(\d+)/.exec(text.slice(at + path.length)) ?? []);
  return line === undefined ? null : `${line}, column ${column}`;
}

/** Lets a graph file that has no installation of its own import this package by its name. */
function ownAlias(path: string): Record<string, string> {
  try {
    createRequire(pathToFileURL(path)).resolve("agent-dag/package.json");
    return {};
  } catch {
    const own = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
    return {
      "agent-dag/testing": own("../testing/index.js"),
      "agent-dag/jest": own("../jest/index.js"),
      "agent-dag/serve": own("../serve/index.js"),
      "agent-dag": own("../index.js"),
    };
  }
}

function pickGraph(
  module: Record<string, unknown>,
  file: string,
  exportName: string | undefined,
): Omit<GraphFile, "path"> {
  const graphs = Object.entries(module).filter((entry): entry is [string, DagSpec] => looksLikeDag(entry[1]));
  const names = [...new Map(graphs.map(([name, dag]) => [dag, name])).values()];
  const example = module.input;
  if (exportName !== undefined) {
    const dag = graphs.find(([name]) => name === exportName)?.[1];
    if (dag !== undefined) return { dag, example };
    throw new UsageError(
      `"${file}" has no graph named "${exportName}".`,
      names.length === 0 ? "It exports no graph." : `Its graphs are: ${names.join(", ")}.`,
    );
  }
  const [first] = graphs;
  if (first === undefined) {
    throw new UsageError(
      `"${file}" exports no graph.`,
      "Export what `defineDag` returned, for example `export const review = defineDag({ … })`.",
    );
  }
  if (names.length > 1) {
    throw new UsageError(
      `"${file}" exports several graphs: ${names.join(", ")}.`,
      `Name one, for example "${file}#${names[0]}".`,
    );
  }
  return { dag: first[1], example };
}

function looksLikeDag(value: unknown): value is DagSpec {
  return (
    typeof value === "object" &&
    value !== null &&
    "nodes" in value &&
    typeof value.nodes === "object" &&
    value.nodes !== null &&
    "name" in value &&
    typeof value.name === "string"
  );
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.lastIndexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
