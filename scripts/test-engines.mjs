// Tests batches over several processes on PostgreSQL (from its npm package) and on Debian's Redis, which is installed where it is
// missing and this may install it. With ENGINES_REQUIRED=1 a missing Redis is a failure, otherwise its tests are left out with the
// reason.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const hasRedis = () => spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0;

if (!hasRedis() && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
  // Others' installations are waited for, downloads are tried again, and none is cut off in the midst of it.
  const patience = ["-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=5"];
  const apt = (...args) =>
    spawnSync("apt-get", [...patience, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  const install = () => apt("install", "-y", "--no-install-recommends", "redis-server").status === 0;
  if (!install()) {
    apt("update");
    install();
  }
}
if (!hasRedis()) {
  console.log(
    "The tests on Redis are left out: there is no redis-server, and it cannot be installed here (root and apt-get do).",
  );
  if (process.env.ENGINES_REQUIRED === "1") process.exit(1);
}
// Workers are processes of the built package.
const built = spawnSync(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root, stdio: "inherit" });
if (built.status !== 0) process.exit(1);
const options = "--experimental-vm-modules --no-warnings=ExperimentalWarning";
const { status } = spawnSync(
  process.execPath,
  [
    join(root, "node_modules/jest/bin/jest.js"),
    "--config",
    "jest.engines.config.js",
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: "inherit", env: { ...process.env, NODE_OPTIONS: options } },
);
process.exit(status ?? 1);
