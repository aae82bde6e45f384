import { readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import { type Command, Option } from "commander";
import { errorMessage } from "../errors.js";
import { packageFolder, packageJson } from "../spec/package-json.js";
import { makeFolder } from "../stores/make-folder.js";
import { statFile } from "../stores/stat-file.js";
import { type Io, write } from "./io.js";
import { starterFor, type Template, templates } from "./starter-files.js";
import { UsageError } from "./usage-error.js";

/** `agent-dag init DIR`: writes a small project of the user's own, or adds one to a project that is there. */
export function addInitCommand(program: Command, io: Io): void {
  const names = Object.entries(templates).map(([name, { what }]) => `${name}: ${what}`);
  program
    .command("init")
    .description("Write a small project of your own: a graph, a test with a snapshot, a package.json.")
    .argument("<dir>", "a new or empty folder, or a project with a package.json, to which it is added")
    .addOption(
      new Option("--template <name>", `what to begin with; ${names.join("; ")}`)
        .choices(Object.keys(templates))
        .default("review"),
    )
    .option("--package <spec>", "what to install agent-dag from, for example file:./agent-dag-0.1.0.tgz")
    .option("--debug", "show stack traces")
    .action(async (dir: string, flags: { template: Template; package?: string }) => {
      if (dir.trim() === "")
        throw new UsageError("The folder has no name.", 'Give a name; "." is the current folder.');
      const folder = resolve(dir);
      const own = packageJson();
      const { files, manifest, scripts } = starterFor(folder, dir, {
        template: flags.template,
        name:
          basename(folder)
            .toLowerCase()
            .replace(/[^a-z0-9._-]+/g, "-")
            .replace(/^[._-]+/, "") || "my-graph",
        agentDag:
          flags.package === undefined ? installedFrom(folder, own.version) : seenFrom(folder, flags.package),
        versions: own.devDependencies,
      });
      const isNew = statFile(join(folder, "package.json")) === undefined;
      try {
        makeFolder(folder);
        for (const [name, text] of Object.entries(files))
          writeFileSync(join(folder, name), text, { flag: "wx" });
        writeFileSync(join(folder, "package.json"), manifest, { flag: isNew ? "wx" : "w" });
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
      const written = [...Object.keys(files), ...(isNew ? ["package.json"] : [])].join(", ");
      const start = scripts.start === "start" ? "npm start" : `npm run ${scripts.start}`;
      await write(
        io.stdout,
        [
          `Wrote ${written} to ${shown === "." ? "this folder" : shown}${isNew ? "" : ", and added what they need to package.json"}. Next:\n`,
          `${inside}  npm install`,
          `  ${start.padEnd(12)} # ${templates[flags.template].does}`,
          scripts.test
            ? "  npm test     # run its snapshot test\n"
            : "\nThis project has tests of its own: none was written.\n",
        ].join("\n"),
      );
    });
}

/**
 * Where the new project gets this package from: the tarball or repository that it was installed from, else its version; a
 * checkout gives itself.
 */
export function installedFrom(folder: string, version: string, own = packageFolder()): string {
  const seen = (path: string) => `file:${relative(folder, path).split(sep).join("/")}`;
  const modules = own.lastIndexOf(`${sep}node_modules${sep}`);
  if (modules < 0) return seen(own);
  const project = own.slice(0, modules);
  const source = lockedSource(join(project, "node_modules", ".package-lock.json"));
  if (source.startsWith("file:")) return seen(resolve(project, source.slice("file:".length)));
  return source.startsWith("git+") ? source : `^${version}`;
}

/** What npm noted that it installed this package from; empty where another tool did, or nothing can be read. */
function lockedSource(lockfile: string): string {
  try {
    const { packages } = JSON.parse(readFileSync(lockfile, "utf8"));
    return String(packages["node_modules/agent-dag"].resolved ?? "");
  } catch {
    return "";
  }
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
