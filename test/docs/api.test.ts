import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "@jest/globals";

interface Options {
  readonly entryPoints: readonly string[];
}

const config = "docs/typedoc.json";
const { entryPoints } = JSON.parse(readFileSync(config, "utf8")) as Options;
const { exports: entries } = JSON.parse(readFileSync("package.json", "utf8")) as {
  exports: Record<string, string | { readonly default: string }>;
};

it("documents every entry point of the package", () => {
  const sources = Object.values(entries).flatMap((target) =>
    typeof target === "string"
      ? []
      : [resolve(target.default.replace("/dist/", "/").replace(/\.js$/, ".ts"))],
  );
  expect(entryPoints.map((path) => resolve(dirname(config), path)).sort()).toEqual(sources.sort());
});

// Fields of an object type that has no name of its own are told in the docstring of what has the type.
it("says of every export, and of every property and method of an exported type, what it is", async () => {
  const typedoc = resolve("node_modules/typedoc/bin/typedoc");
  const checks = ["--validation.notDocumented", "true", "--treatValidationWarningsAsErrors", "false"];
  const options = ["--options", config, "--emit", "none", ...checks];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [typedoc, ...options], {
    env: { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1" },
  });
  const warnings = `${stdout}${stderr}`.split("\n").flatMap((line) => {
    const [, text] = /^\[(?:warning|error)\] (.*)$/.exec(line) ?? [];
    return text === undefined || /\.__type\.|^Found /.test(text) ? [] : [text];
  });
  expect(`${stdout}${stderr}`).toContain("Found 0 errors");
  expect(warnings).toEqual([]);
});
