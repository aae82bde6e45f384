// Runs the test suite on Node 24 (`npm run test:node24`), whose binary comes from the npm package `node`, in a folder of its own.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = mkdtempSync(join(tmpdir(), "agent-dag-node24-"));
/** What is the same on every Node: the project's own files, the types of its docs. */
const left = ["test/architecture", "test/docs", "test/page", "test/slow"];
try {
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  execFileSync("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "node@24"], {
    cwd: folder,
    stdio: "inherit",
  });
  const env = {
    ...process.env,
    PATH: `${join(folder, "node_modules/node/bin")}${delimiter}${process.env.PATH}`,
    NODE_OPTIONS: "--experimental-vm-modules --no-warnings=ExperimentalWarning",
  };
  const node = join(folder, "node_modules/node/bin/node");
  const run = (...args) => execFileSync(node, args, { cwd: root, env, stdio: "inherit" });
  run("--version");
  run(
    "node_modules/jest/bin/jest.js",
    ...process.argv.slice(2),
    ...left.map((path) => `--testPathIgnorePatterns=${path}`),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
