// Builds the report's page from src/page/ into dist/src/page/. Run by the build, and from the sources where it is stale.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const outdir = join(root, "dist/src/page");
mkdirSync(outdir, { recursive: true });
buildSync({
  entryPoints: [
    { in: join(root, "src/page/main.ts"), out: "page" },
    { in: join(root, "src/page/page.css"), out: "page" },
  ],
  outdir,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  // The file's policy names the script by its hash; what ends a script element may not stand in it.
  supported: { "inline-script": false },
  charset: "ascii",
  legalComments: "none",
});
