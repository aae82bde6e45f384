import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, it } from "@jest/globals";

/** The rooms in the order of the one arrow: a file imports only from its own room and from earlier ones. */
const rooms = [
  ["errors", /^src\/errors\.ts$/],
  ["spec", /^src\/spec\//],
  ["records", /^src\/records\//],
  ["limits", /^src\/limits\//],
  ["models", /^src\/(models|offline)\//],
  ["stores", /^src\/stores\//],
  ["nodes", /^nodes\//],
  ["graphs", /^graphs\//],
  ["run", /^src\/run\//],
  ["compare", /^src\/compare\//],
  ["report", /^src\/report\//],
  ["page", /^src\/page\//],
  ["testing", /^src\/(testing|jest)\//],
  ["index", /^src\/index\.ts$/],
  ["cli", /^src\/cli\//],
] as const;

const root = resolve(".");
const files = ["src", "nodes", "graphs"].flatMap((folder) => sourceFiles(join(root, folder)));

it("gives every source file a room", () => {
  expect(files.filter((file) => roomOf(file) === -1)).toEqual([]);
});

it("lets every file import only from its own room and earlier ones", () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => roomOf(target) > roomOf(file))
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

it("has no ring of files, type imports included", () => {
  const graph = new Map(files.map((file) => [file, importsOf(file)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, trail: string[]) => {
    if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file].join(" -> "));
    else if (!done.has(file)) {
      for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
      done.add(file);
    }
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

it("keeps source files at 400 lines or fewer, under names that say what they hold", () => {
  const lines = (file: string) => readFileSync(join(root, file), "utf8").split("\n").length - 1;
  const wordList = /^src\/offline\/lexicon\//;
  expect(files.filter((file) => !wordList.test(file) && lines(file) > 400)).toEqual([]);
  expect(files.filter((file) => /\/(utils?|helpers?|common|types|misc)\.ts$/.test(file))).toEqual([]);
});

it("reads the environment only in the command line and in model resolution", () => {
  const readers = files.filter((file) => /process\.env\b/.test(readFileSync(join(root, file), "utf8")));
  const allowed = /^src\/(cli\/|models\/(choose|resolve)\.ts$)/;
  expect(readers.filter((file) => !allowed.test(file))).toEqual([]);
});

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

function roomOf(file: string): number {
  return rooms.findIndex(([, pattern]) => pattern.test(file));
}

/** Relative imports of a file, as paths from the root; `values` leaves out `import type`. */
function importsOf(file: string, kind: "all" | "values" = "all"): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^;"]*?from\s+)?"(\.[^"]+)"|import\("(\.[^"]+)"\)/g;
  return [...text.matchAll(pattern)]
    .filter((match) => kind === "all" || match[2] === undefined)
    .map((match) => match[3] ?? match[4] ?? "")
    .filter((path) => path.endsWith(".js"))
    .map((path) => relative(root, join(root, dirname(file), path)).replace(/\.js$/, ".ts"));
}
