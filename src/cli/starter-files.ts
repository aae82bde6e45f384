import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../errors.js";
import { packageFolder } from "../spec/package-json.js";
import { statFile } from "../stores/stat-file.js";
import { UsageError } from "./usage-error.js";

/** The starter projects by name; their files are in `templates/`. */
export const templates = {
  review: {
    what: "four specialists and a summary",
    start: "agent-dag run graph.ts --timeline",
    does: "run the graph",
  },
  revise: {
    what: "a loop that writes again until a critic is content",
    start: "agent-dag run graph.ts --timeline",
    does: "run the graph",
  },
  batch: {
    what: "one graph over the rows of a table",
    start: "agent-dag batch graph.ts rows.csv --key id --out results.jsonl",
    does: "run the graph over rows.csv; again: only what is left",
  },
  service: {
    what: "a graph behind HTTP, with an approval",
    start: "agent-dag serve graph.ts",
    does: "serve the graph; the page at the address that it prints answers its questions",
  },
} as const;

/** A starter project. */
export type Template = keyof typeof templates;

/** What a project is begun with. */
export interface StarterOptions {
  readonly template: Template;
  /** The project's package name, where it has none. */
  readonly name: string;
  /** Where `agent-dag` is installed from: a version range or a file. */
  readonly agentDag: string;
  /** Versions that this package was tested with, by package. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What `init` writes, and what it says about it. */
export interface Starter {
  /** New files by name. */
  readonly files: Readonly<Record<string, string>>;
  /** The project's package.json, new or changed. */
  readonly manifest: string;
  /** The script that runs the graph, and whether one tests it. */
  readonly scripts: { readonly start: string; readonly test: boolean };
}

/** The folder as it is found. */
interface Found {
  readonly names: readonly string[];
  readonly manifest: Manifest | null;
  /** The text of its package.json: it is written back with the same indent. */
  readonly text: string;
}

type Manifest = Readonly<Record<string, unknown>> & {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
};

/**
 * A small project for a folder that is new or empty, or for the project that is there: what it holds stays, and only what
 * is missing is added. Tests come along where the project has none of its own.
 * @throws UsageError where the folder holds something else, or files of the same names.
 */
export function starterFor(folder: string, shown: string, options: StarterOptions): Starter {
  const found = lookInto(folder, shown);
  const template = templateFiles(options.template);
  const { manifest, names } = found;
  const taken = Object.keys(template).filter((name) => names.includes(name));
  const isFull = manifest === null && names.length > 0;
  if (isFull || taken.length > 0) {
    const holds = isFull ? names : taken;
    throw new UsageError(
      `"${shown}" is not empty: it holds ${holds.slice(0, 3).join(", ")}${holds.length > 3 ? ", …" : ""}.`,
      isFull
        ? "Give the name of a new or empty folder, or of a project with a package.json."
        : "Move it away first, or give the name of another folder; nothing was written.",
    );
  }
  const test = manifest === null || !hasTests(manifest, names);
  const isModule = manifest === null || manifest.type === "module";
  const others: Record<string, string> = {
    "tsconfig.json": json(tsconfig),
    ".gitignore": "node_modules/\n",
    ...(test && { [isModule ? "jest.config.js" : "jest.config.mjs"]: jestConfig }),
    // A folder is installed as a package would be; linked, it would bring a second Jest's types along.
    ...(/^file:(?!.*\.tgz$)/.test(options.agentDag) && { ".npmrc": "install-links=true\n" }),
  };
  const missing = Object.entries(others).filter(([name]) => !names.includes(name));
  const own = Object.entries(template).filter(([name]) => test || !name.endsWith(".test.ts"));
  const start = manifest?.scripts?.start === undefined ? "start" : "graph";
  return {
    files: Object.fromEntries([...own, ...missing]),
    manifest: manifestOf(found, options, { start, test }),
    scripts: { start, test },
  };
}

function lookInto(folder: string, shown: string): Found {
  const stat = statFile(folder);
  if (stat === undefined) return { names: [], manifest: null, text: "" };
  if (!stat.isDirectory())
    throw new UsageError(`"${shown}" is a file.`, "Give the name of a new or empty folder.");
  const names = readdirSync(folder).filter((name) => name !== ".git");
  if (!names.includes("package.json")) return { names, manifest: null, text: "" };
  try {
    const text = readFileSync(join(folder, "package.json"), "utf8").replace(/^\uFEFF/, "");
    const manifest: unknown = JSON.parse(text);
    if (typeof manifest !== "object" || manifest === null || Array.isArray(manifest))
      throw new Error("It holds no object.");
    return { names, manifest: manifest as Manifest, text };
  } catch (error) {
    throw new UsageError(
      `The package.json in "${shown}" cannot be read: ${errorMessage(error)}`,
      "Mend it first; nothing was written.",
      error,
    );
  }
}

/** Whether a project has tests: a script that runs them, or a runner's configuration. */
function hasTests(manifest: Manifest, names: readonly string[]): boolean {
  const script = manifest.scripts?.test ?? "";
  const stated = script !== "" && !script.includes("no test specified");
  return stated || "jest" in manifest || names.some((name) => /^(jest|vitest|vite)\.config\./.test(name));
}

function manifestOf(
  { manifest, text }: Found,
  { template, name, agentDag, versions }: StarterOptions,
  { start, test }: Starter["scripts"],
): string {
  const pick = (names: readonly string[]) =>
    Object.fromEntries(names.flatMap((one) => (versions[one] === undefined ? [] : [[one, versions[one]]])));
  const dependencies = {
    ...pick(["@langchain/core", "@langchain/langgraph", "@langchain/openai"]),
    "agent-dag": agentDag,
    ...pick(["zod"]),
  };
  const tools = pick(
    test ? ["@jest/globals", "@swc/core", "@swc/jest", "jest", "typescript"] : ["typescript"],
  );
  const scripts = {
    [start]: templates[template].start,
    ...(test && { test: "NODE_OPTIONS=--experimental-vm-modules jest" }),
  };
  if (manifest === null) {
    const fresh = { name, version: "0.1.0", private: true, type: "module" };
    return json({ ...fresh, scripts, dependencies, devDependencies: tools });
  }
  const known = { ...manifest.dependencies, ...manifest.devDependencies };
  const added = (more: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(more).filter(([one]) => !(one in known)));
  const merged = {
    ...manifest,
    scripts: { ...manifest.scripts, ...scripts },
    dependencies: sorted({ ...manifest.dependencies, ...added(dependencies) }),
    devDependencies: sorted({ ...manifest.devDependencies, ...added(tools) }),
  };
  const indent = /^[{\s]*\n([ \t]+)"/.exec(text)?.[1] ?? "  ";
  return `${JSON.stringify(merged, null, indent)}\n`;
}

const sorted = (record: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** A template's own files. */
function templateFiles(template: Template): Record<string, string> {
  const folder = join(packageFolder(), "templates", template);
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    names.map(({ name }) => [name, readFileSync(join(folder, name), "utf8")] as const),
  );
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

const tsconfig = {
  compilerOptions: { target: "ES2022", module: "NodeNext", strict: true, skipLibCheck: true, noEmit: true },
};

const jestConfig = `export default {
  setupFilesAfterEnv: ["agent-dag/jest"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\\\.ts$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "es6" } }],
  },
  moduleNameMapper: { "^(\\\\.{1,2}/.*)\\\\.js$": "$1" },
};
`;
