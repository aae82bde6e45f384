import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, it } from "@jest/globals";

/** The rooms in the order of the one arrow: a file imports only from its own room and from earlier ones. */
const rooms = [
  ["errors", /^src\/errors\.ts$/],
  ["spec", /^src\/spec\//],
  ["records", /^src\/records\//],
  ["limits", /^src\/limits\//],
  ["models", /^src\/models\//],
  ["offline", /^src\/offline\//],
  ["stores", /^src\/stores\//],
  ["nodes", /^nodes\//],
  ["graphs", /^graphs\//],
  ["run", /^src\/run\//],
  ["compare", /^src\/compare\//],
  ["batch", /^src\/batch\//],
  ["report", /^src\/report\//],
  ["page", /^src\/page\//],
  ["telemetry", /^src\/telemetry\//],
  ["serve", /^src\/serve\//],
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
      .filter((target) => roomOf(target) > roomOf(file) && !isResolvedLazily(file, target))
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

it("names the offline model's room only in model resolution, lazily, and in the public entry", () => {
  const naming = files
    .filter((file) => !file.startsWith("src/offline/"))
    .flatMap((file) =>
      importsOf(file)
        .filter((to) => to.startsWith("src/offline/"))
        .map((to) => `${file} -> ${to}`),
    );
  expect(naming.sort()).toEqual([
    "src/index.ts -> src/offline/chat-model.ts",
    "src/models/resolve.ts -> src/offline/offline-model.ts",
  ]);
  expect(importsOf("src/models/resolve.ts", "eager")).not.toContain("src/offline/offline-model.ts");
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

it("keeps source files at 450 lines or fewer, under names that say what they hold", () => {
  const lines = (file: string) => readFileSync(join(root, file), "utf8").split("\n").length - 1;
  expect(files.filter((file) => lines(file) > 450)).toEqual([]);
  expect(files.filter((file) => /\/(utils?|helpers?|common|types|misc)\.ts$/.test(file))).toEqual([]);
});

it("reads the environment only in the command line, in model resolution and to keep its keys out", () => {
  const readers = files.filter((file) => /process\.env\b/.test(readFileSync(join(root, file), "utf8")));
  const allowed = /^src\/(cli\/|models\/(choose|resolve|secrets)\.ts$)/;
  expect(readers.filter((file) => !allowed.test(file))).toEqual([]);
});

it("writes to the terminal through one door", () => {
  const doors = /^src\/cli\/(io|progress)\.ts$/;
  const room = files.filter((file) => file.startsWith("src/cli/"));
  const writers = room.filter((file) =>
    /std(out|err)\.write\(|console\./.test(readFileSync(join(root, file), "utf8")),
  );
  expect(writers.filter((file) => !doors.test(file))).toEqual([]);
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

/** The one step against the arrow: model resolution loads the embedded model when a run asks for it by name. */
function isResolvedLazily(file: string, target: string): boolean {
  return file === "src/models/resolve.ts" && target === "src/offline/offline-model.ts";
}

/** Relative imports of a file, as paths from the root; `eager` leaves out what is imported when it is called for. */
function importsOf(file: string, kind: "all" | "eager" = "all"): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^;"]*?from\s+)?"(\.[^"]+)"|import\("(\.[^"]+)"\)/g;
  return [...text.matchAll(pattern)]
    .filter((match) => kind === "all" || match[4] === undefined)
    .map((match) => match[3] ?? match[4] ?? "")
    .filter((path) => path.endsWith(".js"))
    .map((path) => relative(root, join(root, dirname(file), path)).replace(/\.js$/, ".ts"));
}
