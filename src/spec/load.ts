import { realpath } from "node:fs/promises";
import { dirname, extname, isAbsolute, relative, resolve } from "node:path";
import { DagError, type DagIssue, DagValidationError } from "../errors.js";
import { nearest } from "./did-you-mean.js";
import { type FileSource, parseSource } from "./file-source.js";
import { loadText } from "./file-text.js";
import { freezeData } from "./freeze.js";
import { assertArgument, type Fields, isPlainObject, issue, pathSteps, pathTo, showValue } from "./issue.js";
import { messagesJsonSchema } from "./messages.js";
import { withComposedNames } from "./names.js";
import { checkAgainst } from "./schema.js";
import type { DagSpec, JsonSchema } from "./shape.js";
import { validate } from "./validate.js";

/** What a file holds. */
export interface DagFile {
  /** The DAG, frozen; DAGs of graph nodes are read from their own files. */
  readonly dag: DagSpec;
  /** A sample input that fits the DAG's input schema; `undefined` when the file has none. */
  readonly example: unknown;
}

/**
 * Loads a DAG from a YAML or JSON file.
 * @throws DagValidationError carrying every issue, each with its line and column.
 * @throws DagError when the file cannot be read.
 */
export async function loadDag(path: string): Promise<DagSpec> {
  return (await loadDagFile(path)).dag;
}

/**
 * Loads a DAG and the sample input that its file holds.
 * @throws DagValidationError carrying every issue, each with its line and column.
 * @throws DagError when the file cannot be read.
 */
export async function loadDagFile(path: string): Promise<DagFile> {
  assertArgument("loadDag", typeof path === "string", ["path", path, "the path of a file"]);
  const loading: Loading = { top: resolve(path), files: new Map(), issues: [], isBroken: false };
  const file = await loadFile(resolve(path), loading, []);
  const { source } = file;
  const dag = withComposedNames(file.dag);
  const found = [...loading.issues];
  // A file that does not parse makes the rest of what could be said a guess.
  if (!loading.isBroken) {
    found.push(
      ...validate(dag)
        .slice(0, mostIssues)
        .map((one) => located(withExample(one), file)),
    );
    found.push(
      ...validateExample(file.example, dag).map((one) => ({ ...one, ...source.placeOf(["example"]) })),
    );
  }
  if (found.length > 0) throw new DagValidationError(`"${path}"`, found);
  return { dag: freezeData(dag) as DagSpec, example: freezeData(file.example) };
}

/** A file has one field more than a spec: its sample input. */
function withExample(one: DagIssue): DagIssue {
  const meant = one.code === "unknown-option" && nearest(one.path, ["example"]) !== undefined;
  return meant ? { ...one, hint: 'Did you mean "example"?' } : one;
}

/** Most issues of one file that are told: finding the place of each takes time. */
const mostIssues = 200;

interface LoadedFile {
  readonly path: string;
  readonly source: FileSource;
  readonly dag: unknown;
  readonly example: unknown;
  /** Files of the DAGs of its graph nodes, by node name. */
  readonly inner: Map<string, LoadedFile>;
}

interface Loading {
  readonly top: string;
  /** Every file is read once. */
  readonly files: Map<string, LoadedFile>;
  readonly issues: DagIssue[];
  /** Whether one of them does not parse. */
  isBroken: boolean;
}

/** Stands for the DAG of a graph node whose file cannot be used, so that the other nodes are looked at all the same. */
const missingDag = { name: "missing", nodes: { missing: { instructions: "-" } } };

async function loadFile(path: string, loading: Loading, around: readonly string[]): Promise<LoadedFile> {
  const text = await loadText(path);
  const source = parseSource(text, formOf(path));
  loading.issues.push(...source.issues.map((one) => inFile(one, path, loading)));
  loading.isBroken ||= source.issues.length > 0;
  const { dag, example } = splitExample(source.value);
  const file: LoadedFile = { path, source, dag, example, inner: new Map() };
  const real = await realpath(path);
  loading.files.set(real, file);
  if (!isPlainObject(dag) || !isPlainObject(dag.nodes)) return file;
  const nodes: Record<string, unknown> = { ...dag.nodes };
  for (const [name, node] of Object.entries(nodes)) {
    if (!isPlainObject(node) || node.dag === undefined) continue;
    const inner = await loadInner(node.dag, name, file, loading, [...around, real]);
    if (inner !== undefined) file.inner.set(name, inner);
    nodes[name] = { ...node, dag: inner?.dag ?? missingDag };
  }
  Object.assign(dag, { nodes });
  return file;
}

