// Runs the test suite with the oldest LangChain packages that the peer ranges allow (`npm run test:oldest`), in a folder of
// its own: the tracked files, with the package.json and the lockfile of test/oldest in place of the project's.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = mkdtempSync(join(tmpdir(), "agent-dag-oldest-"));
const project = join(folder, "project");
/** What needs packages that only the newest set has, or looks at the project's own package.json. */
const left = [
  "test/architecture",
  "test/docs",
  "test/oldest",
  "test/page",
  "test/providers",
  "test/slow",
  "vitest",
];
try {
  mkdirSync(project);
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0");
  for (const file of files) if (file !== "") cpSync(join(root, file), join(project, file));
  for (const file of ["package.json", "package-lock.json"]) {
    cpSync(join(root, "test/oldest", file), join(project, file));
  }
  const npm = (...args) => execFileSync("npm", args, { cwd: project, stdio: "inherit" });
  npm("ci", "--ignore-scripts");
  npm("run", "build");
  npm("run", "jest", "--", "--testPathIgnorePatterns", ...left, ...process.argv.slice(2));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
