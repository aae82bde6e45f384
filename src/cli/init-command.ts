import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import type { Command } from "commander";
import { errorMessage } from "../errors.js";
import { packageFolder, packageJson } from "../spec/package-json.js";
import { type Io, write } from "./io.js";
import { starterFiles } from "./starter-files.js";
import { UsageError } from "./usage-error.js";

/** `agent-dag init DIR`: writes a small project of the user's own. */
export function addInitCommand(program: Command, io: Io): void {
  program
    .command("init")
    .description("Write a small project of your own: a graph, a test with a snapshot, a package.json.")
    .argument("<dir>", "a new or empty folder")
    .option("--package <spec>", "what to install agent-dag from, for example file:./agent-dag-0.1.0.tgz")
    .option("--debug", "show stack traces")
    .action(async (dir: string, flags: { package?: string }) => {
      const folder = resolve(dir);
      assertEmpty(folder, dir);
      const own = packageJson();
      const files = starterFiles({
        name:
          basename(folder)
            .toLowerCase()
            .replace(/[^a-z0-9._-]+/g, "-")
            .replace(/^[._-]+/, "") || "my-graph",
        agentDag:
          flags.package === undefined ? installedFrom(folder, own.version) : seenFrom(folder, flags.package),
        versions: own.devDependencies,
      });
      try {
        mkdirSync(folder, { recursive: true });
        for (const [name, text] of Object.entries(files))
          writeFileSync(join(folder, name), text, { flag: "wx" });
      } catch (error) {
        throw new UsageError(
          `The project could not be written to "${dir}": ${errorMessage(error)}`,
          undefined,
          error,
        );
      }
      const shown = relative(process.cwd(), folder) || ".";
      const inside =
        shown === "."
          ? ""
          : `  cd ${/^[\w./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`}\n`;
      await write(
        io.stdout,
        `Wrote ${Object.keys(files).join(", ")} to ${shown === "." ? "this folder" : shown}. Next:\n\n${inside}  npm install\n  npm start    # run the graph\n  npm test     # run its snapshot test\n`,
      );
    });
}

/** Where the new project gets this package from: where it was installed from, or the checkout that it is run from. */
function installedFrom(folder: string, version: string): string {
  const own = packageFolder();
  if (own.split(sep).includes("node_modules")) return `^${version}`;
  return `file:${relative(folder, own).split(sep).join("/")}`;
}

/** What to install from, as the new project's `package.json` has to say it: paths are given as seen from here. */
function seenFrom(folder: string, spec: string): string {
  const [, scheme = "file:", path] =
    /^(file:|link:)?(\.{1,2}(?:[\\/].*)?)$/.exec(spec) ??
    /^(file:|link:)((?![\\/~]|[A-Za-z]:).+)$/.exec(spec) ??
    [];
  if (path === undefined) return spec;
  const from = relative(folder, resolve(path.replaceAll("\\", sep)))
    .split(sep)
    .join("/");
  return `${scheme}${from}`;
}

function assertEmpty(folder: string, dir: string): void {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory())
    throw new UsageError(`"${dir}" is a file.`, "Give the name of a new or empty folder.");
  const found = readdirSync(folder).filter((name) => name !== ".git");
  if (found.length > 0) {
    throw new UsageError(
      `"${dir}" is not empty: it holds ${found.slice(0, 3).join(", ")}${found.length > 3 ? ", …" : ""}.`,
      "Give the name of a new or empty folder.",
    );
  }
}
