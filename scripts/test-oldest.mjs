// Runs the test suite with the oldest packages that the peer ranges allow (`npm run test:oldest`), in a folder of its own: the
// tracked files, and the project's lockfile with nothing changed but those packages.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const project = mkdtempSync(join(tmpdir(), "agent-dag-oldest-"));
/** What looks at the project's own package.json, or does not depend on the peers. */
const left = [
  "test/architecture",
  "test/docs",
  "test/page",
  "test/providers",
  "test/slow",
  "vitest",
  // They hold a JSON Schema to the letter, which zod writes differently from version to version.
  "test/spec/file-schema",
  "examples/companies",
];
/** Packages of those tests, and what wants newer peers than the oldest. */
const without =
  /^(@arethetypeswrong|@biomejs|@stryker-mutator|axe-core|playwright|publint|typedoc|vitepress)|^@langchain\/langgraph-(cli|sdk)$/;

try {
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0");
  for (const file of files) if (file !== "") cpSync(join(root, file), join(project, file));
  const path = join(project, "package.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  const oldest = Object.entries(manifest.peerDependencies).map(([name, range]) => [name, lowest(range)]);
  manifest.devDependencies = Object.fromEntries(
    Object.entries({ ...manifest.devDependencies, ...Object.fromEntries(oldest) }).filter(
      ([name]) => !without.test(name),
    ),
  );
  writeFileSync(path, JSON.stringify(manifest, null, 2));
  const run = (command, ...args) => execFileSync(command, args, { cwd: project, stdio: "inherit" });
  run("npm", "install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund");
  for (const [name, version] of oldest) {
    const { version: found } = JSON.parse(
      readFileSync(join(project, "node_modules", name, "package.json"), "utf8"),
    );
    if (found !== version) throw new Error(`${name} is ${found}, not the oldest, ${version}.`);
  }
  console.log(`With ${oldest.map((one) => one.join(" ")).join(", ")}:`);
  run("npm", "run", "build");
  run(
    "npm",
    "run",
    "jest",
    "--",
    ...process.argv.slice(2),
    ...left.map((path) => `--testPathIgnorePatterns=${path}`),
  );
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** The lowest version of a range such as `>=1.5 <2` or `^4.1.0`. */
function lowest(range) {
  const [, major, minor = "0", patch = "0"] = /(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(range);
  return `${major}.${minor}.${patch}`;
}
