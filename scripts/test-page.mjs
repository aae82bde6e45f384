// Tests the report's page in Debian's Chromium, which is installed where it is missing and this may install it.
// With PAGE_REQUIRED=1 a missing browser is a failure, otherwise the tests are left out with the reason.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const browser = () => process.env.CHROMIUM ?? known.find((path) => existsSync(path));

if (browser() === undefined && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
  // Others' installations are waited for, downloads are tried again, and none is cut off in the midst of it.
  const patience = ["-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=5"];
  const apt = (...args) =>
    spawnSync("apt-get", [...patience, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  const packages = ["chromium", "fonts-dejavu-core"];
  const install = () => apt("install", "-y", "--no-install-recommends", ...packages).status === 0;
  if (!install()) {
    apt("update");
    install();
  }
}
const chromium = browser();
if (chromium === undefined) {
  console.log(
    "The tests of the page are left out: there is no Chromium, and it cannot be installed here (root and apt-get do).",
  );
  process.exit(process.env.PAGE_REQUIRED === "1" ? 1 : 0);
}
const options = "--experimental-vm-modules --no-warnings=ExperimentalWarning";
execFileSync(process.execPath, [join(root, "scripts/build-page.mjs")], { stdio: "inherit" });
const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules/jest/bin/jest.js"), "--config", "jest.page.config.js", ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit", env: { ...process.env, CHROMIUM: chromium, NODE_OPTIONS: options } },
);
process.exit(status ?? 1);