async function loadInner(
  link: unknown,
  name: string,
  file: LoadedFile,
  loading: Loading,
  around: readonly string[],
): Promise<LoadedFile | undefined> {
  const steps = ["nodes", name, "dag"];
  const path = pathTo(pathTo("nodes", name), "dag");
  const report = (code: string, message: string, hint: string) => {
    loading.issues.push(
      inFile({ ...issue(code, path, message, hint), ...file.source.placeOf(steps) }, file.path, loading),
    );
    return undefined;
  };
  if (typeof link !== "string" || link === "" || isAbsolute(link) || /^[a-z][a-z0-9+.-]+:/i.test(link)) {
    return report(
      "bad-dag-path",
      `${showValue(link)} is not a relative path.`,
      "Write the path relative to this file.",
    );
  }
  const target = resolve(dirname(file.path), link);
  try {
    const real = await realpath(target);
    if (around.includes(real)) {
      const chain = [...around.slice(around.indexOf(real)), real]
        .map((one) => nameOf(one, loading))
        .join(" → ");
      return report(
        "file-cycle",
        `The files contain each other: ${chain}.`,
        "Let one of them go without the other.",
      );
    }
    return loading.files.get(real) ?? (await loadFile(target, loading, around));
  } catch (error) {
    if (error instanceof DagError)
      return report("bad-dag-file", error.message, "Correct the path, or the file.");
    return report(
      "bad-dag-file",
      `"${link}" cannot be read: there is no such file.`,
      "Correct the path; it is relative to this file.",
    );
  }
}

function formOf(path: string): "yaml" | "json" {
  const extension = extname(path).toLowerCase();
  if (extension === ".yaml" || extension === ".yml") return "yaml";
  if (extension === ".json") return "json";
  throw new DagError("FILE_FORM", `"${path}" is not a YAML or JSON file.`, {
    facts: { path },
    hint: "Give a .yaml, .yml or .json file; import a TypeScript or JavaScript file instead.",
  });
}

function splitExample(value: unknown): { dag: unknown; example: unknown } {
  if (!isPlainObject(value)) return { dag: value, example: undefined };
  const { example, $schema: _editorOnly, ...dag } = value;
  const isChat = dag.input === "messages";
  return { dag: isChat ? { ...dag, input: messagesJsonSchema() } : dag, example };
}

/** Puts an issue of the whole into the file that it stands in, with line and column. */
function located(found: DagIssue, top: LoadedFile): DagIssue {
  let file = top;
  let steps = pathSteps(found.path);
  for (;;) {
    const [nodes, name, dag] = steps;
    const inner =
      nodes === "nodes" && dag === "dag" && steps.length > 3 ? file.inner.get(String(name)) : undefined;
    if (inner === undefined) break;
    file = inner;
    steps = steps.slice(3);
  }
  const placed = { ...found, ...file.source.placeOf(steps) };
  return file === top
    ? placed
    : { ...placed, message: `In "${relative(dirname(top.path), file.path)}": ${found.message}` };
}

function inFile(found: DagIssue, path: string, loading: Loading): DagIssue {
  return path === loading.top
    ? found
    : { ...found, message: `In "${nameOf(path, loading)}": ${found.message}` };
}

function nameOf(path: string, { top }: Loading): string {
  return relative(dirname(top), path);
}

function validateExample(example: unknown, dag: unknown): DagIssue[] {
  if (example === undefined || !isPlainObject(dag)) return [];
  const reason = misfit(example, dag);
  if (reason === undefined) return [];
  return [
    issue(
      "bad-example",
      "example",
      `The example does not fit the input: ${reason}.`,
      "Correct the example, or the input schema.",
    ),
  ];
}

function misfit(example: unknown, { input }: Fields): string | undefined {
  if (input === undefined)
    return typeof example === "string" ? undefined : `it has to be text, but is ${showValue(example)}`;
  try {
    const result = checkAgainst(input as JsonSchema, example);
    return result.ok ? undefined : result.message.replaceAll("\n", "; ");
  } catch {
    return undefined; // the schema has an issue of its own
  }
}
