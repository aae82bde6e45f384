// Writes package-lock.json again, for every platform and without download addresses (`npm run lock`). Run it after a
// change of dependencies: a registry that lacks the binaries of other platforms makes npm leave them out of the
// lockfile, and `npm ci` then refuses it.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = mkdtempSync(join(tmpdir(), "agent-dag-lock-"));
try {
  copyFileSync(join(root, "package.json"), join(folder, "package.json"));
  copyFileSync(join(root, "package-lock.json"), join(folder, "package-lock.json"));
  execFileSync("npm", ["install", "--package-lock-only", "--ignore-scripts"], {
    cwd: folder,
    stdio: "inherit",
  });
  const lock = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
  for (const entry of Object.values(lock.packages)) {
    if (/^https?:/.test(entry.resolved ?? "")) delete entry.resolved;
  }
  const packages = Object.entries({ ...otherPlatforms(lock.packages), ...lock.packages });
  lock.packages = Object.fromEntries(packages.sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(join(root, "package-lock.json"), `${JSON.stringify(lock, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Entries for optional packages that are missing: platform binaries, whose names tell system, processor and C library. */
function otherPlatforms(packages) {
  const found = {};
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const at = `node_modules/${name}`;
      if (packages[at] !== undefined || packages[`${path}/${at}`] !== undefined) continue;
      const os = /android|darwin|freebsd|linux|openharmony|wasm32|win32/.exec(name)?.[0];
      const cpu = /-(arm64|arm|ia32|loong64|ppc64|riscv64|s390x|wasm32|x64)(?=-|$)/.exec(name)?.[1];
      const libc = name.endsWith("musl")
        ? "musl"
        : os === "linux" && name.endsWith("gnu")
          ? "glibc"
          : undefined;
      found[at] = {
        version,
        ...(cpu !== undefined && { cpu: [cpu] }),
        ...(entry.dev && { dev: true }),
        optional: true,
        ...(os !== undefined && os !== "wasm32" && { os: [os] }),
        ...(libc !== undefined && { libc: [libc] }),
      };
    }
  }
  return found;
}
