// Builds dist/ from src/, nodes/ and graphs/. Run by `npm ci` (through `prepare`) and before packing. The first `npx agent-dag` in
// a clone runs `prepare` as well, beside processes that use dist/: where that is up to date, it is left as it is.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isUpToDate, stampOf } from "./up-to-date.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
if (process.env.npm_lifecycle_event === "prepare" && isUpToDate(root)) process.exit(0);
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
rmSync(join(root, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
copyFileSync(join(root, "src/spec/agent-dag.schema.json"), join(root, "dist/src/spec/agent-dag.schema.json"));
cpSync(join(root, "src/offline/words"), join(root, "dist/src/offline/words"), { recursive: true });
await import("./build-page.mjs");
chmodSync(join(root, "dist/src/cli/main.js"), 0o755);
writeFileSync(stampOf(root), "");
