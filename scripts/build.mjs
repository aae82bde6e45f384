// Builds dist/ from src/, nodes/ and graphs/. Run by `npm ci` (through `prepare`) and before packing.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
rmSync(join(root, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
copyFileSync(join(root, "src/spec/agent-dag.schema.json"), join(root, "dist/src/spec/agent-dag.schema.json"));
cpSync(join(root, "src/offline/words"), join(root, "dist/src/offline/words"), { recursive: true });
await import("./build-page.mjs");
chmodSync(join(root, "dist/src/cli/main.js"), 0o755);
