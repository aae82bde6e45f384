import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";

/**
 * What each entry point exports, one name a line, types marked as such: `exports.txt` beside this file. Whoever adds an export
 * on purpose adds its line there (`UPDATE_DOCS=1` writes them all); whoever takes one away breaks somebody's import.
 */
const list = new URL("exports.txt", import.meta.url);
const { exports: entries } = JSON.parse(readFileSync("package.json", "utf8")) as {
  exports: Record<string, string | { readonly default: string }>;
};
const modules = Object.entries(entries).flatMap(([entry, target]) =>
  typeof target === "string"
    ? []
    : [[entry.replace(/^\./, "agent-dag"), target.default.replace(/^\.\/dist\/(.*)\.js$/, "$1.ts")] as const],
);

if (process.env.UPDATE_DOCS === "1") {
  const text = modules.map(([entry, file]) => [
    `# ${entry}`,
    "",
    ...exportsOf(readFileSync(file, "utf8")),
    "",
  ]);
  writeFileSync(list, text.flat().join("\n"));
}
const listed = sections(readFileSync(list, "utf8"));

it("lists every entry point of the package", () => {
  expect(Object.keys(listed)).toEqual(modules.map(([entry]) => entry));
});

describe.each(modules)("%s", (entry, file) => {
  it("exports what is listed, each by its name, and nothing else", () => {
    const source = readFileSync(file, "utf8");
    expect(source).not.toMatch(/export (type )?\*/);
    expect(exportsOf(source)).toEqual(listed[entry]);
  });

  it("has the values that it says it has", async () => {
    const loaded = (await import(`../../${file}`)) as object;
    const values = (listed[entry] ?? []).filter((line) => !line.startsWith("type "));
    expect(Object.keys(loaded).sort()).toEqual(values.sort());
  });
});

/** The names that a module exports, `type Name` for types, in alphabetical order. */
function exportsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "");
  const lists = [...code.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, allTypes = "", list = ""]) =>
    list
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "")
      .map((one) => {
        const name = one.replace(/^type /, "").replace(/^.* as /, "");
        return allTypes !== "" || one.startsWith("type ") ? `type ${name}` : name;
      }),
  );
  const own = [...code.matchAll(/export (?:async )?(function|const|class|interface|type) (\w+)/g)].map(
    ([, kind, name]) => (kind === "interface" || kind === "type" ? `type ${name}` : `${name}`),
  );
  return [...lists, ...own].sort(byName);
}

function sections(text: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  let names: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("# ")) found[line.slice(2)] = names = [];
    else if (line.trim() !== "") names.push(line.trim());
  }
  for (const list of Object.values(found)) list.sort(byName);
  return found;
}

function byName(a: string, b: string): number {
  const bare = (line: string) => line.replace(/^type /, "");
  return bare(a) < bare(b) ? -1 : 1;
}
